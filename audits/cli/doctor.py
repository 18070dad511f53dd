"""The verb `doctor`: whether this place can see what a run has to see."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer
from rich.markup import escape

import audits
from audits.cli.clock import now
from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, stdout
from audits.cli.workspace import Workspace, read_workspace
from audits.collect.collector import Origin
from audits.collect.live.preflight import preflight
from audits.collect.live.resolver import Resolver
from audits.errors import UsageError
from audits.facts.dns import ResolverReport
from audits.facts.fact import Silence
from audits.settings import ResolverSettings
from audits.subject import Role, endpoint

if TYPE_CHECKING:
    from audits.collect.live.ssh_login import Login

_SMTP = 25
_HOSTS_TRIED = 5


class Finding(NamedTuple):
    """One thing that was looked at. good: None where it could not be told."""

    topic: str
    good: bool | None
    words: str


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(config: ConfigFile = None) -> Exit:
    """Tells whether a run from here would see anything: resolver, port 25, clock, source address.

    Connects to port 25 of at most five MX hosts of the inventory and says nothing there. Where SSH
    is configured, the host keys and keys for it are looked at, and nobody is logged in to. Ends
    with 0 when all is well, else with 11: a run from here would be incomplete.
    """
    workspace = read_workspace(config, None, None, None, no_waivers=True)
    marks = {True: "[green]✓[/]", False: "[red]✕[/]", None: "[yellow]?[/]"}
    good = True
    for finding in _findings(workspace):
        stdout().print(f"{marks[finding.good]} {finding.topic:<14} {escape(finding.words)}")
        good = good and finding.good is not False
    return Exit.COMPLETE if good else Exit.INCOMPLETE


def _findings(workspace: Workspace) -> Iterator[Finding]:
    with asyncio.Runner() as loop:
        yield from loop.run(_resolver(workspace))
        yield loop.run(_egress(workspace))
    yield _clock()
    yield from _source(workspace)
    yield from _ssh(workspace)


async def _resolver(workspace: Workspace) -> list[Finding]:
    settings = workspace.settings.resolver
    async with Resolver(settings) as resolver:
        origin = Origin(workspace.settings.vantage.name, now)
        report = (await preflight(resolver, origin)).fact
        other = resolver.second
        second = (await preflight(other, origin)).fact if other is not None else None
    first = Finding(
        "resolver", report.signed is not None, f"{', '.join(report.servers)}: {report.finding}"
    )
    found = [first, _validation(report, settings)]
    if second is not None and not second.validates:
        words = f"{', '.join(second.servers)} can't confirm what is bogus: {second.finding}"
        found.append(Finding("validation", False, words))
    return found


def _validation(report: ResolverReport, settings: ResolverSettings) -> Finding:
    topic = "validation"
    if report.signed is None:
        return Finding(topic, None, "can't be told: the resolver did not answer")
    if report.validates:
        return Finding(topic, True, f"it authenticates {settings.signed_name!r}")
    if settings.validating:
        words = "the configuration says that it validates, but it authenticates nothing"
        return Finding(topic, False, words)
    words = "it does not authenticate signed names: nothing that rests on DNSSEC can be judged"
    return Finding(topic, None, words)


async def _egress(workspace: Workspace) -> Finding:
    """Whether port 25 of one of the fleet's own MX hosts is reached from here."""
    tried: list[str] = []
    for address, port in _mx_endpoints(workspace):
        tried.append(f"{address}:{port}")
        try:
            async with asyncio.timeout(workspace.settings.limits.connect_s):
                _, writer = await asyncio.open_connection(address, port)
        except OSError as error:
            if isinstance(error, ConnectionRefusedError):
                return Finding("port 25", True, f"{tried[-1]} answered, and refused")
            continue
        writer.close()
        return Finding("port 25", True, f"{tried[-1]} was reached")
    if not tried:
        return Finding("port 25", None, "the inventory gives no MX host an address to try")
    words = f"none of {', '.join(tried)} answered: outgoing port 25 is likely blocked here"
    return Finding("port 25", False, words)


def _mx_endpoints(workspace: Workspace) -> list[tuple[str, int]]:
    endpoints: list[tuple[str, int]] = []
    redirect = workspace.settings.redirect
    for host in (observed.fact for observed in workspace.fleet.hosts):
        connect = {service.port: service.connect for service in host.services}
        if Role.MX not in host.roles:
            continue
        for address in host.addresses[:1]:
            own = endpoint(address, _SMTP)
            target = connect.get(_SMTP) or redirect.get(own) or own
            name, _, port = target.rpartition(":")
            endpoints.append((name.strip("[]"), int(port)))
    return endpoints[:_HOSTS_TRIED]


def _clock() -> Finding:
    """A clock before the day this version was installed is wrong; more can't be told offline."""
    read = now()
    installed = datetime.fromtimestamp(Path(audits.__file__).stat().st_mtime, UTC)
    shown = f"{read:%Y-%m-%d %H:%M:%S} UTC"
    if read < installed:
        return Finding("clock", False, f"{shown}, before mailproof was installed")
    return Finding("clock", True, f"{shown}; compare it with a clock that you trust")


def _source(workspace: Workspace) -> Iterator[Finding]:
    """The address that packets to the internet would leave from; none is sent for this."""
    declared = workspace.settings.vantage.addresses
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        topic = "source IPv4" if family is socket.AF_INET else "source IPv6"
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, _SMTP))  # routes, but sends nothing
                address = probe.getsockname()[0]
        except OSError as error:
            yield Finding(topic, None, f"no route: {error.strerror}")
            continue
        note = (
            "as declared" if address in declared else f"declared: {', '.join(declared) or 'none'}"
        )
        yield Finding(topic, True, f"{address} ({note})")


def _ssh(workspace: Workspace) -> Iterator[Finding]:
    """Whether hosts could be logged in to, as far as that shows without asking one."""
    if workspace.settings.ssh is None:
        return
    # paramiko takes a while to load, and is not needed where no SSH is configured.
    from audits.cli.job import access
    from audits.collect.live.ssh_login import Login

    given = access(workspace)
    assert given is not None
    logins = [login for login in given.logins.values() if isinstance(login, Login)]
    for silence in (each for each in given.logins.values() if isinstance(each, Silence)):
        yield Finding("ssh user", False, silence.detail)
    if logins:
        yield _known_hosts(logins)
        yield from _keys(logins, given.reveal)


def _known_hosts(logins: Sequence["Login"]) -> Finding:
    """Whether every host that is logged in to, jump hosts too, is one whose key is known."""
    from audits.collect.live.ssh_connection import trust_in
    from audits.collect.live.tcp import Unheard

    topic = "ssh hosts"
    every = {str(each): each for login in logins for each in (login, login.via) if each is not None}
    try:
        unknown = [
            name
            for name, login in sorted(every.items())
            if not (login.fingerprint or trust_in(login).keys)
        ]
    except Unheard as error:
        return Finding(topic, False, error.silence.detail)
    if unknown:
        return Finding(topic, False, f"known_hosts has no key of {', '.join(unknown)}")
    return Finding(topic, True, f"a host key is known or pinned for each of {len(every)}")


def _keys(logins: Sequence["Login"], reveal: Callable[[str], str]) -> Iterator[Finding]:
    """Whether the keys that are configured can be used, and whether an agent has any."""
    import paramiko

    from audits.collect.live.ssh_connection import read_key
    from audits.collect.live.tcp import Unheard

    topic = "ssh key"
    for path, reference in sorted(
        {(login.key, login.key_passphrase or "") for login in logins if login.key}
    ):
        try:
            key = read_key(path, reveal(reference) if reference else None)
            yield Finding(topic, True, f"{path}: {key.get_name()} {key.fingerprint}")
        except (Unheard, UsageError) as error:
            yield Finding(topic, False, str(error))
    if any(login.agent for login in logins):
        agent = paramiko.Agent()
        count = len(agent.get_keys())
        agent.close()
        needed = [
            login.name for login in logins if login.agent and not (login.key or login.password)
        ]
        if count or needed:
            words = (
                f"the agent offers {count} keys" if count else "no agent with keys is running here"
            )
            yield Finding("ssh agent", bool(count), words)
