"""The MTA-STS policy of a domain is in a mode that protects.

## Rationale
In mode `testing` senders report what fails and deliver all the same, in clear if need be. That is
right for the weeks in which reports are read, and protects from nobody.

## Remediation
Read the TLS reports until every MX host passes, then set the mode and announce the change with a
new `id` in the TXT record:

    mode: enforce

## Limits
A policy that senders can't fetch or read is judged by `mta-sts-policy-served`.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
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

_MODES = ("none", "testing", "enforce")


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(8461, "5"),),
    frameworks=(Doc("ISM", "1589"),),
)
def evaluate(
    policy: MtaStsPolicy, *, min_mode: Literal["none", "testing", "enforce"] = "enforce"
) -> Verdict:
    """min_mode: the weakest mode that is tolerated."""
    if policy.mode not in _MODES:
        return NotApplicable("no policy with a mode that senders know is served")
    seen = (cite(policy, "/mode"),)
    if _MODES.index(policy.mode) < _MODES.index(min_mode):
        expected = f"mode {min_mode}" + ("" if min_mode == "enforce" else " or stricter")
        return Fail((Violation(f"mode {policy.mode}", seen, expected=expected),))
    return Pass(seen)
