"""A login is offered that does not show the server the password.

## Rationale
With PLAIN the server learns the password, and so does whoever has taken the server over, or poses
as it before a program that does not look at certificates. SCRAM proves the knowledge of a password
without showing it, and proves the server in turn; a token or a client certificate is no password.

## Remediation
Offer SCRAM-SHA-256 beside PLAIN; programs that know it prefer it.

Postfix with Dovecot (`dovecot.conf`; passwords must be kept as SCRAM-SHA-256):

    auth_mechanisms = plain scram-sha-256

Postfix with Cyrus SASL (`smtpd.conf`): `mech_list: PLAIN SCRAM-SHA-256`.

## Limits
What EHLO lists inside TLS counts: whether it works is tried where the inventory declares a login.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.smtp import EhloInTls

_ANY_OF = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "EXTERNAL")


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.INFO,
    references=(Rfc(5802), Rfc(7677)),
)
def evaluate(ehlo: EhloInTls, *, any_of: tuple[str, ...] = _ANY_OF) -> Verdict:
    """any_of: mechanisms of which one is enough."""
    wanted = {name.upper() for name in any_of}
    offers: list[Evidence] = []
    offered: list[str] = []
    for place, keyword in enumerate(ehlo.keywords):
        if keyword.name == "AUTH" and keyword.params:
            offered += keyword.params
            quote = " ".join(("AUTH", *keyword.params))
            offers.append(cite(ehlo, f"/keywords/{place}", quote))
    if not offers:
        return NotApplicable("inside TLS EHLO lists no AUTH")
    if wanted.isdisjoint(name.upper() for name in offered):
        message = f"AUTH offers {', '.join(offered)} alone"
        return Fail((Violation(message, tuple(offers), expected=f"one of {', '.join(any_of)}"),))
    return Pass(tuple(offers))
