"""Every DKIM key was made not long ago.

## Rationale
A private key lies on every host that signs, in its backups, and with former staff. Whoever has it
forges the domain until the public half is gone; a new key ends that, and shows that changing keys
works before it has to.

## Remediation
Make a key under a new selector, publish it, sign with it, and delete the old record once its last
mail has arrived. Then say in `domains.yaml` since when it is in use:

    example.net:
      dkim: [{selector: s2026, owner: self, created: 2026-01-15}]

## Limits
The DNS does not tell the age of a key; what the inventory declares is believed.
"""

from datetime import timedelta

from audits.evaluate.audit import AsOf, Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.declared import DeclaredDomain
from audits.facts.fact import Reason


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.LOW,
    references=(Doc("M3AAWG DKIM Key Rotation BCP", "2019-03"), Rfc(6376)),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(declared: DeclaredDomain, now: AsOf, *, max_age_days: int = 180) -> Verdict:
    active = [(i, each) for i, each in enumerate(declared.dkim) if each.active]
    if not active:
        return NotApplicable("the inventory declares no active selector")
    violations: list[Violation] = []
    young: list[Evidence] = []
    undated: list[int] = []
    for place, selector in active:
        if selector.created is None:
            undated.append(place)
            continue
        created = cite(declared, f"/dkim/{place}/created")
        age = now.at.date() - selector.created
        if age > timedelta(days=max_age_days):
            message = f"the key of selector {selector.selector} is {age.days} days old"
            violations.append(
                Violation(message, (created,), expected=f"at most {max_age_days} days")
            )
        else:
            young.append(created)
    if violations:
        return Fail(tuple(violations))
    if undated:
        names = ", ".join(declared.dkim[place].selector for place in undated)
        detail = f"the inventory does not say when the key was made under selector {names}"
        cited = tuple(cite(declared, f"/dkim/{place}/selector") for place in undated)
        return Undecided(Reason.NOT_DECLARED, detail, cited)
    return Pass(tuple(young))
