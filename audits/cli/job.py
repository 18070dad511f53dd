"""The main job: begin a run, collect, finish it; every verb that asks servers is made of these."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from audits import __version__
from audits.catalog import load
from audits.cli.clock import now
from audits.cli.judging import encode_judgment, judgment_of, stored_judgment
from audits.cli.program import command_line, versions
from audits.cli.watch import watching
from audits.cli.workspace import Workspace
from audits.collect.collector import Origin
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.traffic import Traffic
from audits.collect.plan import Plan, plan
from audits.collect.stages import Collection, Population
from audits.errors import SnapshotError, UsageError
from audits.evaluate.policy import Policy, tls_questions
from audits.evidence.manifest import SCHEMA as MANIFEST_SCHEMA
from audits.evidence.manifest import Manifest
from audits.evidence.run_directory import (
    FACTS,
    JUDGED_BY,
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
        Thread(target=_prepare_for_the_end, daemon=True).start()
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
