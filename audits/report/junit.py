"""JUnit XML: a suite for each topic, a test case for each audit on each subject."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from audits.evaluate.verdict import Outcome
from audits.report.remark import Remark, Remarks

_ERRORS = (Outcome.ERROR, Outcome.UNKNOWN)
_SKIPPED = (Outcome.NOT_APPLICABLE, Outcome.WAIVED)


def junit(remarks: Remarks) -> bytes:
    """A failure is what the exit code counts, an error what could not be decided.

    What does not apply or is waived is skipped; a failure that does not count has passed, and says
    so in its output.
    """
    root = ET.Element("testsuites", {"name": "mailproof", **_counts(remarks.all, remarks)})
    ordered = sorted(remarks.all, key=lambda remark: remark.topic)
    for topic, members in groupby(ordered, key=lambda remark: remark.topic):
        cases = list(members)
        started = remarks.material.run.started.replace(microsecond=0, tzinfo=None).isoformat()
        about = {"name": topic, "timestamp": started, **_counts(cases, remarks)}
        suite = ET.SubElement(root, "testsuite", about)
        for remark in cases:
            suite.append(_case(remark, remarks))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(cases: Sequence[Remark], remarks: Remarks) -> dict[str, str]:
    failures = sum(
        r.outcome is Outcome.FAIL and remarks.gate.counts(r.severity, r.change) for r in cases
    )
    return {
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": str(sum(r.outcome in _ERRORS for r in cases)),
        "skipped": str(sum(r.outcome in _SKIPPED for r in cases)),
        "time": "0",
    }


def _case(remark: Remark, remarks: Remarks) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"mailproof.{remark.audit}",
        name=remark.about,
        file=remark.place.file,
        line=str(remark.place.line),
        time="0",
    )
    match remark.outcome:
        case Outcome.FAIL if remarks.gate.counts(remark.severity, remark.change):
            told = ET.SubElement(case, "failure", message=remark.sentence, type=remark.severity)
            told.text = "\n".join(_whole(remark))
        case Outcome.FAIL:
            told = ET.SubElement(case, "system-out")
            told.text = "\n".join((f"failed with severity {remark.severity}", *_whole(remark)))
        case Outcome.ERROR | Outcome.UNKNOWN:
            told = ET.SubElement(case, "error", message=remark.sentence, type=remark.outcome)
            told.text = "\n".join(_whole(remark))
        case Outcome.WAIVED:
            ET.SubElement(case, "skipped", message=f"waived: {remark.sentence}")
        case Outcome.NOT_APPLICABLE:
            ET.SubElement(case, "skipped", message=remark.sentence)
        case Outcome.PASS:
            pass
    return case


def _whole(remark: Remark) -> Iterator[str]:
    """All that there is to say, a line each."""
    yield remark.sentence
    yield from remark.more
    yield f"expected: {remark.expected}"
    yield from (f"seen: {quote}" for quote in remark.quotes)
    if remark.remedy:
        yield f"remedy: {remark.remedy}"
    yield f"place: {remark.place}"
