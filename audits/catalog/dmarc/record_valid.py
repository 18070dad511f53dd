"""The DMARC record that covers the domain can be read in full.

## Rationale
Receivers put defaults in the place of what they can't read, or ignore the record: the policy then
is not the one that was meant. Of several records at one name they take none. Tags that RFC 9989 has
removed still sway receivers that follow its predecessor.

## Remediation
Publish one record, `v=DMARC1` first and in capitals, `p` after it, with the values that the RFC
knows:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@example.net"

Delete `pct`, `rf`, `ri` and a size limit such as `!10m`. Instead of `pct=0`, publish `t=y`.
"""

from collections.abc import Iterator

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
from audits.parse.dmarc import reporting_uris
from audits.parse.dmarc_policy import tag_place

OBSOLETE = ("pct", "rf", "ri")


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(9989, "4.7"), Rfc(9989, "4.8"), Rfc(9989, "9.3"), Doc("Internet.nl", "dmarc")),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk, *, warn_obsolete: bool = True) -> Verdict:
    found = dmarc.found_at
    violations = list(_several(dmarc, found))
    if found is not None:
        violations += _faults(dmarc, found)
        if warn_obsolete:
            violations += _obsolete(dmarc, found)
    if violations:
        return Fail(tuple(violations))
    if found is None:
        return NotApplicable("no DMARC record covers the domain")
    return Pass((cite(dmarc, f"/steps/{found}/records/0"),))


def _several(dmarc: DmarcWalk, found: int | None) -> Iterator[Violation]:
    """Names below the governing record, or all of them without one, with more than one record."""
    for place, step in enumerate(dmarc.steps[:found]):
        if len(step.records) > 1:
            pointers = (f"/steps/{place}/records/{i}" for i, _ in enumerate(step.records))
            message = f"{len(step.records)} DMARC records at {step.answer.name}"
            yield Violation(message, tuple(cite(dmarc, pointer) for pointer in pointers))


def _faults(dmarc: DmarcWalk, found: int) -> Iterator[Violation]:
    record = dmarc.steps[found].records[0]
    whole = cite(dmarc, f"/steps/{found}/records/0")
    if record.malformed is not None:
        malformed = cite(dmarc, f"/steps/{found}/records/0/malformed")
        yield Violation(record.malformed, (malformed, whole))
    if record.value("p") is None:
        if reporting_uris(record):
            message = "p is missing, which reads as none, and as no DMARC to older receivers"
            yield Violation(message, (whole,), Severity.LOW)
        else:
            yield Violation("neither p nor a usable rua, so that receivers ignore it", (whole,))
    if found == 0 and (record.value("psd") or "").lower() == "y":
        message = "psd=y declares the domain a public suffix"
        yield Violation(message, (cite(dmarc, *tag_place(dmarc, found, "psd")),), Severity.LOW)
    if (record.value("psd") or "").lower() == "y" and record.value("ruf") is not None:
        message = "ruf beside psd=y, which gets no failure reports"
        yield Violation(message, (cite(dmarc, *tag_place(dmarc, found, "ruf")),), Severity.INFO)


def _obsolete(dmarc: DmarcWalk, found: int) -> Iterator[Violation]:
    record = dmarc.steps[found].records[0]
    for name in OBSOLETE:
        if record.value(name) is not None:
            message = f"{name}={record.value(name)} is obsolete"
            yield Violation(message, (cite(dmarc, *tag_place(dmarc, found, name)),), Severity.LOW)
    for name in ("rua", "ruf"):
        if "!" in (record.value(name) or ""):
            message = f"{name} has a size limit, which is obsolete"
            yield Violation(message, (cite(dmarc, *tag_place(dmarc, found, name)),), Severity.LOW)
