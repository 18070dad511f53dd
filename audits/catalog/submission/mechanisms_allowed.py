"""No login mechanism is offered that is broken or can be passed on.

## Rationale
CRAM-MD5, DIGEST-MD5 and NTLM can be guessed at from one recorded exchange and oblige the server to
keep passwords so that they can be read; ANONYMOUS is no login at all. LOGIN was never standardised,
and XOAUTH2 has given way to OAUTHBEARER.

## Remediation
Offer PLAIN inside TLS and SCRAM-SHA-256 instead.

Postfix with Dovecot (`dovecot.conf`):

    auth_mechanisms = plain scram-sha-256

Postfix with Cyrus SASL (`smtpd.conf`): `mech_list: PLAIN SCRAM-SHA-256`.
Exim: leave out authenticators whose `public_name` is one of these.

## Limits
What EHLO lists inside TLS counts. Some old programs know LOGIN only: `warn: []` in a policy lets it
stand.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.smtp import EhloInTls

_DENY = ("ANONYMOUS", "CRAM-MD5", "DIGEST-MD5", "NTLM")
_WARN = ("LOGIN", "XOAUTH2")


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(6331), Rfc(4954, "4")),
)
def evaluate(
    ehlo: EhloInTls, *, deny: tuple[str, ...] = _DENY, warn: tuple[str, ...] = _WARN
) -> Verdict:
    """deny: mechanisms that must not be offered; warn: those that had better not, low only."""
    denied, discouraged = ({name.upper() for name in names} for names in (deny, warn))
    violations, offers = [], []
    for place, keyword in enumerate(ehlo.keywords):
        if keyword.name != "AUTH" or not keyword.params:
            continue
        offer = cite(ehlo, f"/keywords/{place}", " ".join(("AUTH", *keyword.params)))
        offers.append(offer)
        offered = [name.upper() for name in keyword.params]
        wrong = [name for name in offered if name in denied]
        doubtful = [name for name in offered if name in discouraged - denied]
        if wrong:
            violations.append(Violation(f"AUTH offers {', '.join(wrong)}", (offer,)))
        if doubtful:
            message = f"AUTH offers {', '.join(doubtful)}, which had better go"
            violations.append(Violation(message, (offer,), Severity.LOW))
    if violations:
        return Fail(tuple(violations))
    return Pass(tuple(offers)) if offers else NotApplicable("inside TLS EHLO lists no AUTH")
