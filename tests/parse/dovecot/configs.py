"""A sound Dovecot configuration of each branch, and its reading with something changed."""

from audits.facts.fact import Silence
from audits.facts.mta import ConfiguredListener, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.dovecot.reading import read_dovecot

SOUND = """\
protocols = imap submission
ssl = required
ssl_cert = </etc/dovecot/mx1.pem
ssl_key = </etc/dovecot/private/mx1.key
ssl_min_protocol = TLSv1.2
passdb {
  driver = passwd-file
  args = scheme=SHA512-CRYPT /etc/dovecot/users
}
service submission-login {
  inet_listener submissions {
    port = 465
    ssl = yes
  }
}
"""
SOUND_2_4 = """\
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols {
  imap = yes
  submission = yes
}
ssl = required
ssl_server {
  cert_file = /etc/dovecot/mx1.pem
  key_file = /etc/dovecot/private/mx1.key
}
passdb passwd-file {
  default_password_scheme = ARGON2ID
  passwd_file_path = /etc/dovecot/users
}
"""


def reading(
    text: str, files: dict[str, str] | None = None, *, version: str | None = None
) -> Reading:
    texts = {"/etc/dovecot/dovecot.conf": ConfigText("dovecot.conf", text)}
    texts |= {path: ConfigText(path, other) for path, other in (files or {}).items()}
    found = read_dovecot(ConfigTree(texts), "/etc/dovecot/dovecot.conf", version)
    assert not isinstance(found, Silence)
    return found


def listener(found: Reading, port: int) -> ConfiguredListener:
    (only,) = [listener for listener in found.listeners if listener.port == port]
    return only


def ruled(found: Reading, port: int, question: Question) -> Ruling:
    ruling = listener(found, port).ruling(question)
    assert ruling is not None
    return ruling
