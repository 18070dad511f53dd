"""A sound Postfix configuration, and its reading with something changed."""

from audits.facts.fact import Silence
from audits.facts.mta import ConfiguredListener, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.postfix.reading import read_postfix

MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx1.example.net
mydestination = example.net
mynetworks = 127.0.0.0/8
smtpd_tls_chain_files = /etc/ssl/mx1.pem
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
"""
MASTER_CF = """\
smtp inet n - y - - smtpd
submission inet n - y - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""


def reading(
    extra: str = "",
    *,
    without: str = "",
    master: str = MASTER_CF,
    files: dict[str, str] | None = None,
    version: str | None = None,
) -> Reading:
    """The sound configuration with lines added, and without those that begin with a word."""
    kept = [
        line for line in MAIN_CF.splitlines(True) if not without or not line.startswith(without)
    ]
    texts = {
        "/etc/postfix/main.cf": ConfigText("main.cf", "".join(kept) + extra),
        "/etc/postfix/master.cf": ConfigText("master.cf", master),
    }
    texts |= {path: ConfigText(path, text) for path, text in (files or {}).items()}
    found = read_postfix(ConfigTree(texts), "/etc/postfix", version)
    assert not isinstance(found, Silence)
    return found


def listener(found: Reading, port: int) -> ConfiguredListener:
    (only,) = [listener for listener in found.listeners if listener.port == port]
    return only


def ruled(found: Reading, port: int, question: Question) -> Ruling:
    ruling = listener(found, port).ruling(question)
    assert ruling is not None
    return ruling
