import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from audits.collect.live.pace import Pace
from audits.collect.live.ports import PortSweep
from audits.demo.world import closed_port
from audits.facts.declared import DeclaredService, HostRoles
from audits.facts.fact import Observed, Reason, Unobserved
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortSurvey
from audits.settings import Settings
from audits.subject import Address, MailHost, Role, Service
from tests.build import host
from tests.collect.walking import ADDRESS, LIMITS, NAME, fleet, origin, snapshot

LOOPBACK = "127.0.0.1"


@contextmanager
def open_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen()
        yield int(listening.getsockname()[1])


def at_loopback(*declared: int) -> Snapshot:
    """A host of ours on loopback itself, and what is declared of its ports."""
    services = tuple(Service(NAME, LOOPBACK, port) for port in declared)
    roles = HostRoles(
        subject=MailHost(NAME),
        in_inventory=True,
        roles=(Role.MX,),
        mx_of=(),
        addresses=(LOOPBACK,),
        sends_from=(),
        services=services,
    )
    return snapshot(
        [
            roles,
            host(
                NAME,
                addresses=(LOOPBACK,),
                services=tuple(DeclaredService(port, None) for port in declared),
            ),
        ]
    )


def swept(
    seen: Snapshot, *ports: int, address: str = LOOPBACK, redirect: dict[str, str] | None = None
) -> PortSurvey | Unobserved:
    settings = Settings(limits=LIMITS, redirect=redirect or {})

    async def run() -> None:
        sweep = PortSweep(origin(), settings, Pace(settings.limits), ports)
        seen.add(await sweep.collect(Address(address), seen))

    asyncio.run(run())
    found = seen.get(PortSurvey, Address(address))
    assert found is not None
    return found.fact if isinstance(found, Observed) else found


def states(found: PortSurvey | Unobserved) -> dict[int, str | None]:
    assert isinstance(found, PortSurvey), found
    return {port.port: port.state for port in found.ports}


def test_open_and_closed_ports_are_told_apart() -> None:
    with open_port() as up, closed_port() as down:
        assert states(swept(at_loopback(), up, down)) == {up: "open", down: "closed"}


def test_declared_ports_are_left_alone() -> None:
    with open_port() as up:
        assert states(swept(at_loopback(up), up)) == {}


def test_ports_are_in_order() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(closed_port()) for _ in range(3)]
        assert list(states(swept(at_loopback(), *ports))) == sorted(ports)


def test_address_of_nobody_in_the_inventory_is_not_knocked_at() -> None:
    found = swept(fleet(1, ours=False), 25, address=ADDRESS)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SKIPPED


def test_address_whose_services_are_dialled_elsewhere_is_not_knocked_at() -> None:
    found = swept(fleet(1), 2525, address=ADDRESS)
    assert isinstance(found, Unobserved)
    assert (found.reason, "dialled elsewhere" in found.detail) == (Reason.SKIPPED, True)


def test_port_that_is_led_elsewhere_is_knocked_at_there() -> None:
    with open_port() as up:
        redirect = {f"{ADDRESS}:2525": f"{LOOPBACK}:{up}"}
        found = swept(fleet(1), 2525, 10025, address=ADDRESS, redirect=redirect)
    assert states(found) == {2525: "open"}
    assert isinstance(found, PortSurvey)
    assert found.ports[0].dialled == f"{LOOPBACK}:{up}"


def test_nothing_is_said_to_an_open_port() -> None:
    heard: list[bytes] = []

    async def run() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read())
            writer.close()

        server = await asyncio.start_server(accept, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        sweep = PortSweep(origin(), Settings(limits=LIMITS), Pace(LIMITS), (port,))
        await sweep.collect(Address(LOOPBACK), at_loopback())
        await asyncio.sleep(0.05)
        server.close()

    asyncio.run(run())
    assert heard == [b""]


def test_only_addresses_can_be_swept() -> None:
    sweep = PortSweep(origin(), Settings(), Pace(LIMITS))
    with pytest.raises(TypeError, match="addresses"):
        asyncio.run(sweep.collect(MailHost(NAME), at_loopback()))
