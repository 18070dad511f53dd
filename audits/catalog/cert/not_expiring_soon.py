"""No certificate that a service presents is about to expire.

## Rationale
A certificate that should have been renewed by now tells of a renewal that fails in silence. There
is still time to mend it before mail stops.

## Remediation
See why the renewal did not run, or why the service still presents the old file:

    certbot certificates
    systemctl list-timers | grep -i -e certbot -e acme
    certbot renew --dry-run

A service reads the file only when it is told to: reload Postfix, Exim and Dovecot after a renewal;
OpenSMTPD needs a restart.

## Limits
`min_days` alone would outlast short certificates, so the margin is the smaller of `min_days` and
`min_fraction` of the whole validity.
"""

from datetime import timedelta

from audits.evaluate.audit import AsOf, Doc, audit
from audits.evaluate.target import Target
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

_DAY = timedelta(days=1)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Doc("CA/B Forum ballot", "SC-081v3"), Doc("PCI DSS 4.0.1", "4.2.1.1")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1.1"),),
)
def evaluate(
    chain: CertificateChain, as_of: AsOf, *, min_days: float = 21.0, min_fraction: float = 0.25
) -> Verdict:
    """min_days, min_fraction: what must be left, in days and as a part of the whole validity."""
    seen = []
    violations = []
    for place, held in enumerate(chain.certificates):
        if place > 0 and held.self_issued:
            continue
        margin = min(timedelta(days=min_days), min_fraction * (held.not_after - held.not_before))
        evidence = cite(chain, f"/certificates/{place}/not_after")
        seen.append(evidence)
        left = held.not_after - as_of.at
        if left < margin:
            name = held.subject or "a certificate"
            message = (
                f"{name} has {left / _DAY:.1f} days left, less than {margin / _DAY:.1f}"
                if left > timedelta()
                else f"{name} expired {-left / _DAY:.1f} days ago"
            )
            violations.append(Violation(message, (evidence,)))
    if violations:
        return Fail(tuple(violations))
    if chain.malformed is not None or not seen:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    return Pass(tuple(seen))
