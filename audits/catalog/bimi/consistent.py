"""A domain that publishes a logo publishes what receivers demand for showing it.

## Rationale
Receivers show a logo only for mail that DMARC proves to be the domain's, and only where the policy
leaves forgers no way: not `none`, not for names below, not for a share of mail.

## Remediation
Enforce DMARC first, for the domain and for names below it; then publish logo and evidence by https:

    default._bimi   3600  IN  TXT  "v=BIMI1; l=https://www.example.net/logo.svg; a="

## Limits
Logo and certificate are not fetched. Selectors other than `default` can't be seen in the DNS.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
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
from audits.facts.bimi import BimiTxt
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc_policy import (
    effective_policy,
    policy_places,
    policy_words,
    subdomain_policy,
    tag_place,
)


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.INFO,
    references=(Doc("draft-brand-indicators-for-message-identification"), Rfc(9989, "4.7")),
)
def evaluate(bimi: BimiTxt, dmarc: DmarcWalk) -> Verdict:
    if not bimi.records:
        return NotApplicable(f"no BIMI record at {bimi.answer.name}")
    if all(record.declines for record in bimi.records):
        return NotApplicable("the BIMI record says that there is no logo")
    record = cite(bimi, "/records/0")
    violations = [*_record(bimi), *_policy(dmarc, record)]
    return Fail(tuple(violations)) if violations else Pass((record,))


def _record(bimi: BimiTxt) -> Iterator[Violation]:
    if len(bimi.records) > 1:
        cited = tuple(cite(bimi, f"/records/{i}") for i, _ in enumerate(bimi.records))
        yield Violation(f"{len(bimi.records)} BIMI records at {bimi.answer.name}", cited)
    for place, record in enumerate(bimi.records):
        if record.malformed is not None:
            yield Violation(record.malformed, (cite(bimi, f"/records/{place}"),))


def _policy(dmarc: DmarcWalk, record: Evidence) -> Iterator[Violation]:
    """What is against the logo in the DMARC policy; the record says that one is wanted."""
    effective = effective_policy(dmarc)
    if effective is None:
        yield Violation("no DMARC policy is in effect", (record,))
        return
    below = subdomain_policy(dmarc)
    if effective.level == "none":
        cited = tuple(cite(dmarc, *place) for place in policy_places(dmarc, effective))
        yield Violation(policy_words(dmarc, effective), (*cited, record))
    elif below is not None and below.level == "none":
        cited = tuple(cite(dmarc, *place) for place in policy_places(dmarc, below))
        yield Violation(f"names below: {policy_words(dmarc, below)}", (*cited, record))
    share = dmarc.steps[effective.step].records[0].value("pct")
    if share not in (None, "100"):
        cited = (cite(dmarc, *tag_place(dmarc, effective.step, "pct")), record)
        yield Violation(f"pct={share} leaves a share of forged mail alone", cited)
