"""One visit of a trace to a server: the steps from TCP to QUIT, as a sending MTA takes them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar, TypeVar

from msgspec.structs import replace

from audits.collect.live.conversation import Conversation, Deadline, TlsFailed, connected
from audits.collect.live.service import mail_from, rcpt_to
from audits.collect.live.tcp import Attempt, Unheard, target_of
from audits.collect.live.tls import Handshake
from audits.collect.live.trace_errand import Errand, Surroundings, Tell
from audits.errors import UsageError
from audits.facts.dane import TlsaSet
from audits.facts.delivery import RelayFacts, Station, StationState, message_station, relay_stations
from audits.facts.dns import HostAddresses, MxSet
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
from audits.facts.tcp import PortState
from audits.facts.tls import CertificateChain, TlsHandshake
from audits.facts.trace import TraceStep
from audits.parse.mta_sts import covers
from audits.parse.tlsa import match, usable
from audits.parse.x509 import matches
from audits.subject import Path, Subject

_COLLECTOR = "trace"
_NO_EHLO = (500, 502)
_GO_AHEAD = 354

F = TypeVar("F", bound=Fact)


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
            except Stopped as stopped:
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
        self, talk: Conversation, demands: asyncio.Task[tuple[Fact, ...]], *, implicit: bool = False
    ) -> None:
        try:
            handshake = await talk.enter_tls(self._service.host, implicit=implicit)
        except TlsFailed as failed:
            found = failed.handshake.fact(self._service) if failed.handshake else failed.silence
            asked = await demands
            needed = self.NEEDS_TLS or bool(asked)
            failure = self._seen_as(TlsHandshake, found)
            self._saw(Step.TLS, asked, needed=needed, handshake=failure)
            raise Stopped(comes_back=not talk.throttled) from failed
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
        """Tells a step by what was found at it; raises Stopped where the way ends there.

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
            raise Stopped

    def _say(self, station: Station, beside: tuple[Fact, ...] = ()) -> None:
        took = station.elapsed_s
        unasked = station.state is StationState.NOT_SENT or station.reason is Reason.NOT_OFFERED
        if took is None and not unasked:
            took = round(now() - self._since, 4)
        self._since = now()
        at, service = self._around.origin.clock(), self._service
        self._tell(
            TraceStep(
                self._number, service.host, service.address, service.port, station, took, at, beside
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


class Stopped(Exception):
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


def now() -> float:
    """The time of the running loop's clock."""
    return asyncio.get_running_loop().time()
