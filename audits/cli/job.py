"""The main job: collect, judge, write; every verb that runs something is made of these."""

import asyncio
import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version as version_of
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from audits import __version__
from audits.catalog import load
from audits.cli.clock import now
from audits.cli.watch import watching
from audits.cli.workspace import Workspace
from audits.collect.collector import Origin
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.traffic import Traffic
from audits.collect.plan import Plan, plan
from audits.collect.stages import Collection, Population
from audits.errors import SnapshotError, UsageError
from audits.evaluate.comparison import Comparison, Key, compare
from audits.evaluate.coverage import NotCovered, covered_policy, left_out, separated
from audits.evaluate.engine import evaluate
from audits.evaluate.policy import Policy, check, tls_questions
from audits.evaluate.result import Result, decode_results, encode_result
from audits.evaluate.waiver import Waiver
from audits.evidence.manifest import SCHEMA as MANIFEST_SCHEMA
from audits.evidence.manifest import Manifest
from audits.evidence.run_directory import (
    FACTS,
    JUDGED_BY,
    RESULTS,
    RunDirectory,
    complete_runs,
    run_id,
)
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import F, Fact, Observed, kind_of
from audits.facts.https import MtaStsPolicy
from audits.facts.relay import BackscatterProbe, RelayProbes
from audits.facts.review import ReviewScope
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.secret import secret
from audits.subject import Vantage

if TYPE_CHECKING:  # a run begins once all that it needs is imported
    from audits.cli.review import Review
    from audits.collect.candidate.mta_files import ProgramFiles
    from audits.collect.live.login import Account
    from audits.collect.live.ssh_login import SshAccess

# What audits compare with an earlier run, whatever policy this one is judged by later. It stands
# here, since asking all audits means to import them.
REMEMBERED = frozenset({kind_of(kind) for kind in (FleetScope, MtaStsTxt, MtaStsPolicy)})

_STANDS_ON = ("nornir", "paramiko", "dnspython", "cryptography", "pyOpenSSL", "Jinja2", "msgspec")


class Judgment(Struct, frozen=True):
    """What a run is judged by; stored with it, so that it can be judged again the same way.

    fleet: what reports call the fleet. folder: where in its repository it is kept; empty at its
    top.
    """

    fleet: str
    policy: Policy
    waivers: tuple[Waiver, ...]
    folder: str = ""


def planned(policy: Policy, beyond: Beyond = UP_TO_RCPT) -> Plan:
    """What has to be collected for the audits that a policy has in force.

    With a canary, what becomes of mail that can't be delivered is looked at too.
    """
    # Here, as everything that only a live run needs: a change of files is judged in a second.
    from audits.collect.live.available import AVAILABLE

    audits = load()
    facts: set[type[Fact]] = {DeclaredDomain, DeclaredHost, FleetScope}
    for name in policy.audit_ids():
        facts |= audits[name].facts()
    if beyond.canary is not None and RelayProbes in facts:
        facts.add(BackscatterProbe)
    return plan(facts, AVAILABLE)


@dataclass(frozen=True)
class Stored:
    """A run on disk: what was seen, and what it is to be judged by."""

    directory: RunDirectory
    snapshot: Snapshot
    judgment: Judgment


def begin(workspace: Workspace, parent: Path, previous: Path | None = None) -> RunDirectory:
    """A directory for a new run, with what it will be judged by and what is declared.

    previous: the run to compare with; by default the latest complete one in `parent` that was made
    from the same vantage, of the whole fleet or limited in the same way. Raises SnapshotError where
    a run that was named can't be read.
    """
    earlier = _earlier(parent, workspace, previous)
    at = now()
    run = RunDirectory.create(parent, run_id(at))
    header = Header(SCHEMA, run.path.name, workspace.settings.vantage.name, at, __version__)
    scope = FleetScope(
        Vantage(header.vantage), workspace.whole_fleet.host_names, workspace.limited_to
    )
    origin = Origin(header.vantage, lambda: at)
    stated: list[Observed[Fact]] = [Observed(scope, origin.live("inventory"))]
    run.write(JUDGED_BY, [encode_judgment(judgment_of(workspace))])
    if earlier is not None:
        run.remember(earlier)
    run.checkpoint(header, [*stated, *workspace.fleet.domains, *workspace.fleet.hosts])
    return run


def _earlier(parent: Path, workspace: Workspace, named: Path | None) -> Snapshot | None:
    """What audits of the catalogue need of an earlier run, or None where there is none.

    A run of a version that can't be read any more is passed over, unless it is the one named, and
    so is one that was limited to others than this one: what it did not look at would seem new.
    """
    if named is not None:
        return RunDirectory.open(named).excerpt(REMEMBERED)
    for run in complete_runs(parent, workspace.settings.vantage.name):
        with suppress(SnapshotError):
            earlier = run.excerpt(REMEMBERED)
            scope = earlier.fact(FleetScope, earlier.vantage)
            if scope is None or scope.limit in (None, workspace.limited_to):
                return earlier
    return None


@dataclass(frozen=True)
class Collected:
    """What was observed, and what it took. connections: tried to mail servers, by port dialled."""

    snapshot: Snapshot
    traffic: Traffic
    connections: Counter[int]


def collect(
    workspace: Workspace,
    run: RunDirectory,
    *,
    quiet: bool,
    beyond: Beyond = UP_TO_RCPT,
    review: "Review | None" = None,
) -> Collected:
    """Asks for whatever the policy needs and the run does not hold yet; writes facts.jsonl.

    review: files that stand in front of what is asked. An interrupt leaves the checkpoint, from
    which another call goes on.
    """
    from audits.collect.live.assembly import assembled

    snapshot = run.snapshot()
    if review is not None:
        snapshot.add(review.stated(Origin(snapshot.header.vantage, now)))
    run.checkpoint(snapshot.header, snapshot)
    chosen = planned(workspace.policy, beyond)
    questions = tls_questions(workspace.policy, load())
    origin = Origin(snapshot.header.vantage, now)
    population = Population(
        _declared(DeclaredDomain, snapshot),
        _declared(DeclaredHost, snapshot),
        {host.fact.subject: host for host in workspace.whole_fleet.hosts},
    )
    limits = workspace.settings.limits
    Thread(target=_prepare_for_the_end, daemon=True).start()
    with (
        watching(run.keep, quiet=quiet) as watcher,
        asyncio.Runner() as loop,
        assembled(
            chosen,
            workspace.settings,
            workspace.config.root,
            origin,
            loop,
            questions,
            accounts=accounts(workspace),
            beyond=beyond,
            ssh=access(workspace),
            review=review.files if review is not None else None,
            pinned=_pinned(workspace),
        ) as live,
    ):
        if chosen.asks_dns:
            report = live.preflight()
            snapshot.add([report])
            watcher.seen([report])
        Collection(snapshot, chosen, live.collectors, population, limits, origin, watcher).run(loop)
        if review is not None and review.base is not None:
            from audits.cli.live_base import live_base

            run.keep_base(live_base(snapshot, review.base, chosen, live, limits, loop))
    run.write(FACTS, snapshot.lines())
    return Collected(snapshot, live.resolver.traffic, live.pace.dialled)


def _pinned(workspace: Workspace) -> "Mapping[str, Sequence[ProgramFiles]]":
    """The configuration that the repository has of each host."""
    if not workspace.config.candidate.hosts:
        return {}
    from audits.cli.candidate import host_files

    return host_files(workspace.config.candidate, workspace.config.root)


def read(workspace: Workspace, run: RunDirectory, review: "Review") -> Collected:
    """Reads the files under review, and asks nobody; writes facts.jsonl."""
    from audits.cli.review import fill

    snapshot = run.snapshot()
    fill(snapshot, workspace, review)
    if review.base is not None:
        run.keep_base(review.base.snapshot)
    run.write(FACTS, snapshot.lines())
    return Collected(snapshot, Traffic(), Counter())


def accounts(workspace: Workspace) -> "dict[str, Account]":
    """The accounts that logins are tried with, by host name; a secret is had when it is needed."""
    if not workspace.whole_fleet.logins:
        return {}
    from audits.collect.live.login import Account

    return {
        host: Account(
            username=login.username,
            reference=login.password,
            password=partial(secret, login.password),
            mailbox=login.mailbox,
            other_mailbox=login.other_mailbox,
            certificate=login.certificate,
        )
        for host, login in workspace.whole_fleet.logins.items()
    }


def access(workspace: Workspace) -> "SshAccess | None":
    """How the hosts of the inventory are logged in to; None where no SSH is configured.

    Raises UsageError for what the inventory says of SSH and makes no sense.
    """
    settings = workspace.settings.ssh
    if settings is None:
        return None
    from audits.collect.live.ssh_login import ssh_access
    from audits.nornir_inventory import nornir_inventory

    hosts = nornir_inventory(workspace.whole_fleet).hosts
    return ssh_access(hosts, settings, workspace.config.root, secret)


def _declared(fact: type[F], snapshot: Snapshot) -> tuple[Observed[F], ...]:
    """What the run was begun with, whatever the inventory has become since."""
    found = snapshot.observations(fact)
    return tuple(each for each in found if isinstance(each, Observed))


def judgment_of(workspace: Workspace) -> Judgment:
    return Judgment(workspace.title, workspace.policy, workspace.waivers, workspace.folder)


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
    run.write(RESULTS, map(encode_result, results))


def resumed(workspace: Workspace, path: Path) -> tuple[Workspace, RunDirectory]:
    """A run that was cut off, and the workspace with the policy and waivers that it began with.

    Raises SnapshotError, and UsageError where the run is complete.
    """
    run = RunDirectory.open(path)
    if run.complete:
        raise UsageError(f"{path}: this run is complete; there is nothing to go on with")
    snapshot = run.snapshot()
    if snapshot.fact(ReviewScope, snapshot.vantage) is not None:
        raise UsageError(f"{path}: files may have changed since; expected a new run --candidate")
    judgment = stored_judgment(run)
    return replace(workspace, policy=judgment.policy, waivers=judgment.waivers), run


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


def finish(
    workspace: Workspace, run: RunDirectory, snapshot: Snapshot, beyond: Beyond = UP_TO_RCPT
) -> None:
    """The manifest, with the digest of every file; the run is complete with it."""
    manifest = Manifest(
        schema=MANIFEST_SCHEMA,
        run=run.path.name,
        started=snapshot.header.as_of,
        ended=now(),
        vantage=workspace.settings.vantage.name,
        vantage_addresses=workspace.settings.vantage.addresses,
        command=command_line(),
        asked_for=_asked_for(snapshot, beyond),
        versions=versions(),
        complete=True,
        files=run.digests(),
    )
    run.finish(manifest)


def _asked_for(snapshot: Snapshot, beyond: Beyond) -> tuple[str, ...]:
    """What was done beyond looking, in this part of the run or in one that was cut off before."""
    probes = list(snapshot.facts(RelayProbes))
    sent = any(p.delivery for p in probes) or any(
        p.bounce for p in snapshot.facts(BackscatterProbe)
    )
    before = Beyond.names_of(data_abort=any(p.data for p in probes), canary=sent)
    return tuple(sorted({*beyond.names, *before}))


def _prepare_for_the_end() -> None:
    """What makes the reports is much to import, and servers are waited for meanwhile."""
    import_module("audits.cli.reporting")
    versions()


@cache
def versions() -> dict[str, str]:
    """Of Python, of mailproof, and of what it stands on."""
    found = {"python": platform.python_version(), "mailproof": __version__}
    return found | {name: version_of(name) for name in _STANDS_ON}


def command_line() -> str:
    """The command as typed, without the path of the program. It never holds a secret."""
    return " ".join(["mailproof", *sys.argv[1:]])


def encode_judgment(judgment: Judgment) -> bytes:
    """As it is stored beside the results."""
    return msgspec.json.format(msgspec.json.encode(judgment, order="deterministic"), indent=2)
