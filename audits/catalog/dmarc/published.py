"""A DMARC policy record covers the domain.

## Rationale
DMARC ties SPF and DKIM to the address that the reader sees, and says what becomes of mail that
fails. Without it a forged author address meets no rule, and large receivers refuse bulk mail.

## Remediation
Publish a policy record at `_dmarc` below the domain, or below its organizational domain. Begin with
reports alone, read them, and enforce later:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=none; rua=mailto:dmarc-reports@example.net"

Let there be one record only: of several at one name receivers take none.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import DmarcWalk


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(
        Rfc(9989, "4.10"),
        Rfc(9989, "8"),
        Doc("Google sender rules"),
        Doc("Yahoo sender rules"),
        Doc("Microsoft sender rules"),
    ),
    frameworks=(
        Doc("BOD 18-01", "1.a.i"),
        Doc("BSI TR-03182-P", "06-M"),
        Doc("SCuBA", "MS.EXO.4.1v1"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk) -> Verdict:
    if dmarc.found_at is not None:
        return Pass((cite(dmarc, f"/steps/{dmarc.found_at}/records/0"),))
    for place, step in enumerate(dmarc.steps):
        if step.records:
            message = (
                f"{len(step.records)} DMARC records at {step.answer.name}, of which receivers "
                "take none"
            )
            pointers = (f"/steps/{place}/records/{i}" for i, _ in enumerate(step.records))
            return Fail((Violation(message, tuple(cite(dmarc, p) for p in pointers)),))
    asked = dmarc.steps[0]
    rcodes = tuple(cite(dmarc, f"/steps/{i}/answer/rcode") for i, _ in enumerate(dmarc.steps))
    if asked.texts:
        message = f"the TXT at {asked.answer.name} is no DMARC record: {asked.texts[0]}"
        return Fail((Violation(message, (cite(dmarc, "/steps/0/texts/0"), *rcodes)),))
    message = f"no DMARC record at {asked.answer.name}, nor at a parent domain"
    return Fail((Violation(message, rcodes),))
