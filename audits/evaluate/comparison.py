"""What a change does to results: what it introduces, what it mends, what it leaves as it was."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.subject import Subject

Key = tuple[str, Subject]

_DECIDED = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_OPEN = (Outcome.UNKNOWN, Outcome.ERROR)


class Comparison(Struct, frozen=True):
    """A change against its base. base: the commit. mended: the results as they were there.

    opened: what can't be decided, and was in the base; all that an audit or a collector of ours
    failed in, whatever the base was.
    """

    base: str
    introduced: tuple[Result, ...]
    mended: tuple[Result, ...]
    left: tuple[Result, ...]
    opened: tuple[Result, ...]


def compare(
    base: str,
    before: Iterable[Result],
    after: Sequence[Result],
    *,
    untold: Collection[Key] = (),
) -> tuple[list[Result], Comparison]:
    """The results with what the change did to each failure, and the lists of them.

    before: the results of the base, under the same policy and waivers. untold: results that a
    comparison says nothing of. A failure is introduced where the base did not fail, or failed in
    fewer ways, more mildly or in other parts; what the base did not say stands first in it. One
    that a waiver covers is no failure on either side.
    """
    known = {_key(result): result for result in before}
    marked = [_marked(result, known, untold) for result in after]
    by_key = {_key(result): result for result in marked}
    mended = [
        old
        for key, old in known.items()
        if old.outcome is Outcome.FAIL and key not in untold and _gone(by_key.get(key))
    ]
    opened = [
        result
        for result in marked
        if result.outcome in _OPEN
        and _key(result) not in untold
        and (_broken(result) or not _was_open(known.get(_key(result))))
    ]
    return marked, Comparison(
        base=base,
        introduced=tuple(r for r in marked if r.change == "introduced"),
        mended=tuple(mended),
        left=tuple(r for r in marked if r.change == "left"),
        opened=tuple(opened),
    )


def _key(result: Result) -> Key:
    return result.audit, result.subject


def _marked(result: Result, known: Mapping[Key, Result], untold: Collection[Key]) -> Result:
    if result.outcome is not Outcome.FAIL or _key(result) in untold:
        return result
    old = known.get(_key(result))
    if old is None or old.outcome is not Outcome.FAIL:
        return replace(result, change="introduced")
    if not _worse(old, result):
        return replace(result, change="left")
    said = {violation.message for violation in old.violations}
    new_first = sorted(result.violations, key=lambda violation: violation.message in said)
    return replace(result, change="introduced", violations=tuple(new_first))


def _worse(old: Result, new: Result) -> bool:
    """More violations, graver ones, or of another part of the subject.

    Other words for the same ones are nothing new.
    """
    parts = {violation.about for violation in old.violations}
    if any(v.about is not None and v.about not in parts for v in new.violations):
        return True
    if len(new.violations) != len(old.violations):
        return len(new.violations) > len(old.violations)
    return new.severity.rank > old.severity.rank


def _gone(now: Result | None) -> bool:
    return now is None or now.outcome in _DECIDED


def _broken(result: Result) -> bool:
    """We did, and not the world: the base failed in the same way."""
    silent = any(unseen.reason is Reason.INTERNAL for unseen in result.unknown)
    return result.outcome is Outcome.ERROR or silent


def _was_open(old: Result | None) -> bool:
    return old is not None and old.outcome in _OPEN
