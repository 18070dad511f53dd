"""Runs the collectors of services against servers on loopback."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from audits.collect.collector import Origin
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.pace import Pace
from audits.collect.live.relay import RelayWalk
from audits.collect.live.smtp import ServiceWalk
from audits.collect.live.trust import TrustStore
from audits.facts.declared import DeclaredHost, DeclaredService, HostRoles
from audits.facts.fact import Fact, Observed, Provenance, Reason, Unobserved
from audits.facts.relay import RelayControls
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.settings import LimitSettings, Settings
from audits.subject import MailHost, Path, Role, Service
from tests.build import host

NAME = "mx.example.net"
ADDRESS = "192.0.2.1"
LIMITS = LimitSettings(connect_s=1.0, banner_s=0.3, reply_s=0.3, tls_s=0.3, host_s=5.0, gap_s=0.01)
SETTINGS = Settings(limits=LIMITS)
_PROVENANCE = Provenance("test", "here", datetime(2026, 1, 1, tzinfo=UTC), "live")


def origin() -> Origin:
    """Observations of this moment."""
    return Origin("here", lambda: datetime.now(UTC))


def service(port: int = 25) -> Service:
    """The service that all walks are about."""
    return Service(NAME, ADDRESS, port)


def path(domain: str) -> Path:
    """The way of mail into a domain through port 25 of that host."""
    return Path(domain, NAME, ADDRESS, 25)


def fleet(
    server_port: int,
    port: int = 25,
    *,
    ours: bool = True,
    mx_of: tuple[str, ...] = (),
    domains: tuple[str, ...] = (),
    private_ca: str | None = None,
    sends_from: tuple[str, ...] = (),
    connect_address: str = "127.0.0.1",
) -> Snapshot:
    """What is known before a walk: one host, whose `port` is served by `server_port`."""
    services = (DeclaredService(port, f"{connect_address}:{server_port}"),)
    declared: DeclaredHost = host(
        NAME,
        roles=(Role.MX,),
        addresses=(ADDRESS,),
        services=services,
        domains=domains,
        private_ca=private_ca,
        sends_from=sends_from,
    )
    roles = HostRoles(
        subject=MailHost(NAME),
        in_inventory=ours,
        roles=(Role.MX,),
        mx_of=mx_of,
        addresses=(ADDRESS,),
        sends_from=sends_from,
        services=(service(port),),
    )
    facts: list[Fact] = [roles, declared] if ours else [roles]
    return snapshot(facts)


def snapshot(facts: Iterable[Fact]) -> Snapshot:
    """Facts as if they had been observed."""
    header = Header(SCHEMA, "test", "here", datetime(2026, 1, 1, tzinfo=UTC), "0")
    return Snapshot(header, [Observed(fact, _PROVENANCE) for fact in facts])


async def walk(
    seen: Snapshot,
    port: int = 25,
    *,
    wanted: Iterable[type[Fact]] = ServiceWalk.provides - {RelayControls},
    settings: Settings = SETTINGS,
    trust: TrustStore | None = None,
) -> Snapshot:
    """Asks `ServiceWalk` about the service; the snapshot afterwards."""
    pace = Pace(settings.limits)
    collector = ServiceWalk(origin(), wanted, settings, pace, trust or TrustStore())
    seen.add(await collector.collect(service(port), seen))
    return seen


async def try_relaying(
    seen: Snapshot, port: int = 25, settings: Settings = SETTINGS, beyond: Beyond = UP_TO_RCPT
) -> Snapshot:
    """Asks `RelayWalk` about the service; the snapshot afterwards."""
    collector = RelayWalk(origin(), RelayWalk.provides, settings, Pace(settings.limits), beyond)
    seen.add(await collector.collect(service(port), seen))
    return seen


def redirected(seen_port: int, settings: Settings = SETTINGS, port: int = 25) -> Settings:
    """Settings that lead the service to a server on loopback without the inventory's help."""
    return Settings(
        probe=settings.probe,
        limits=settings.limits,
        redirect={f"{ADDRESS}:{port}": f"127.0.0.1:{seen_port}"},
    )


def silence(seen: Snapshot, kind: type[Fact], port: int = 25) -> tuple[Reason, str]:
    """Reason and detail of what was not observed."""
    found = seen.get(kind, service(port))
    assert isinstance(found, Unobserved), found
    return found.reason, found.detail


def reasons(seen: Snapshot, kinds: Sequence[type[Fact]], port: int = 25) -> set[Reason]:
    """The reasons for which several kinds were not observed."""
    return {silence(seen, kind, port)[0] for kind in kinds}
