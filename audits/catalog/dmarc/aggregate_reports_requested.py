"""DMARC aggregate reports are asked for.

## Rationale
Reports are the one way to see who sends in the domain's name, forgers and forgotten systems alike,
and whether the policy hits the domain's own mail.

## Remediation
Set up a mailbox, or order a service that reads the reports, and name it in `rua`:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=none; rua=mailto:dmarc-reports@example.net"

For a mailbox in another organization's domain, let that one publish that it takes the reports.
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
from audits.parse.dmarc import report_uris
from audits.parse.dmarc_policy import tag_place


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(9989, "5.1.3"), Rfc(9989, "8"), Rfc(9990)),
    frameworks=(
        Doc("BOD 18-01", "1.a.i"),
        Doc("BSI TR-03182-P", "06-M"),
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
    if any(uri.tag == "rua" for uri, _ in report_uris(record)):
        return Pass((cite(dmarc, *tag_place(dmarc, found, "rua")),))
    if record.value("rua") is None:
        message = f"the record at {step.answer.name} has no rua"
        return Fail((Violation(message, (cite(dmarc, f"/steps/{found}/records/0"),)),))
    message = f"rua={record.value('rua')} at {step.answer.name} holds no mailto URI"
    return Fail((Violation(message, (cite(dmarc, *tag_place(dmarc, found, "rua")),)),))
