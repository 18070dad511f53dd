"""What one service costs is bounded, and what gives way is the last question of TLS."""

import asyncio

import pytest

from audits.collect.live.budget import (
    MAX_CONNECTIONS,
    MAX_WALK_CONNECTIONS,
    of_conduct,
    of_hellos,
    of_logins,
)
from audits.collect.live.pace import Pace
from audits.collect.live.tls_probe import TlsProbe
from audits.demo.certificates import Authority
from audits.facts.fact import Observed, Reason
from audits.facts.relay import RelayControls
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsOffers, TlsQuestions
from audits.subject import Role
from tests.build import PROVENANCE, host, roles, silent
from tests.catalog.tls.offering import ask
from tests.collect.walking import ADDRESS, NAME, SETTINGS, fleet, origin, service
from tests.servers.smtp import Behaviour, SmtpServer

# A hello for each question of a service that is as it should be.
ENOUGH = 5


@pytest.mark.parametrize("port", [25, 465, 587])
@pytest.mark.parametrize("other_key", [False, True])
def test_a_usual_service_has_room_for_every_question(port: int, other_key: bool) -> None:
    for controls, other in ((False, other_key), (True, False)):
        room = of_hellos(service(port), 1, tls=True, logins=2, controls=controls, other_key=other)
        assert room >= ENOUGH


@pytest.mark.parametrize("walked", range(1, MAX_WALK_CONNECTIONS + 2))
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("controls", [False, True])
@pytest.mark.parametrize("other_key", [False, True])
def test_all_shares_together_keep_within_the_budget(
    walked: int, tls: bool, controls: bool, other_key: bool
) -> None:
    for port, relay, login in ((25, 2, 0), (465, 1, 2 * tls), (587, 1, 2 * tls)):
        others = of_conduct(service(port), tls=tls) + relay + controls + login + other_key
        left = of_hellos(
            service(port),
            walked,
            tls=tls,
            logins=2,
            controls=controls,
            other_key=other_key,
        )
        assert walked + others + left <= MAX_CONNECTIONS
        assert left > 0


def test_logins_take_what_the_inventory_declares() -> None:
    of_host = roles(NAME, Role.MSA, address=ADDRESS, ports=(25, 465, 587))
    assert of_logins(service(587), of_host, None) == 0
    assert of_logins(service(587), of_host, host(NAME)) == 0
    assert of_logins(service(465), of_host, host(NAME, login="a")) == 2
    assert of_logins(service(587), of_host, host(NAME, login="a")) == 1


def test_question_without_room_stays_open_for_that_reason() -> None:
    """Many mailboxes were refused, and the controls of relaying had no room among them."""

    async def run() -> tuple[TlsOffers, int]:
        tls = Authority().issue(NAME).server_context()
        tls.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2")
        pace = Pace(SETTINGS.limits)
        pace.walked[service()] = MAX_WALK_CONNECTIONS
        async with SmtpServer(Behaviour(hostname=NAME, tls=tls)) as server:
            seen = fleet(server.port)
            shaken = TlsHandshake(service(), True, None, "TLSv1.3", "x", NAME, 0.1)
            missed = silent(RelayControls, service(), Reason.INTERRUPTED)
            seen.add([Observed(shaken, PROVENANCE), missed])
            probe = TlsProbe(origin(), SETTINGS, pace, TlsQuestions.same(ask()))
            (found,) = await probe.collect(service(), seen)
        assert isinstance(found, Observed)
        assert isinstance(found.fact, TlsOffers)
        return found.fact, sum(pace.dialled.values())

    found, connections = asyncio.run(run())
    room = of_hellos(
        service(), MAX_WALK_CONNECTIONS, tls=True, logins=0, controls=True, other_key=False
    )
    assert connections == room < ENOUGH
    assert [offer.outcome for offer in found.offers[:-1]] == ["refused"] * room
    assert found.silence.reason is Reason.INTERRUPTED
    assert (
        found.silence.detail == "not offered: 3 of the connections to a service are for TLS hellos"
    )
