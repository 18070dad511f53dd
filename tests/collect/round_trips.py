"""What is asked of a service, and the fewest round trips that it can be asked in.

TCP takes one and the greeting one. Then each group of commands takes one, and a group ends with
EHLO, STARTTLS, AUTH or a TLS flight (RFC 2920 section 3.1, RFC 3207 section 4.2).
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from msgspec import structs

from audits.collect.live.pace import Pace
from audits.collect.live.smtp import ServiceWalk
from audits.collect.live.tls_probe import TlsProbe
from audits.demo.certificates import Authority
from audits.facts.fact import Fact, Observed
from audits.facts.relay import RelayProbes
from audits.facts.smtp import AuthInClear
from audits.facts.snapshot import Snapshot
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsQuestions
from audits.parse.tls_names import HYBRIDS
from audits.settings import Settings
from tests.collect.walking import (
    NAME,
    SETTINGS,
    fleet,
    origin,
    service,
    try_relaying,
    walk,
)
from tests.servers.counting import ROUND_TRIP_S, Relay, counting
from tests.servers.smtp import Behaviour, SmtpServer

_CONTEXT = Authority("round trips").issue(NAME).server_context()
MX = Behaviour(hostname=NAME, tls=_CONTEXT, local_domains=("example.net",))
MSA = replace(MX, auth=("PLAIN", "LOGIN"), login_required=True, tls_required=True)
MSAS = replace(MSA, implicit_tls=True)
IN_CLEAR = replace(MX, tls=None, starttls=False)
_LIMITS = structs.replace(SETTINGS.limits, banner_s=10.0, reply_s=10.0, tls_s=10.0, host_s=60.0)
PATIENT = structs.replace(SETTINGS, limits=_LIMITS)
ALL_FORMS = structs.replace(PATIENT, probe=structs.replace(PATIENT.probe, relay_forms="all"))

_WALK = ServiceWalk.provides
_ONE_HELLO = TlsQuestions.same(TlsAsk(hybrids=HYBRIDS))

Ask = Callable[[Snapshot, int], Awaitable[object]]


@dataclass(frozen=True)
class Task:
    """ask: does it. minimum: of one connection; a task of several takes it in each."""

    name: str
    minimum: int
    behaviour: Behaviour
    port: int
    ask: Ask

    async def perform(self, round_trip_s: float = ROUND_TRIP_S) -> Relay:
        """The relay that counted, once the task is done."""
        async with (
            SmtpServer(self.behaviour) as server,
            counting(server.port, round_trip_s) as relay,
        ):
            seen = fleet(relay.port, self.port, mx_of=("example.net",), domains=("example.net",))
            await self.ask(seen, self.port)
            return relay


def _walked(wanted: Iterable[type[Fact]]) -> Ask:
    async def ask(seen: Snapshot, port: int) -> None:
        await walk(seen, port, wanted=wanted, settings=PATIENT)

    return ask


async def _probe(seen: Snapshot, port: int) -> None:
    """One crafted hello, after a handshake that has shown TLS 1.3."""
    shaken = TlsHandshake(service(port), True, None, "TLSv1.3", "x", NAME, 0.1)
    seen.add([Observed(shaken, origin().live("test"))])
    collector = TlsProbe(origin(), PATIENT, Pace(PATIENT.limits), _ONE_HELLO)
    seen.add(await collector.collect(service(port), seen))


def _relaying(settings: Settings) -> Ask:
    async def ask(seen: Snapshot, port: int) -> None:
        await try_relaying(seen, port, settings)
        assert seen.fact(RelayProbes, service(port)) is not None

    return ask


TASKS = (
    Task("port 25 walk, TLS 1.3", 7, MX, 25, _walked(_WALK - {AuthInClear})),
    Task("port 25 walk, and AUTH in clear", 7, MX, 25, _walked(_WALK)),
    Task("port 465 walk", 5, MSAS, 465, _walked(_WALK)),
    Task("port 587 walk", 7, MSA, 587, _walked(_WALK - {AuthInClear})),
    Task("port 587 walk, and AUTH in clear", 8, MSA, 587, _walked(_WALK)),
    Task("crafted hello over STARTTLS", 5, MX, 25, _probe),
    Task("crafted hello on 465", 2, MSAS, 465, _probe),
    Task("relay forms in clear, usual", 4, IN_CLEAR, 25, _relaying(PATIENT)),
    Task("relay forms in clear, all", 4, IN_CLEAR, 25, _relaying(ALL_FORMS)),
)
