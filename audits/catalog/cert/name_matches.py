"""A service's certificate is for the name that the service is reached by.

## Rationale
A certificate for another name proves nothing of this host: anybody on the path can present one.
Mail programs warn, or refuse to send, and users learn to click the warning away.

## Remediation
Order a certificate with the host's name as dNSName in the subject alternative name. The common name
does not count.

    certbot certonly --standalone -d mx1.example.net -d submit.example.net

Postfix (`main.cf`), where the host has several names:

    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem
    tls_server_sni_maps = hash:/etc/postfix/sni

Or let users and MX records name the host as its certificate does.

## Limits
On port 25 senders check the name only under MTA-STS, or by TLSA records of usage 2. Where neither
is published, a wrong name is for information only; by records of usage 3 it does not matter.
`mx_validation` sets this by hand. Other names that users may have configured are not known here.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dane import TlsaSet
from audits.facts.dns import ResolverReport
from audits.facts.fact import Observation, Reason
from audits.facts.https import MtaStsDomains
from audits.facts.tls import Certificate, CertificateChain
from audits.parse.mx_validation import Validation, validated
from audits.parse.x509 import matches

_SHOWN = 4


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8314, "4.4"), Rfc(9525, "6")),
    frameworks=(Doc("BSI TR-03108-P", "E-05"),),
)
def evaluate(
    chain: CertificateChain,
    sts: Observation[MtaStsDomains],
    tlsa: Observation[TlsaSet],
    resolver: Observation[ResolverReport],
    *,
    mx_validation: Validation = "auto",
) -> Verdict:
    """mx_validation: how senders verify MX hosts; `auto` is by what is published."""
    leaf = chain.leaf
    if leaf is None:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    names = cite(chain, "/certificates/0/dns_names")
    asked = validated(mx_validation, sts, tlsa, resolver, chain) if _is_mx(chain) else None
    if asked is not None and (asked.by == "dane-ee" or mx_validation == "none"):
        return NotApplicable(f"no sender looks at the name: {asked.why}")
    wrong = [name for name in chain.names if not matches(leaf, name)]
    if not wrong:
        return Pass((names,))
    message = f"the certificate is for {_held(leaf)}, not for {', '.join(wrong)}"
    if asked is not None and asked.silence is not None:
        detail = f"{message}; whether senders mind is open: {asked.silence.detail}"
        return Undecided(asked.silence.reason, detail, (names,))
    milder = Severity.INFO if asked is not None and asked.by == "nothing" else None
    return Fail((Violation(message, (names, cite(chain, "/names")), milder),))


def _is_mx(chain: CertificateChain) -> bool:
    return chain.subject.port == SMTP


def _held(leaf: Certificate) -> str:
    if not leaf.dns_names:
        return f"no dNSName ({leaf.subject or 'without subject'})"
    more = len(leaf.dns_names) - _SHOWN
    shown = ", ".join(leaf.dns_names[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
