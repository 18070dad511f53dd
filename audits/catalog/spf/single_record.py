"""A domain publishes no more than one SPF record.

## Rationale
Of several records receivers take none: the result is a permanent error, as if there were no SPF.
The second record mostly comes from a new sending service whose instructions were followed word by
word.

## Remediation
Merge the records into one: `v=spf1` once, the terms of all, one `all` at the end.

    @   3600  IN  TXT  "v=spf1 mx include:spf.provider.example ip4:198.51.100.20 ~all"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import SpfTree


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(7208, "3.2"), Rfc(7208, "4.5")),
    frameworks=(
        Doc("Internet.nl", "spf"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    records = tuple(cite(spf, f"/nodes/0/records/{i}") for i, _ in enumerate(spf.nodes[0].records))
    if not records:
        return NotApplicable("the domain publishes no SPF record")
    if len(records) == 1:
        return Pass(records)
    return Fail((Violation(f"{len(records)} SPF records", records),))
