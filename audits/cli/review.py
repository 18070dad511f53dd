"""Runs over files under review: alone, in front of what is live, and beside those of their base."""

import asyncio
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from audits import __version__
from audits.catalog import load
from audits.cli.candidate import candidate_files
from audits.cli.clock import now
from audits.cli.revision import Revision, checked_out, merge_base
from audits.cli.workspace import Workspace, read_workspace
from audits.collect.candidate.assembly import OFFLINE, CandidateFiles, offline
from audits.collect.collector import Origin
from audits.collect.plan import Plan, plan
from audits.collect.stages import Collection, Population, Watcher
from audits.errors import UsageError
from audits.evaluate.coverage import coverable
from audits.evaluate.policy import Policy
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.fact import AnyObservation, Fact, Observed, kind_of
from audits.facts.review import ReviewScope
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.subject import Subject, Vantage

# What a run is said to be made from, where no place in the network is: it is compared with none.
_FROM_FILES = "files under review"


@dataclass(frozen=True)
class BaseFacts:
    """What the files of the base say. ref: as asked for; commit: where HEAD left it.

    files: those whose text is in memory; where they were is gone.
    """

    ref: str
    commit: str
    snapshot: Snapshot
    files: CandidateFiles


@dataclass(frozen=True)
class Review:
    """What is under review. live: everything else is asked live."""

    files: CandidateFiles
    live: bool
    base: BaseFacts | None = None

    def stated(self, origin: Origin) -> list[AnyObservation]:
        """The facts about the review itself."""
        kinds = tuple(sorted(kind_of(fact) for fact in self.files.kinds))
        scope = ReviewScope(
            subject=Vantage(origin.vantage),
            live=self.live,
            kinds=kinds,
            zones=self.files.reviewed(),
            hosts=tuple(sorted(self.files.hosts)),
            base=self.base.commit if self.base is not None else None,
        )
        found: list[AnyObservation] = [Observed(scope, origin.live("review"))]
        if self.files.zones.zones:
            found.append(self.files.records(origin))
        return found


def reviewed(workspace: Workspace, *, live: bool) -> tuple[Workspace, Review]:
    """The files that the configuration names under `candidate`, and the workspace to judge them in.

    Raises UsageError, with a line for every problem.
    """
    files = candidate_files(workspace, whole=True)
    place = workspace.settings.vantage.name
    name = f"{place}, with {_FROM_FILES}" if live else _FROM_FILES
    return _seen_from(workspace, name), Review(files, live)


def _seen_from(workspace: Workspace, name: str) -> Workspace:
    settings = workspace.settings
    vantage = msgspec.structs.replace(settings.vantage, name=name)
    settings = msgspec.structs.replace(settings, vantage=vantage)
    return replace(workspace, config=msgspec.structs.replace(workspace.config, settings=settings))


# --- offline ------------------------------------------------------------------------------------


def planned(policy: Policy, files: CandidateFiles) -> Plan:
    """What the files are asked for: all that the audits need which they can decide."""
    audits, kinds = load(), {kind_of(fact) for fact in files.kinds}
    wanted: set[type[Fact]] = {DeclaredDomain, DeclaredHost, FleetScope}
    for name in policy.audit_ids():
        if coverable(audits[name], kinds):
            wanted |= {fact for fact in audits[name].facts() if kind_of(fact) in kinds}
    return plan(wanted, OFFLINE)


def fill(snapshot: Snapshot, workspace: Workspace, review: Review) -> None:
    """Adds what the files say to a snapshot that holds what is declared; nobody is asked."""
    chosen = planned(workspace.policy, review.files)
    origin = Origin(snapshot.header.vantage, now, _FROM_FILES)
    snapshot.add(review.stated(origin))
    population = Population(
        workspace.fleet.domains,
        workspace.fleet.hosts,
        {host.fact.subject: host for host in workspace.whole_fleet.hosts},
    )
    limits = workspace.settings.limits
    collectors = offline(chosen, review.files, origin)
    with asyncio.Runner() as loop:
        Collection(snapshot, chosen, collectors, population, limits, origin, Nobody()).run(loop)


class Nobody(Watcher):
    """Files are read faster than a bar is drawn."""

    def stage(self, name: str, total: int) -> None: ...

    def done(self, subject: Subject) -> None: ...

    def seen(self, observations: Sequence[AnyObservation]) -> None: ...


# --- the base -----------------------------------------------------------------------------------


def compared(
    workspace: Workspace, review: Review, ref: str, *, own_policy: bool, no_waivers: bool
) -> tuple[Workspace, Review]:
    """The same, with the facts of the commit that the change begins from, and by its rules.

    own_policy: the command line named the policy, and it holds for both. A waiver added by the
    change under review does not govern that change, and neither does a policy that it loosens.
    Raises UsageError.
    """
    revision = merge_base(workspace.config.root, ref)
    with checked_out(revision) as folder:
        try:
            there = _at_base(workspace, revision, folder, no_waivers=no_waivers)
            files = candidate_files(there, whole=False)
        except UsageError as error:
            at = f"in {revision.commit[:12]}, from which this change begins"
            raise UsageError(f"{at}: {error}") from error
        policy = workspace.policy if own_policy else there.policy
        governed = replace(workspace, policy=policy, waivers=there.waivers)
        base = Review(files, live=False)
        snapshot = _declared(replace(there, policy=policy), revision.commit)
        fill(snapshot, replace(there, policy=policy), base)
    return governed, replace(review, base=BaseFacts(ref, revision.commit, snapshot, files))


def _at_base(
    workspace: Workspace, revision: Revision, folder: Path, *, no_waivers: bool
) -> Workspace:
    """The workspace as it was; as it is, without waivers, where there was none yet."""
    config = workspace.config
    top = revision.top.resolve()
    path = config.path.resolve() if config.path is not None else None
    if path is None or not path.is_relative_to(top):
        raise UsageError(f"--base: found {path}, expected a configuration below {top}")
    here, there = Path.cwd(), folder / path.relative_to(top)
    if not there.is_file():
        moved = msgspec.structs.replace(config, root=there.parent)
        return replace(workspace, config=moved, waivers=())
    inside = folder / here.relative_to(top) if here.is_relative_to(top) else folder
    with chdir(inside if inside.is_dir() else folder):
        found = read_workspace(there, None, None, None, no_waivers=no_waivers)
    found = _seen_from(found, workspace.settings.vantage.name)
    candidate = found.config.candidate
    if not candidate.zones and not candidate.hosts:
        named = msgspec.structs.replace(found.config, candidate=config.candidate)
        return replace(found, config=named)
    return found


def _declared(workspace: Workspace, commit: str) -> Snapshot:
    header = Header(SCHEMA, commit, workspace.settings.vantage.name, now(), __version__)
    origin = Origin(header.vantage, now)
    scope = FleetScope(Vantage(header.vantage), workspace.whole_fleet.host_names, None)
    stated: list[AnyObservation] = [Observed(scope, origin.live("inventory"))]
    return Snapshot(header, [*stated, *workspace.fleet.domains, *workspace.fleet.hosts])
