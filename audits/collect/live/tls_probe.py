"""What our own services accept in TLS: crafted hellos, one connection each, for open questions."""

import secrets
from collections.abc import Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.conversation import Conversation, Deadline, connected
from audits.collect.live.pace import Pace
from audits.collect.live.service import (
    IMPLICIT_TLS_PORT,
    NOT_OURS,
    RELAY_PORT,
    silence_of_address,
    silence_of_roles,
)
from audits.collect.live.tcp import Stream, Target, Unheard, target_of
from audits.errors import ParseError
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.smtp import Reply
from audits.facts.snapshot import Snapshot
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import (
    ClientHello,
    TlsAsk,
    TlsOffer,
    TlsOffers,
    TlsQuestions,
    Version,
)
from audits.parse.tls_flight import FlightReader
from audits.parse.tls_hello import RANDOM_OCTETS, encode_hello
from audits.parse.tls_inquiry import enumeration, next_hello
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

# A service that is as it should be needs four; what it accepts has to be asked around.
MAX_CONNECTIONS = 8
MAX_CONNECTIONS_DEEP = 250
# So many hellos in a row without an answer, and the server is left alone.
MAX_UNANSWERED = 2
MAX_HEARD_OCTETS = 160


class TlsProbe:
    """Offers our own services what the audits in force forbid or require, and hears the answer.

    Each hello takes a connection, which ends with the server's first flight. With `deep`
    everything that a service accepts is found out.
    """

    name: ClassVar[str] = "tls"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({TlsOffers})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({HostRoles, DeclaredHost, TlsHandshake})

    def __init__(
        self, origin: Origin, settings: Settings, pace: Pace, questions: TlsQuestions
    ) -> None:
        self.origin = origin
        self.settings = settings
        self.pace = pace
        self.questions = questions

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """What the service made of the hellos, or why it got none."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        found = await self._probe(subject, seen)
        return [observation(TlsOffers, subject, found, self.origin.live(self.name))]

    async def _probe(self, service: Service, seen: Snapshot) -> TlsOffers | Silence:
        roles = seen.fact(HostRoles, MailHost(service.host))
        if roles is None:
            return silence_of_roles(service)
        if not roles.in_inventory:
            return NOT_OURS
        if not service.address:
            return silence_of_address(service, seen)
        handshake = seen.get(TlsHandshake, service)
        if isinstance(handshake, Unobserved):
            return Silence(handshake.reason, handshake.detail)
        current = handshake.fact.version if isinstance(handshake, Observed) else None
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        target = target_of(service, declared, self.settings.redirect)
        ask = self.questions.mx if service.port == RELAY_PORT else self.questions.msa
        return await _Inquiry(self, service, target).run(ask, current)


class _Inquiry:
    """The hellos to one service."""

    def __init__(self, collector: TlsProbe, service: Service, target: Target) -> None:
        self._settings = collector.settings
        self._pace = collector.pace
        self._service = service
        self._target = target
        self._deadline = Deadline(self._settings.limits.host_s)
        self._deep = self._settings.probe.tls == "all"
        self._offers: list[TlsOffer] = []
        self._left = MAX_CONNECTIONS_DEEP if self._deep else MAX_CONNECTIONS

    async def run(self, ask: TlsAsk, current: str | None) -> TlsOffers:
        """All that is open, then once more what got no answer, and what that opens."""
        await self._ask_open(ask, current)
        for place, offer in enumerate(self._offers):
            if offer.outcome == "inconclusive" and self._left > 0 and not self._deadline.over:
                self._offers[place] = await self._send(offer.hello)
        await self._ask_open(ask, current)
        return TlsOffers(self._service, tuple(self._offers))

    async def _ask_open(self, ask: TlsAsk, current: str | None) -> None:
        while self._left > 0 and not self._deadline.over and not self._unanswered():
            hello = next_hello(ask, self._offers, current)
            if hello is None and self._deep:
                hello = enumeration(self._offers, current)
            if hello is None:
                return
            self._offers.append(await self._send(hello))

    def _unanswered(self) -> bool:
        """Whether the last hellos all came to nothing."""
        last = self._offers[-MAX_UNANSWERED:]
        return len(last) == MAX_UNANSWERED and all(o.outcome == "inconclusive" for o in last)

    async def _send(self, hello: ClientHello) -> TlsOffer:
        """One hello in a connection of its own."""
        self._left -= 1
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.attempt.silence is not None:
                return _inconclusive(hello, met.attempt.silence)
            if met.talk is None:
                words = f"{self._target} is open, but no talk came of it"
                return _inconclusive(hello, Silence(Reason.INTERNAL, words))
            try:
                stream = await self._until_tls(met.talk)
            except Unheard as unheard:
                await met.talk.quit()
                return _inconclusive(hello, unheard.silence)
            offer = await self._hear(hello, stream)
            met.talk.throttled |= _is_throttled(offer)
            return offer

    async def _until_tls(self, talk: Conversation) -> Stream:
        """Up to the point where TLS begins; raises Unheard."""
        if self._service.port == IMPLICIT_TLS_PORT:
            return talk.hand_over(implicit=True)
        _need(await talk.greeting(), 220, "the greeting")
        _need(await talk.ehlo(), 250, "the reply to EHLO")
        if not talk.offers("STARTTLS"):
            raise Unheard(Reason.DEFERRED, "STARTTLS was not offered this time")
        _need(await talk.ask("STARTTLS"), 220, "the reply to STARTTLS")
        return talk.hand_over()

    async def _hear(self, hello: ClientHello, stream: Stream) -> TlsOffer:
        """The server's answer to a hello, as far as it comes in time."""
        reader = FlightReader(ssl2=hello.highest is Version.SSL2)
        until = self._deadline.within(self._settings.limits.tls_s)
        heard = b""
        silence: Silence | None = None
        try:
            flight = encode_hello(hello, self._service.host, secrets.token_bytes(RANDOM_OCTETS))
            await stream.write(flight, until)
            while not reader.done:
                octets = await stream.read(until)
                if not octets:
                    words = "the server closed the connection instead of an answer"
                    raise Unheard(Reason.DISCONNECTED, words)
                heard = heard or octets[:MAX_HEARD_OCTETS]
                reader.feed(octets)
        except Unheard as unheard:
            silence = Silence(unheard.silence.reason, f"after a TLS hello: {unheard}")
        except ParseError as error:
            silence = _no_tls(heard, error)
        if reader.answer is not None:
            return TlsOffer(hello, "accepted", reader.answer, None, None)
        if reader.refusal is not None:
            return TlsOffer(hello, "refused", None, reader.refusal.alert, None)
        return _inconclusive(
            hello, silence or Silence(Reason.INTERNAL, "the answer was read to no end")
        )


def _need(reply: Reply, code: int, what: str) -> None:
    """Raises Unheard for another code: this time the service did not come to TLS."""
    if reply.code != code:
        reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
        raise Unheard(reason, f"{what} was {reply.text}")


def _inconclusive(hello: ClientHello, silence: Silence) -> TlsOffer:
    return TlsOffer(hello, "inconclusive", None, None, silence)


def _no_tls(heard: bytes, error: ParseError) -> Silence:
    """What came instead of TLS: a 421 in clear is a limit of the server's, all else is noise."""
    if heard.startswith(b"421"):
        line = heard.decode("ascii", "backslashreplace").splitlines()[0]
        return Silence(Reason.THROTTLED, line)
    return Silence(Reason.PROTOCOL, f"the answer to a TLS hello: {error}")


def _is_throttled(offer: TlsOffer) -> bool:
    return offer.silence is not None and offer.silence.reason is Reason.THROTTLED
