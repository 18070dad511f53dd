"""What a run is judged by, what it is judged to be, and both as they are stored."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from audits.catalog import load
from audits.cli.workspace import Workspace
from audits.errors import SnapshotError
from audits.evaluate.comparison import Comparison, Key, compare
from audits.evaluate.coverage import NotCovered, covered_policy, left_out, separated
from audits.evaluate.engine import evaluate
from audits.evaluate.policy import Policy, check
from audits.evaluate.result import Result, decode_results, encode_result
from audits.evaluate.waiver import Waiver
from audits.evidence.run_directory import JUDGED_BY, RESULTS, RunDirectory
from audits.facts.declared import FleetScope
from audits.facts.review import ReviewScope
from audits.facts.snapshot import Snapshot


class Judgment(Struct, frozen=True):
    """What a run is judged by; stored with it, so that it can be judged again the same way.

    fleet: what reports call the fleet. folder: where in its repository it is kept; empty at its
    top.
    """

    fleet: str
    policy: Policy
    waivers: tuple[Waiver, ...]
    folder: str = ""


def judgment_of(workspace: Workspace) -> Judgment:
    """What a run of the workspace is judged by."""
    return Judgment(workspace.title, workspace.policy, workspace.waivers, workspace.folder)


def encode_judgment(judgment: Judgment) -> bytes:
    """As it is stored beside the results."""
    return msgspec.json.format(msgspec.json.encode(judgment, order="deterministic"), indent=2)


@dataclass(frozen=True)
class Judged:
    """Every result. gaps: what files under review can't show. before: the results of the base that
    a change under review is compared with; comparison: what the change did; base: its facts there.
    """

    results: list[Result]
    gaps: tuple[NotCovered, ...] = ()
    before: tuple[Result, ...] = ()
    comparison: Comparison | None = None
    base: Snapshot | None = None


def judge(snapshot: Snapshot, judgment: Judgment, run: RunDirectory | None = None) -> Judged:
    """Every result, with the audits of the catalogue.

    run: holds what they compare with: facts of an earlier run, those of the base of a change.
    """
    previous = run.previous() if run else None
    results, gaps, untold = _judge(snapshot, judgment, previous)
    base = run.base() if run else None
    if base is None:
        return Judged(results, gaps)
    before, _, _ = _judge(base, judgment, previous)
    if _limited(snapshot):
        known = {(result.audit, result.subject) for result in results}
        before = [result for result in before if (result.audit, result.subject) in known]
    results, comparison = compare(base.header.run, before, results, untold=untold)
    return Judged(results, gaps, tuple(before), comparison, base)


def _judge(
    snapshot: Snapshot, judgment: Judgment, previous: Snapshot | None
) -> tuple[list[Result], tuple[NotCovered, ...], set[Key]]:
    """The results, what files can't show, and the single results that are missing for that."""
    audits = load()
    scope = snapshot.fact(ReviewScope, snapshot.vantage)
    policy = judgment.policy
    if scope is None:
        return list(evaluate(snapshot, policy, audits, judgment.waivers, previous)), (), set()
    inside = covered_policy(policy, audits, scope)
    results = list(evaluate(snapshot, inside, audits, judgment.waivers, previous))
    kept, gaps = separated(results)
    told = {(result.audit, result.subject) for result in kept}
    untold = {key for r in results if (key := (r.audit, r.subject)) not in told}
    return kept, (*left_out(policy, audits, scope), *gaps), untold


def _limited(snapshot: Snapshot) -> bool:
    scope = snapshot.fact(FleetScope, snapshot.vantage)
    return scope is not None and scope.limit is not None


def write_results(run: RunDirectory, results: Sequence[Result]) -> None:
    """Stores every result, a line each."""
    run.write(RESULTS, map(encode_result, results))


@dataclass(frozen=True)
class Stored:
    """A run on disk: what was seen, and what it is to be judged by."""

    directory: RunDirectory
    snapshot: Snapshot
    judgment: Judgment


def stored(path: Path) -> Stored:
    """A run on disk. Raises SnapshotError where there is none, or it can't be read."""
    run = RunDirectory.open(path)
    return Stored(run, run.snapshot(), stored_judgment(run))


def stored_judgment(run: RunDirectory) -> Judgment:
    """Raises SnapshotError where it can't be read, PolicyError where an audit is no more."""
    text = b"".join(run.read(JUDGED_BY))
    try:
        judgment = msgspec.json.decode(text, type=Judgment)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{run.path / JUDGED_BY}: not of this version: {error}") from error
    check(judgment.policy, load())
    return judgment


def stored_results(run: RunDirectory) -> list[Result]:
    """Raises SnapshotError where they can't be read."""
    return list(decode_results(run.read(RESULTS), str(run.path / RESULTS)))


def stored_judged(run: Stored) -> Judged:
    """What a stored run was judged to be; what stands beside its results is worked out again."""
    results = stored_results(run.directory)
    if run.snapshot.fact(ReviewScope, run.snapshot.vantage) is None:
        return Judged(results)
    return replace(judge(run.snapshot, run.judgment, run.directory), results=results)


def ended(run: Stored) -> datetime:
    """When a stored run ended; for one that has no manifest yet, when it last saw something."""
    if run.directory.complete:
        with suppress(SnapshotError):
            return run.directory.manifest().ended
    return max((o.provenance.at for o in run.snapshot), default=run.snapshot.header.as_of)
