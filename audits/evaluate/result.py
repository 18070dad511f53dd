"""The result of one audit on one subject, and how it is written as a line of JSON."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from audits.errors import SnapshotError
from audits.evaluate.verdict import Evidence, Outcome, Severity, Violation
from audits.facts.fact import Reason, Step
from audits.subject import Subject

SCHEMA = "mailproof/results/v1"


class Unseen(Struct, frozen=True):
    """What an UNKNOWN result could not see: the layer that was silent, in the server's words."""

    kind: str
    subject: Subject
    reason: Reason
    detail: str


class WaiverUse(Struct, frozen=True):
    """The waiver behind a WAIVED result."""

    id: str
    owner: str
    approved_by: str
    expires: str
    reason: str


class Result(Struct, frozen=True):
    """One audit on one subject.

    severity: of the audit under the policy, or of the gravest violation where that is milder.
    evidence: what a pass rests on. step: where in the delivery loop it was seen.
    expected: what the audit wanted. note: why it does not apply, what went wrong in an audit that
    broke, or that a waiver has lapsed. remediation: only where something is to be done.
    change: for a failure, where a change is compared with its base: what the change did to it.
    """

    audit: str
    subject: Subject
    outcome: Outcome
    severity: Severity
    violations: tuple[Violation, ...]
    evidence: tuple[Evidence, ...]
    step: Step
    expected: str
    unknown: tuple[Unseen, ...]
    note: str | None
    waiver: WaiverUse | None
    remediation: str | None
    references: tuple[str, ...]
    frameworks: dict[str, tuple[str, ...]]
    change: Literal["introduced", "left"] | None = None


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Result)


def encode_result(result: Result) -> bytes:
    """One JSON object without line break, as the data contract `mailproof/results/v1` has it."""
    line: dict[str, Any] = msgspec.to_builtins(result)
    line["unknown"] = line["unknown"] or None
    if line["change"] is None:
        del line["change"]
    return _encoder.encode(line)


def decode_results(lines: Iterable[bytes], name: str) -> Iterable[Result]:
    """The results in a stored file; `name` stands for it in errors. Raises SnapshotError."""
    for number, line in enumerate(lines, start=1):
        try:
            yield _decoder.decode(line.replace(b'"unknown":null', b'"unknown":[]', 1))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SnapshotError(
                f"{name}:{number}: not a result of this version: {error}"
            ) from error
