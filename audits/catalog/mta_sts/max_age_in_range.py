"""Senders keep the MTA-STS policy for long enough, and no longer than allowed.

## Rationale
Senders are protected for as long as they hold the policy. After a short `max_age` they have to
fetch it anew, and whoever can block that once strips TLS again. A value over the limit makes the
policy invalid.

## Remediation
Set weeks, and never more than a year (31557600 seconds):

    max_age: 1209600

A change of the policy need not wait for it: a new `id` in the TXT record makes senders look.

## Limits
In mode `none`, which takes a policy back, a short time does no harm; only the limit is judged.
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
from audits.facts.https import MtaStsPolicy
from audits.parse.mta_sts import MAX_AGE_S


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(8461, "3.2"), Rfc(8461, "10.2")),
)
def evaluate(policy: MtaStsPolicy, *, min_age_s: int = 604_800) -> Verdict:
    """min_age_s: the shortest time that senders should keep the policy for."""
    age = policy.max_age_s
    if age is None:
        return NotApplicable("no policy with a max_age that senders can read is served")
    seen = (cite(policy, "/max_age_s"),)
    if age > MAX_AGE_S:
        message = f"max_age of {age} s is over the limit of {MAX_AGE_S} s"
        return Fail((Violation(message, seen),))
    if age < min_age_s and policy.mode != "none":
        return Fail((Violation(f"max_age of {age} s is under {min_age_s} s", seen),))
    return Pass(seen)
