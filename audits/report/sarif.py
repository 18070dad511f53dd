"""SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format): one run of one tool."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from audits.evaluate.audit import Audit
from audits.evaluate.policy import Policy
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.place import Place
from audits.report.finding import reference
from audits.report.prose import Prose, prose
from audits.report.remark import Remark, Remarks, fingerprint
from audits.report.sanitise import visible
from audits.report.words import counted, number

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

# Of more than these GitHub shows none.
MOST_RESULTS: Final = 5_000
_MOST_NAMES: Final = 20
_MOST_PLACES: Final = 20
_MOST_NOTIFICATIONS: Final = 200
_BASE: Final = "%SRCROOT%"
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")

_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# In the middle of what GitHub calls by the same name; of info there is nothing milder than low.
_SCORES: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.1",
}


def sarif(remarks: Remarks, *, suppressed: bool = False) -> bytes:
    """The log file. suppressed: waived failures stand in it too, marked as such.

    GitHub takes no notice of that mark, and would show what is waived as open.
    """
    text = msgspec.json.encode(log(remarks, suppressed=suppressed), order="deterministic")
    return msgspec.json.format(text, indent=2) + b"\n"


def log(remarks: Remarks, *, suppressed: bool = False) -> dict[str, Any]:
    """The log file as plain builtins (SARIF section 3.13)."""
    material = remarks.material
    names = sorted({*material.policy.audit_ids(), *(remark.audit for remark in remarks.all)})
    places = {name: place for place, name in enumerate(names)}
    outcomes = (Outcome.FAIL, Outcome.WAIVED) if suppressed else (Outcome.FAIL,)
    groups = _groups(list(remarks.having(*outcomes)))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(names, remarks)},
                "automationDetails": {
                    "id": f"mailproof/{visible(material.policy.name)}/{visible(material.run.id)}"
                },
                "invocations": [_invocation(remarks)],
                "originalUriBaseIds": {
                    _BASE: {"description": {"text": "The top folder of the repository."}}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(group, places) for group in groups],
            }
        ],
    }


def _driver(names: Sequence[str], remarks: Remarks) -> dict[str, Any]:
    material = remarks.material
    return {
        "name": "mailproof",
        "version": visible(material.run.version),
        "rules": [_rule(name, material.audits.get(name), material.policy) for name in names],
    }


# --- rules --------------------------------------------------------------------------------------


def _rule(name: str, audit: Audit | None, policy: Policy) -> dict[str, Any]:
    if audit is None:
        return {"id": name, "shortDescription": {"text": name}}
    severity = _severity(audit, policy)
    papers = audit.documentation
    help_ = {"Why": papers.rationale, "How to comply": papers.remediation, "Limits": papers.limits}
    shown = {head: prose(text) for head, text in help_.items() if text}
    links = [reference(str(each)) for each in audit.references]
    href = next((link.href for link in links if link.href), "")
    rule: dict[str, Any] = {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": visible(papers.title)},
        "fullDescription": {"text": _text(shown["Why"])},
        "help": {
            "text": "\n\n".join(f"{head}\n\n{_text(body)}" for head, body in shown.items()),
            "markdown": "\n\n".join(f"## {h}\n\n{_markdown(body)}" for h, body in shown.items()),
        },
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "security-severity": _SCORES[severity],
            "precision": "very-high",
            "tags": ["security", audit.topic, *(visible(link.text) for link in links)],
        },
    }
    return rule | ({"helpUri": href} if href else {})


def _severity(audit: Audit, policy: Policy) -> Severity:
    """The gravest that the policy gives an audit for anybody."""
    given = [rule.severity or audit.severity for rule in policy.rules if rule.audit == audit.id]
    return max(given, key=lambda severity: severity.rank, default=audit.severity)


def _text(blocks: Prose) -> str:
    return "\n\n".join("".join(span.text for span in block.spans) for block in blocks)


def _markdown(blocks: Prose) -> str:
    """The papers of an audit, which are ours, as the Markdown that they were written in."""
    shown = []
    for block in blocks:
        if block.form == "code":
            shown.append(f"```\n{block.spans[0].text}\n```")
        else:
            line = "".join(f"`{s.text}`" if s.code else s.text for s in block.spans)
            shown.append(f"- {line}" if block.form == "item" else line)
    return "\n\n".join(shown)


# --- the invocation -----------------------------------------------------------------------------


def _invocation(remarks: Remarks) -> dict[str, Any]:
    """How the run went (SARIF section 3.20). What could not be decided is told here."""
    run = remarks.material.run
    unseen = list(remarks.having(Outcome.ERROR, Outcome.UNKNOWN))
    told = [_notification(remark) for remark in unseen[:_MOST_NOTIFICATIONS]]
    left = len(unseen) - len(told)
    if left:
        words = f"{counted(left, 'more result')} could not be decided"
        told.append({"level": "warning", "message": {"text": words}})
    if not run.complete:
        told.insert(0, {"level": "error", "message": {"text": "The run was cut off."}})
    return {
        "executionSuccessful": remarks.complete,
        "startTimeUtc": _utc(run.started),
        "endTimeUtc": _utc(run.ended),
        "toolExecutionNotifications": told,
    }


def _notification(remark: Remark) -> dict[str, Any]:
    return {
        "level": "error" if remark.outcome is Outcome.ERROR else "warning",
        "message": _message(remark.said),
        "associatedRule": {"id": remark.audit},
        "locations": [_location(remark.place, [remark])],
    }


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


# --- results ------------------------------------------------------------------------------------


def _groups(remarks: Sequence[Remark]) -> list[list[Remark]]:
    """One result each; where that is too many, those of an audit together, the commonest first."""
    by_kind: dict[tuple[str, Severity, Outcome], list[Remark]] = {}
    for remark in remarks:
        by_kind.setdefault((remark.audit, remark.severity, remark.outcome), []).append(remark)
    total, together = len(remarks), set()
    for kind in sorted(by_kind, key=lambda kind: -len(by_kind[kind])):
        if total <= MOST_RESULTS:
            break
        together.add(kind)
        total -= len(by_kind[kind]) - 1
    return list(_gathered(by_kind, together))


def _gathered(
    by_kind: dict[tuple[str, Severity, Outcome], list[Remark]],
    together: Iterable[tuple[str, Severity, Outcome]],
) -> Iterator[list[Remark]]:
    for kind, members in by_kind.items():
        if kind in together:
            yield members
        else:
            yield from ([remark] for remark in members)


def _result(group: Sequence[Remark], places: dict[str, int]) -> dict[str, Any]:
    first = group[0]
    single = len(group) == 1
    print_ = first.fingerprint if single else fingerprint(first.audit, f"all {first.severity}")
    result: dict[str, Any] = {
        "ruleId": first.audit,
        "ruleIndex": places[first.audit],
        "kind": "fail",
        "level": _LEVELS[first.severity],
        "message": _message(_words(first) if single else _many(group)),
        "locations": [_location(first.place, group[:_MOST_NAMES])],
        "partialFingerprints": {
            "mailproof/v1": print_,
            # The one name that GitHub looks at; without it, it makes one of the lines around.
            "primaryLocationLineHash": f"{print_[:16]}:1",
        },
        "properties": {"severity": first.severity, "security-severity": _SCORES[first.severity]},
    }
    others = _others(group)
    if others:
        result["relatedLocations"] = [
            {"id": n, "physicalLocation": _physical(place)} for n, place in enumerate(others, 1)
        ]
    if first.outcome is Outcome.WAIVED:
        result["suppressions"] = [_suppression(first)]
    if first.change is not None and single:
        result["baselineState"] = "new" if first.change == "introduced" else "unchanged"
    return result


def _words(remark: Remark) -> str:
    remedy = f" {remark.remedy}" if remark.remedy else ""
    more = "".join(f" Also: {words}." for words in remark.more)
    return f"{remark.about}: {remark.sentence}.{more}{remedy}"


def _many(group: Sequence[Remark]) -> str:
    first = group[0]
    names = ", ".join(remark.about for remark in group[:_MOST_NAMES])
    left = len(group) - _MOST_NAMES
    more = f" and {number(left)} more" if left > 0 else ""
    return f"{counted(len(group), 'subject')} failed: {first.title}. {names}{more}"


def _message(text: str) -> dict[str, str]:
    """A message (SARIF section 3.11) in which nothing is a placeholder or a link."""
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", text).replace("](", "] (")}


def _others(group: Sequence[Remark]) -> list[Place]:
    found = dict.fromkeys(place for remark in group for place in remark.places)
    found.pop(group[0].place)
    return list(found)[:_MOST_PLACES]


def _location(place: Place, about: Sequence[Remark]) -> dict[str, Any]:
    return {
        "physicalLocation": _physical(place),
        "logicalLocations": [
            {"name": remark.about, "fullyQualifiedName": remark.about, "kind": "resource"}
            for remark in about
        ],
    }


def _physical(place: Place) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(place.file, safe="/"), "uriBaseId": _BASE},
        "region": {"startLine": place.line, "startColumn": place.column},
    }


def _suppression(remark: Remark) -> dict[str, Any]:
    """The waiver behind a result (SARIF section 3.35)."""
    waiver = remark.waiver
    if waiver is None:
        return {"kind": "external", "status": "accepted"}
    words = f"{waiver.id}: {waiver.reason} Approved by {waiver.approved_by}, until {waiver.expires}"
    return {"kind": "external", "status": "accepted", "justification": visible(words, 2000)}
