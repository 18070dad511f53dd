"""Sound configurations of OpenSMTPD, and their reading with something changed."""

from audits.facts.fact import Silence
from audits.facts.mta import ConfiguredListener, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.opensmtpd.reading import read_opensmtpd

SOUND = """\
pki mx1 cert "/etc/ssl/mx1.pem"
pki mx1 key "/etc/ssl/private/mx1.key"
table logins file:/etc/mail/logins
table ours { example.net, "*.example.net" }
listen on all tls pki mx1
listen on all port 587 tls-require pki mx1 auth <logins>
listen on all smtps pki mx1 auth <logins>
action "local" maildir
action "out" relay
match from any for domain <ours> action "local"
match from local for any action "out"
match auth from any for any action "out"
"""
OLD = """\
pki mx1 certificate "/etc/ssl/mx1.pem"
pki mx1 key "/etc/ssl/private/mx1.key"
table logins file:/etc/mail/logins
listen on egress tls pki mx1
listen on egress port 587 tls-require pki mx1 auth <logins>
accept from any for domain "example.net" deliver to maildir
accept from local for any relay
"""


def reading(
    text: str, files: dict[str, str] | None = None, *, version: str | None = None
) -> Reading:
    texts = {"/etc/smtpd.conf": ConfigText("smtpd.conf", text)}
    texts |= {path: ConfigText(path, other) for path, other in (files or {}).items()}
    found = read_opensmtpd(ConfigTree(texts), "/etc/smtpd.conf", version)
    assert not isinstance(found, Silence)
    return found


def listener(found: Reading, port: int) -> ConfiguredListener:
    (only,) = [listener for listener in found.listeners if listener.port == port]
    return only


def ruled(found: Reading, port: int, question: Question) -> Ruling:
    ruling = listener(found, port).ruling(question)
    assert ruling is not None
    return ruling
