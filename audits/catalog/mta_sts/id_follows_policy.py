"""An MTA-STS policy that changed since the run before has a new id.

## Rationale
Senders that hold a policy look at the `id` in the TXT record alone, and fetch the policy again only
when it has changed. Behind an old `id` they keep the old policy for up to a year: a new MX host is
refused, and stricter rules are not followed.

## Remediation
Change the `id` whenever the policy changes, first the policy, then the record. A time stamp is
usual:

    _mta-sts   3600  IN  TXT  "v=STSv1; id=20260115T120000"

## Limits
Compared is what the policy means (mode, MX patterns, `max_age`), with what the run before saw; the
first run has nothing to compare with and leaves it unknown. Whoever keeps no runs can name one by
`mailproof run --previous`.
"""

from audits.evaluate.audit import Before, Rfc, audit
from audits.evaluate.target import Target
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
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import Observed, Reason, Unobserved
from audits.facts.https import MtaStsPolicy


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(8461, "3.1"),),
)
def evaluate(
    sts: MtaStsTxt,
    policy: MtaStsPolicy,
    sts_before: Before[MtaStsTxt],
    policy_before: Before[MtaStsPolicy],
) -> Verdict:
    if not _in_force(sts, policy):
        return NotApplicable("no valid policy is announced and served")
    seen = (cite(sts, "/records/0/id"), cite(policy, "/body"))
    for before in (sts_before, policy_before):
        if before is None:
            return Undecided(Reason.NOT_COLLECTED, "no earlier run has seen the policy", seen)
        if isinstance(before, Unobserved) and not before.reason.nothing_there:
            return Undecided(before.reason, f"in the run before: {before.detail}", seen)
    if not isinstance(sts_before, Observed) or not isinstance(policy_before, Observed):
        return NotApplicable("the policy is new since the run before")
    if not _in_force(sts_before.fact, policy_before.fact):
        return NotApplicable("no valid policy was in force in the run before")
    changed = [
        name
        for name in ("mode", "mx", "max_age_s")
        if _meaning(policy, name) != _meaning(policy_before.fact, name)
    ]
    same_id = sts.records[0].id == sts_before.fact.records[0].id
    if not changed or not same_id:
        return Pass(seen)
    since = policy_before.provenance.at
    fields = ", ".join(name.removesuffix("_s") for name in changed)
    message = f"{fields} changed since {since:%Y-%m-%d %H:%M} UTC, and id is {sts.records[0].id}"
    cited = tuple(cite(policy, f"/{name}") for name in changed)
    return Fail((Violation(f"{message} as before", (seen[0], *cited)),))


def _in_force(sts: MtaStsTxt, policy: MtaStsPolicy) -> bool:
    """Whether senders take both."""
    valid_record = len(sts.records) == 1 and sts.records[0].malformed is None
    return valid_record and policy.status == 200 and policy.malformed is None


def _meaning(policy: MtaStsPolicy, name: str) -> object:
    """The value of a field; of patterns, whatever their order."""
    return frozenset(policy.mx) if name == "mx" else getattr(policy, name)
