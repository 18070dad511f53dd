"""A service's certificate is valid for no longer than public authorities may issue it for.

## Rationale
A long certificate outlives the key's secrecy and whatever was true of its name. Public authorities
are bound to shrinking limits: one beyond them was issued against the rules, or is from an authority
that follows none.

## Remediation
Replace it by one that is renewed without hands, well within the limit:

    certbot certonly --standalone -d mx1.example.net
    systemctl enable --now certbot.timer

Limits by the day on which validity begins: 398 days, 200 from 2026-03-15, 100 from 2027-03-15 and
47 from 2029-03-15.

## Limits
A chain that leads to a root which the system does not hold is judged by `private_max_days`. Where
`trust.ca_file` or the host's `private_ca` names roots of your own, a chain counts as private: it is
not told apart to which root it leads. One day of 86,400 seconds counts as one.
"""

from datetime import UTC, datetime, timedelta

from audits.evaluate.audit import Doc, audit
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
# Ballot SC-081v3: from which day on validity may last so many days, the newest first.
_LIMITS = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
    (datetime(2026, 3, 15, tzinfo=UTC), 200),
)
_LIMIT_BEFORE = 398


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.LOW,
    references=(Doc("CA/B Forum ballot", "SC-081v3"),),
    frameworks=(Doc("BSI TR-03116-4", "6.2.4"),),
)
def evaluate(chain: CertificateChain, *, private_max_days: int = 398) -> Verdict:
    """private_max_days: for certificates of authorities that are not public."""
    leaf = chain.leaf
    if leaf is None:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    seen = (cite(chain, "/certificates/0/not_before"), cite(chain, "/certificates/0/not_after"))
    # RFC 5280 section 4.1.2.5: the last second belongs to it.
    lasts = leaf.not_after - leaf.not_before + timedelta(seconds=1)
    public = _public(chain)
    limit = _limit(leaf.not_before) if public else private_max_days
    if lasts <= limit * _DAY:
        return Pass(seen)
    whose = "a public CA may give" if public else "the policy allows a private CA"
    message = f"it is valid for {lasts / _DAY:.0f} days, more than the {limit} that {whose}"
    return Fail((Violation(message, seen),))


def _public(chain: CertificateChain) -> bool:
    """It was verified with the system's roots alone."""
    verification = chain.verification
    return (
        verification is not None and verification.code == 0 and verification.stores == ("system",)
    )


def _limit(begins: datetime) -> int:
    return next((days for day, days in _LIMITS if begins >= day), _LIMIT_BEFORE)
