"""A Code Quality report of GitLab: a JSON list of what is not as it should be."""

from typing import Any, Final

import msgspec

from audits.evaluate.verdict import Outcome, Severity
from audits.report.remark import Remark, Remarks

_SEVERITIES: Final = {
    Severity.INFO: "info",
    Severity.LOW: "minor",
    Severity.MEDIUM: "major",
    Severity.HIGH: "critical",
    Severity.CRITICAL: "blocker",
}


def code_quality(remarks: Remarks) -> bytes:
    """Failures, worst first, each with a fingerprint of its own: of two alike one is not shown.

    What could not be decided is listed as info under the fingerprint that its failure would have,
    so that GitLab does not call a failure mended because nobody could look.
    """
    shown = remarks.having(Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN)
    text = msgspec.json.encode([_issue(remark) for remark in shown], order="deterministic")
    return msgspec.json.format(text, indent=2) + b"\n"


def _issue(remark: Remark) -> dict[str, Any]:
    failed = remark.outcome is Outcome.FAIL
    return {
        "type": "issue",
        "check_name": remark.audit,
        "description": remark.said,
        "content": {"body": remark.remedy or remark.title},
        "categories": ["Security"],
        "fingerprint": remark.fingerprint,
        "severity": _SEVERITIES[remark.severity] if failed else "info",
        "location": {
            "path": remark.place.file,
            "lines": {"begin": remark.place.line},
        },
    }
