"""The DMARC policy counts in full: it is not in test mode.

## Rationale
With `t=y` receivers apply one level less than `p` says; older ones know `pct` instead, and apply
the policy to that share of mail alone. Both are for the first weeks, and look like protection
when they are forgotten.

## Remediation
Delete `t` and `pct` from the record once reports show that the domain's own mail passes:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@example.net"
"""

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
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc_policy import tag_place


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(9989, "4.7"), Rfc(7489, "6.3"), Doc("Internet.nl", "dmarc-policy")),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk) -> Verdict:
    found = dmarc.found_at
    if found is None:
        return NotApplicable("no DMARC record covers the domain")
    step = dmarc.steps[found]
    record = step.records[0]
    violations = []
    if (record.value("t") or "").lower() == "y":
        message = f"t=y at {step.answer.name} lowers the policy by one level"
        violations.append(Violation(message, (cite(dmarc, *tag_place(dmarc, found, "t")),)))
    if record.value("pct") not in (None, "100"):
        message = (
            f"pct={record.value('pct')} at {step.answer.name}: receivers of RFC 7489 apply the "
            "policy to a share of mail, all others to the whole"
        )
        violations.append(Violation(message, (cite(dmarc, *tag_place(dmarc, found, "pct")),)))
    if violations:
        return Fail(tuple(violations))
    return Pass((cite(dmarc, f"/steps/{found}/records/0"),))
