"""One walk of the delivery loop as a sending MTA makes it, told step by step while it happens."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import ClassVar, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from audits.collect.collector import Collector, Origin
from audits.collect.live.conversation import Conversation, Deadline, TlsFailed, connected
from audits.collect.live.dane import DaneHost
from audits.collect.live.dns import DnsDomain, DnsHost
from audits.collect.live.https import MtaStsFetch
from audits.collect.live.login import Account, authenticate
from audits.collect.live.pace import Pace
from audits.collect.live.preflight import preflight
from audits.collect.live.resolver import Resolver
from audits.collect.live.service import IMPLICIT_TLS_PORT, RELAY_PORT, domain_of, mail_from, rcpt_to
from audits.collect.live.tcp import Attempt, Unheard, is_address, target_of
from audits.collect.live.tls import Handshake
from audits.collect.live.trust import TrustStore
from audits.errors import UsageError
from audits.facts.dane import TlsaSet
from audits.facts.declared import DeclaredHost
from audits.facts.delivery import (
    RelayFacts,
    Station,
    StationState,
    domain_station,
    login_station,
    message_station,
    relay_stations,
)
from audits.facts.dns import Answer, HostAddresses, MtaStsTxt, MxSet
from audits.facts.fact import (
    Fact,
    Observation,
    Observed,
    Provenance,
    Reason,
    Silence,
    Step,
    Unobserved,
    kind_of,
)
from audits.facts.https import MtaStsPolicy
from audits.facts.smtp import EhloReply, Greeting, Reply, RoleRecipient, StartTls, Transcript
from audits.facts.snapshot import Header, Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import CertificateChain, TlsHandshake
from audits.facts.trace import TraceStep, Untried, settles
from audits.parse.mta_sts import covers
from audits.parse.sasl import chosen
from audits.parse.tlsa import match, usable
from audits.parse.x509 import matches
from audits.settings import Settings
from audits.subject import Domain, MailHost, Path, Subject

# Postfix turns to five addresses of a domain at most; nobody's DNS is to choose how many we do.
MAX_VISITS = 10

_DNS_PORT = 53
_COLLECTOR = "trace"
_NO_EHLO = (500, 502)
_GO_AHEAD = 354

F = TypeVar("F", bound=Fact)
T = TypeVar("T")

Tell = Callable[[TraceStep], None]


class Errand(Struct, frozen=True):
    """Who writes to whom. every: walk all MX hosts, where a sender would be done before.

    message: is really sent, with CRLF at the end of each line; without one the walk ends after
    RCPT. account: whose login is made at a submission service.
    """

    sender: str
    recipient: str
    every: bool = False
    message: bytes | None = None
    account: Account | None = None

    @property
    def domain(self) -> Domain:
        return Domain(domain_of(self.recipient))


class Surroundings(Struct, frozen=True):
    """What a walk is made with. hosts: what the inventory says of hosts, by name."""

    resolver: Resolver
    settings: Settings
    pace: Pace
    trust: TrustStore
    origin: Origin
    hosts: Mapping[str, DeclaredHost]


class _Walk:
    """What all walks share.

    tell: is given every step as soon as its answer is there. untried: the MX hosts that were left
    alone, once the walk is over.
    """

    def __init__(self, around: Surroundings, errand: Errand, tell: Tell) -> None:
        self._around = around
        self._errand = errand
        self._tell = tell
        self._look = _LookUp(around)
        self._visits = 0
        self._settled = False
        self._login_failed = False
        self.untried: list[Untried] = []

    @property
    def _done(self) -> bool:
        """A message that was sent is not sent to another host as well, nor a login tried again."""
        again = self._errand.every and self._errand.message is None
        return self._login_failed or (self._settled and not again)

    def _tell_step(self, step: TraceStep) -> None:
        station = step.station
        if station.step is Step.AUTH and station.state in (
            StationState.BROKEN,
            StationState.SILENT,
        ):
            self._login_failed = True
        if self._errand.message is None or station.step is not Step.RCPT:
            self._settled = self._settled or settles(station) is not None
        # It may have been taken although the server fell silent: once more would be twice.
        in_doubt = station.step is Step.DATA and station.state is StationState.SILENT
        self._settled = self._settled or (in_doubt and not station.answered.startswith("4"))
        self._tell(step)

    def _tell_dns(self, name: str, station: Station, started: float) -> None:
        servers = ", ".join(self._around.resolver.servers)
        took = round(now() - started, 4)
        at = self._around.origin.clock()
        self._tell(TraceStep(self._visits, name, servers, _DNS_PORT, station, took, at))

    async def _addresses(self, path: Path, mx: MxSet) -> tuple[tuple[str, ...], RelayFacts]:
        """The addresses of a host, told as a step, and what is known of the way then."""
        started = now()
        found = await self._look.addresses(MailHost(path.host))
        seen = nothing_seen(path, mx, found)
        station = station_at(Step.ADDRESS, seen)
        addresses = found.fact.addresses if isinstance(found, Observed) else ()
        if addresses:
            station = replace(station, detail=", ".join(addresses))
        self._tell_dns(path.host, station, started)
        return addresses, seen


class RelayTrace(_Walk):
    """The walk from the MX look-up to QUIT, host by host and address by address."""

    async def walk(self) -> None:
        """Walks to the end; never raises for what the world does."""
        started = now()
        seen = await self._look.mx(self._errand.domain)
        self._tell_dns(self._errand.domain.name, domain_station(seen), started)
        if not isinstance(seen, Observed) or not seen.fact.targets:
            return
        # A sender looks for a policy beside the rest, so that nothing waits for it (RFC 8461
        # section 5.1).
        policy = asyncio.create_task(self._look.policy(self._errand.domain))
        try:
            for host in seen.fact.targets:
                if self._done:
                    self.untried.append(Untried(host, "a sender is done before it gets there"))
                elif self._visits >= MAX_VISITS:
                    words = f"{MAX_VISITS} addresses were tried before it"
                    self.untried.append(Untried(host, words))
                else:
                    await self._turn_to(seen.fact, host, policy)
        finally:
            await _dropped(policy)

    async def _turn_to(self, mx: MxSet, name: str, policy: asyncio.Task[Fact | None]) -> None:
        """Every address of one MX host, until one of them settles it."""
        self._visits += 1
        domain = self._errand.domain.name
        addresses, seen = await self._addresses(Path(domain, name, "", RELAY_PORT), mx)
        if not addresses:
            return
        demands = asyncio.create_task(self._look.demands(MailHost(name), policy))
        try:
            for place, address in enumerate(addresses[: MAX_VISITS - self._visits + 1]):
                if self._done:
                    return
                self._visits += bool(place)
                there = replace(seen, path=Path(domain, name, address, RELAY_PORT))
                visit = Visit(self._around, self._errand, self._visits, there, self._tell_step)
                await visit.make(demands)
        finally:
            await _dropped(demands)


class ViaTrace(_Walk):
    """The walk through one host and port that the caller names, whatever the MX records say.

    On port 25 it goes as mail between servers does, on any other as a mail program submits.
    """

    def __init__(
        self, around: Surroundings, errand: Errand, tell: Tell, host: str, port: int
    ) -> None:
        super().__init__(around, errand, tell)
        self._host = host
        self._port = port

    async def walk(self) -> None:
        """Walks to the end; never raises for what the world does."""
        domain, host, port = self._errand.domain, self._host, self._port
        nothing = MxSet(domain, Answer(domain.name, "NOERROR", False, (), 0), ())
        self._visits = 1
        declared = self._around.hosts.get(host)
        seen = nothing_seen(Path(domain.name, host, "", port), nothing, None)
        if is_address(host):
            addresses: tuple[str, ...] = (host,)
        elif declared is not None and declared.addresses:
            addresses = declared.addresses
        else:
            addresses, seen = await self._addresses(seen.path, nothing)
        demands = asyncio.create_task(_nothing_demanded())
        for place, address in enumerate(addresses[:MAX_VISITS]):
            if self._done:
                return
            self._visits += bool(place)
            there = replace(seen, path=Path(domain.name, host, address, port))
            kind = Visit if port == RELAY_PORT else Submission
            visit = kind(self._around, self._errand, self._visits, there, self._tell_step)
            await visit.make(demands)


async def _nothing_demanded() -> tuple[Fact, ...]:
    return ()


class _LookUp:
    """Look-ups by the collectors of a run, each with what was seen before it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        origin = around.origin
        header = Header("", "", origin.vantage, origin.clock(), "")
        self._seen = Snapshot(header)

    async def mx(self, domain: Domain) -> Observation[MxSet]:
        """The MX records of a domain."""
        return await self._ask(self._dns(MxSet), MxSet, domain)

    async def addresses(self, host: MailHost) -> Observation[HostAddresses]:
        """The addresses of a host."""
        collector = DnsHost(self._around.resolver, self._around.origin)
        return await self._ask(collector, HostAddresses, host)

    async def policy(self, domain: Domain) -> Fact | None:
        """The domain's MTA-STS policy where it is in force (RFC 8461 section 5)."""
        around = self._around
        await self._ask(self._dns(MtaStsTxt), MtaStsTxt, domain)
        wanted: frozenset[type[Fact]] = frozenset({MtaStsPolicy})
        fetch = MtaStsFetch(around.resolver, around.origin, wanted, around.settings)
        found = await self._ask(fetch, MtaStsPolicy, domain)
        if isinstance(found, Observed) and found.fact.mode == "enforce":
            return found.fact
        return None

    async def demands(self, host: MailHost, policy: asyncio.Task[Fact | None]) -> tuple[Fact, ...]:
        """What has senders that heed it insist on TLS with a host; empty where nothing does.

        TLSA records that are secure (RFC 7672 section 2.2), and a policy in force.
        """
        around = self._around
        found: list[Fact] = []
        tlsa = await self._ask(DaneHost(around.resolver, around.origin), TlsaSet, host)
        if isinstance(tlsa, Observed) and tlsa.fact.records and tlsa.fact.secure:
            report = await preflight(around.resolver, around.origin)
            found += [tlsa.fact] if report.fact.validates else []
        # A sender does not hold mail back for a policy host that is silent (RFC 8461 section 5.1).
        ready, _ = await asyncio.wait({policy}, timeout=around.settings.limits.connect_s)
        in_force = policy.result() if ready else None
        return (*found, in_force) if in_force is not None else tuple(found)

    def _dns(self, kind: type[Fact]) -> DnsDomain:
        return DnsDomain(self._around.resolver, self._around.origin, frozenset({kind}))

    async def _ask(self, collector: Collector, kind: type[F], of: Subject) -> Observation[F]:
        self._seen.add(await collector.collect(of, self._seen))
        found = self._seen.get(kind, of)
        assert found is not None
        return found


class Visit:
    """One address of one host: a connection, and another one in clear where TLS fails."""

    NEEDS_TLS: ClassVar[bool] = False

    def __init__(
        self, around: Surroundings, errand: Errand, number: int, seen: RelayFacts, tell: Tell
    ) -> None:
        self._around = around
        self._errand = errand
        self._number = number
        self._seen = seen
        self._tell = tell
        self._service = seen.path.service
        self._declared = around.hosts.get(seen.path.host)
        self._target = target_of(self._service, self._declared, around.settings.redirect)
        self._deadline = Deadline(around.settings.limits.host_s)
        self._since = now()
        self._in_clear = False

    async def make(self, demands: asyncio.Task[tuple[Fact, ...]]) -> None:
        """Connects, and goes on until the way ends."""
        if not await self._connect(demands):
            # What opportunistic senders do: TLS that fails is worse than none (RFC 7435 section 3).
            self._in_clear = True
            await self._connect(demands)

    async def _connect(self, demands: asyncio.Task[tuple[Fact, ...]]) -> bool:
        """One connection; False where a sender comes back without TLS."""
        around = self._around
        self._since = now()
        async with connected(
            self._target, around.settings, around.pace, self._deadline
        ) as connection:
            talk = connection.talk
            try:
                self._saw(Step.TCP, port=self._port(connection.attempt))
                if talk is not None:
                    await self._converse(talk, demands)
            except _Stopped as stopped:
                return not stopped.comes_back
            finally:
                if talk is not None:
                    await talk.quit()
            return True

    async def _converse(self, talk: Conversation, demands: asyncio.Task[tuple[Fact, ...]]) -> None:
        await self._greet(talk)
        await self._encrypt(talk, demands)
        await self._envelope(talk)

    async def _greet(self, talk: Conversation) -> None:
        """The greeting, and EHLO; HELO to a server of old (RFC 5321 section 3.2)."""
        heard = await _heard(talk.greeting())
        self._saw(Step.GREETING, greeting=self._as(Greeting, heard, self._greeting))
        sent = f"EHLO {self._around.settings.probe.ehlo}"
        heard = await _heard(talk.ask(sent))
        if isinstance(heard, Reply) and heard.code in _NO_EHLO:
            sent = sent.replace("EHLO", "HELO", 1)
            heard = await _heard(talk.ask(sent))
        self._saw(
            Step.EHLO,
            ehlo=self._as(
                EhloReply, heard, lambda r: EhloReply(self._service, sent, r, talk.keywords)
            ),
        )

    async def _encrypt(self, talk: Conversation, demands: asyncio.Task[tuple[Fact, ...]]) -> None:
        """STARTTLS where it is offered, the handshake, and EHLO anew (RFC 3207 section 4.2).

        Without TLS it goes on in clear, unless something demands TLS.
        """
        if self._in_clear:
            return
        if not talk.offers("STARTTLS"):
            asked = await demands
            needed = self.NEEDS_TLS or bool(asked)
            nothing = StartTls(self._service, offered=False, reply=None)
            self._saw(Step.STARTTLS, asked, needed=needed, starttls=self._observed(nothing))
            return
        heard = await _heard(talk.ask("STARTTLS"))
        refused = not isinstance(heard, Reply) or heard.code != 220
        asked = await demands if refused else ()
        self._saw(
            Step.STARTTLS,
            asked,
            needed=self.NEEDS_TLS or bool(asked) or not isinstance(heard, Reply),
            starttls=self._as(
                StartTls, heard, lambda r: StartTls(self._service, offered=True, reply=r)
            ),
        )
        if not refused:
            await self._shake_hands(talk, demands)
            await self._ehlo_again(talk)

    async def _shake_hands(
        self,
        talk: Conversation,
        demands: asyncio.Task[tuple[Fact, ...]],
        *,
        implicit: bool = False,
    ) -> None:
        try:
            handshake = await talk.enter_tls(self._service.host, implicit=implicit)
        except TlsFailed as failed:
            found = failed.handshake.fact(self._service) if failed.handshake else failed.silence
            asked = await demands
            needed = self.NEEDS_TLS or bool(asked)
            failure = self._seen_as(TlsHandshake, found)
            self._saw(Step.TLS, asked, needed=needed, handshake=failure)
            raise _Stopped(comes_back=not talk.throttled) from failed
        chain, asked = self._chain(handshake), await demands
        beside = (*([chain] if chain is not None else []), *asked)
        fact = handshake.fact(self._service)
        doubt = self._doubt(chain, asked)
        self._saw(Step.TLS, beside, doubt=doubt, handshake=self._observed(fact))

    async def _ehlo_again(self, talk: Conversation) -> None:
        """Told only where it ends the way: it says little more than the first did."""
        heard = await _heard(talk.ehlo())
        if not isinstance(heard, Reply) or not heard.positive:
            ehlo = self._as(EhloReply, heard, lambda r: EhloReply(self._service, "EHLO", r, ()))
            self._saw(Step.EHLO, ehlo=ehlo)

    async def _envelope(self, talk: Conversation) -> None:
        """MAIL, RCPT and QUIT or DATA, in one group where the server takes groups (RFC 2920)."""
        errand = self._errand
        last = "QUIT" if errand.message is None else "DATA"
        exchange = await talk.exchange([mail_from(errand.sender), rcpt_to(errand.recipient), last])
        mail, rcpt, data = exchange.replies
        found: RoleRecipient | Silence
        if mail is None or (mail.positive and rcpt is None):
            found = exchange.unheard.silence
        else:
            asked = rcpt if mail.positive else None
            found = RoleRecipient(self._seen.path, errand.sender, mail, errand.recipient, asked)
        seen = _observation(RoleRecipient, self._seen.path, found, self._provenance)
        self._seen = replace(self._seen, recipient=seen)
        if not talk.encrypted:  # TLS that failed before has no bearing on what is said in clear
            self._seen = replace(self._seen, starttls=None, handshake=None)
        for step in (Step.MAIL, Step.RCPT):
            self._say_if_reached(self._taken(station_at(step, self._seen)))
        if errand.message is not None:
            taken = rcpt is not None and rcpt.positive
            await self._send(talk, errand.message, data or exchange.unheard.silence, taken=taken)
        await talk.quit()
        spoken = Transcript(self._service, talk.lines)
        self._seen = replace(self._seen, transcript=self._observed(spoken))
        self._say_if_reached(station_at(Step.QUIT, self._seen))

    def _taken(self, station: Station) -> Station:
        """The station of MAIL or RCPT as it counts on this way."""
        return station

    async def _send(
        self, talk: Conversation, message: bytes, data: Reply | Silence, *, taken: bool
    ) -> None:
        """The message, once DATA was answered with 354.

        A server that says 354 without a recipient is given an empty message to refuse (RFC 2920
        section 3.1).
        """
        heard = data
        if isinstance(data, Reply) and data.code == _GO_AHEAD:
            heard = await _heard(talk.deliver(message if taken else b""))
        if taken:
            self._say(message_station(heard))

    def _say_if_reached(self, station: Station) -> None:
        if station.state is not StationState.NOT_REACHED:
            self._say(station)

    def _saw(
        self,
        step: Step,
        beside: tuple[Fact, ...] = (),
        *,
        needed: bool = True,
        doubt: str | None = None,
        **found: Observation[Fact] | None,
    ) -> None:
        """Tells a step by what was found at it; raises _Stopped where the way ends there.

        needed: False for one that a sender can do without. doubt: why it does not do, though it
        was answered well.
        """
        self._seen = replace(self._seen, **found)
        station = station_at(step, self._seen)
        if doubt is not None:
            station = distrusted(station, doubt)
        ended = needed and station.state is not StationState.PASSED
        if ended and station.state is StationState.NOT_SENT:
            station = replace(station, state=StationState.BROKEN)
        # In the second connection that is the same again.
        if not self._in_clear or ended:
            self._say(station, beside)
        if ended:
            raise _Stopped

    def _say(self, station: Station, beside: tuple[Fact, ...] = ()) -> None:
        took = station.elapsed_s
        unasked = station.state is StationState.NOT_SENT or station.reason is Reason.NOT_OFFERED
        if took is None and not unasked:
            took = round(now() - self._since, 4)
        self._since = now()
        at, service = self._around.origin.clock(), self._service
        self._tell(
            TraceStep(
                self._number,
                service.host,
                service.address,
                service.port,
                station,
                took,
                at,
                beside,
            )
        )

    def _port(self, attempt: Attempt) -> Observation[PortState]:
        found: PortState | Silence
        if attempt.state is not None:
            took = round(attempt.elapsed_s, 4)
            dialled = str(attempt.target)
            found = PortState(self._service, attempt.state, dialled, attempt.detail, took)
        else:
            assert attempt.silence is not None
            found = attempt.silence
        return self._seen_as(PortState, found)

    def _greeting(self, reply: Reply) -> Greeting:
        words = reply.lines[0].split()
        return Greeting(self._service, reply, words[0] if words else "")

    def _doubt(self, chain: CertificateChain | None, demands: tuple[Fact, ...]) -> str | None:
        """Why a sender that heeds what the domain demands does not trust a host; None if it does.

        Where there are TLSA records, a policy counts for nothing (RFC 8461 section 2).
        """
        host, at = self._service.host, self._around.origin.clock()
        for demand in demands:
            if chain is None:
                return "its certificate can't be read"
            match demand:
                case TlsaSet():
                    records = [record for _, record in usable(demand.records)]
                    names = (demand.base, host)
                    fits = (match(record, chain, names, at).fault is None for record in records)
                    return None if not records or any(fits) else "no TLSA record fits it"
                case MtaStsPolicy() if not any(covers(pattern, host) for pattern in demand.mx):
                    return f"the MTA-STS policy does not name {host}"
                case MtaStsPolicy():
                    return untrusted(chain, host, at)
        return None

    def _chain(self, handshake: Handshake) -> CertificateChain | None:
        private_ca = self._declared.private_ca if self._declared is not None else None
        at = self._around.origin.clock()
        try:
            return self._around.trust.chain_fact(self._service, handshake.chain, at, private_ca)
        except UsageError:
            return None

    def _as(
        self, kind: type[F], heard: Reply | Silence, fact: Callable[[Reply], F]
    ) -> Observation[F]:
        return self._seen_as(kind, heard if isinstance(heard, Silence) else fact(heard))

    def _seen_as(self, kind: type[F], found: F | Silence) -> Observation[F]:
        return _observation(kind, self._service, found, self._provenance)

    def _observed(self, fact: F) -> Observed[F]:
        return Observed(fact, self._provenance)

    @property
    def _provenance(self) -> Provenance:
        return self._around.origin.live(_COLLECTOR)


class Submission(Visit):
    """One address of a submission service: TLS first, trusted, then the login, then the envelope.

    RFC 6409 section 4.3, RFC 8314 section 3.3; a password goes nowhere but inside TLS.
    """

    NEEDS_TLS: ClassVar[bool] = True

    async def _converse(self, talk: Conversation, demands: asyncio.Task[tuple[Fact, ...]]) -> None:
        if self._service.port == IMPLICIT_TLS_PORT:
            await self._shake_hands(talk, demands, implicit=True)
            await self._greet(talk)
        else:
            await self._greet(talk)
            await self._encrypt(talk, demands)
        await self._log_in(talk)
        await self._envelope(talk)

    def _doubt(self, chain: CertificateChain | None, demands: tuple[Fact, ...]) -> str | None:
        if chain is None:
            return "its certificate can't be read"
        account = self._errand.account
        wanted = account.certificate if account is not None else "verified"
        if wanted == "any":
            return None
        if wanted == "verified":
            return untrusted(chain, self._service.host, self._around.origin.clock())
        pinned = chain.leaf is not None and wanted == f"sha256:{chain.leaf.spki_sha256}"
        return None if pinned else "its key is not the one that the inventory pins"

    async def _log_in(self, talk: Conversation) -> None:
        account = self._errand.account
        offered = [p for keyword in talk.keywords if keyword.name == "AUTH" for p in keyword.params]
        if account is None:
            listed = " ".join(offered) or "nothing"
            words = f"AUTH offers {listed}; no login was asked for"
            return self._say(Station(Step.AUTH, StationState.NOT_SENT, "not sent", words))
        name = chosen(offered)
        if name is None:
            words = f"EHLO inside TLS lists AUTH {' '.join(offered) or 'nothing'}"
            self._say(Station(Step.AUTH, StationState.BROKEN, "not offered", words))
            raise _Stopped
        try:
            outcome = await authenticate(talk, name, account.username, account.password())
        except Unheard as unheard:
            silence = unheard.silence
            said, words = silence.reason.value, silence.detail
            self._say(Station(Step.AUTH, StationState.SILENT, said, words, reason=silence.reason))
            raise _Stopped from unheard
        station = login_station(name, outcome.exchange.reply, proved=outcome.server != "false")
        self._say(station)
        if station.state is not StationState.PASSED:
            raise _Stopped

    def _taken(self, station: Station) -> Station:
        """A stranger who is turned away says nothing of those who log in."""
        recipient = self._seen.recipient
        if self._errand.account is not None or not isinstance(recipient, Observed):
            return station
        found = recipient.fact
        reply = found.mail if station.step is Step.MAIL else found.rcpt
        if reply is None or not reply.denies_strangers:
            return station
        return replace(station, state=StationState.SILENT, reason=Reason.NOT_DECLARED)


class _Stopped(Exception):
    """The way ends at the step just told. comes_back: a sender tries once more, in clear."""

    def __init__(self, *, comes_back: bool = False) -> None:
        super().__init__()
        self.comes_back = comes_back


def _observation(
    kind: type[F], subject: Subject, found: F | Silence, provenance: Provenance
) -> Observation[F]:
    if isinstance(found, Silence):
        return Unobserved(kind_of(kind), subject, found.reason, found.detail, provenance)
    return Observed(found, provenance)


async def _heard(asked: Awaitable[Reply]) -> Reply | Silence:
    try:
        return await asked
    except Unheard as unheard:
        return unheard.silence


def nothing_seen(path: Path, mx: MxSet, addresses: Observation[HostAddresses] | None) -> RelayFacts:
    """What is known of a way before anybody connects."""
    return RelayFacts(path, mx, addresses, *[None] * 6)


def station_at(step: Step, seen: RelayFacts) -> Station:
    """The station of a step, from what has been seen up to it.

    A refusal that is about this place leaves an audit undecided; here it is the answer.
    """
    station = next(s for s in relay_stations(seen) if s.step is step)
    if station.reason is Reason.DENIED:
        return replace(station, state=StationState.BROKEN)
    return station


def distrusted(station: Station, why: str) -> Station:
    """The station of a handshake that was completed with somebody who is not to be trusted."""
    detail = f"{station.detail}, but {why}"
    return replace(station, state=StationState.BROKEN, answered="not trusted", detail=detail)


def untrusted(chain: CertificateChain, name: str, at: datetime) -> str | None:
    """Why a chain does not prove that name at a moment (RFC 9525); None where it does."""
    if chain.verification is None or chain.leaf is None:
        return chain.malformed or "its certificate can't be read"
    if chain.verification.code:
        return f"its certificate is not trusted: {chain.verification.message}"
    if not chain.leaf.not_before <= at <= chain.leaf.not_after:
        return "its certificate is outside its dates"
    return None if matches(chain.leaf, name) else f"its certificate is not for {name}"


async def _dropped(task: asyncio.Task[T]) -> None:
    """Ends a task whose result nobody waits for any more."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def now() -> float:
    """The time of the running loop's clock."""
    return asyncio.get_running_loop().time()
