"""Every certificate that a service presents is within its dates.

## Rationale
Once a certificate has expired, mail programs refuse it or ask their users to look away, and senders
that insist on TLS keep the mail back.

## Remediation
Renew the certificate now, load it, then find out why that did not happen by itself:

    certbot renew --deploy-hook "systemctl reload postfix dovecot"

An expired intermediate is replaced by serving the CA's current chain. Where a certificate is not
yet valid, look at the clock of the host that issued it.

## Limits
DANE with a fixed end-entity key asks no sender to look at dates; this audit still does, because
mail programs and senders without DANE see them. On port 25 the severity is high at most.
"""

from datetime import timedelta

from audits.evaluate.audit import AsOf, Doc, Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.CRITICAL,
    references=(Rfc(5280, "4.1.2.5"),),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"),),
)
def evaluate(chain: CertificateChain, as_of: AsOf, *, clock_skew_s: float = 300.0) -> Verdict:
    skew = timedelta(seconds=clock_skew_s)
    milder = Severity.HIGH if chain.subject.port == SMTP else None
    violations = []
    for place, held in enumerate(chain.certificates):
        if as_of.at > held.not_after + skew:
            message = (
                f"{held.subject or 'a certificate'} expired on {held.not_after:%Y-%m-%d %H:%M} UTC"
            )
            pointer = f"/certificates/{place}/not_after"
        elif as_of.at < held.not_before - skew:
            message = (
                f"{held.subject or 'a certificate'} begins on {held.not_before:%Y-%m-%d %H:%M} UTC"
            )
            pointer = f"/certificates/{place}/not_before"
        else:
            continue
        violations.append(Violation(message, (cite(chain, pointer),), milder))
    if violations:
        return Fail(tuple(violations))
    if chain.malformed is not None or not chain.certificates:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    places = range(len(chain.certificates))
    return Pass(tuple(cite(chain, f"/certificates/{place}/not_after") for place in places))
