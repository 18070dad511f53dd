"""What our own services accept in TLS: crafted hellos, one connection each, for open questions."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace

from audits.collect.collector import Origin
from audits.collect.live.budget import of_hellos, of_logins
from audits.collect.live.conversation import Conversation, Deadline, connected
from audits.collect.live.other_chain import other_key_type
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
from audits.facts.dane import TlsaSet
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
from audits.facts.relay import RelayControls
from audits.facts.smtp import Reply
from audits.facts.snapshot import Snapshot
from audits.facts.tls import CertificateChain, TlsHandshake
from audits.facts.tls_offer import (
    ClientHello,
    Renegotiations,
    TlsAsk,
    TlsOffer,
    TlsOffers,
    TlsQuestions,
    Version,
)
from audits.parse.tls_flight import FlightReader
from audits.parse.tls_hello import RANDOM_OCTETS, encode_hello
from audits.parse.tls_inquiry import (
    answers_for_key,
    enumeration,
    next_hellos,
    speaks_before_13,
)
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

MAX_CONNECTIONS_DEEP = 250
# So many hellos in a row without an answer, and the server is left alone. It costs nothing to be
# hung up on, and some servers refuse like that.
MAX_UNANSWERED = 2
MAX_HUNG_UP = 4
MAX_HEARD_OCTETS = 160
# However many a policy tolerates: each is work for the server.
MAX_RENEGOTIATIONS = 32

_NO_RENEGOTIATION = Silence(
    Reason.NOT_OFFERED, "TLS 1.3 alone is spoken, which has no renegotiation"
)


class TlsProbe:
    """Offers our own services what the audits in force forbid or require, and hears the answer.

    Each hello takes a connection, which ends with the server's first flight. With `deep`
    everything that a service accepts is found out. Where TLSA records promise something of every
    certificate, the hello with forbidden suites takes those of the other type of key along.

    How often a client may renegotiate takes a whole handshake, in the one connection that the
    hellos leave over at a service that is as it should be.
    """

    name: ClassVar[str] = "tls"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({TlsOffers, Renegotiations})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, TlsHandshake, CertificateChain, TlsaSet}
    )

    def __init__(
        self, origin: Origin, settings: Settings, pace: Pace, questions: TlsQuestions
    ) -> None:
        self.origin = origin
        self.settings = settings
        self.pace = pace
        self.questions = questions

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """What the service made of the hellos and of renegotiation, or why it was not asked."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        provenance = self.origin.live(self.name)
        ask = self.questions.mx if subject.port == RELAY_PORT else self.questions.msa
        ask = replace(ask, other_key=other_key_type(subject, seen))
        inquiry = self._inquiry(subject, ask, seen)
        if isinstance(inquiry, Silence):
            kinds = self.provides if ask.renegotiations else (TlsOffers,)
            return [observation(kind, subject, inquiry, provenance) for kind in kinds]
        observations = [observation(TlsOffers, subject, await inquiry.run(), provenance)]
        if ask.renegotiations:
            found = await inquiry.renegotiate()
            observations.append(observation(Renegotiations, subject, found, provenance))
        return observations

    def _inquiry(self, service: Service, ask: TlsAsk, seen: Snapshot) -> "_Inquiry | Silence":
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
        logins = of_logins(service, roles, declared)
        room = self._room(service, ask, seen, logins)
        return _Inquiry(self, service, target, ask, current, room)

    def _room(self, service: Service, ask: TlsAsk, seen: Snapshot, logins: int) -> int:
        """How many hellos there may be, where logins take so many connections."""
        if self.settings.probe.tls == "all":
            return MAX_CONNECTIONS_DEEP
        handshake = seen.fact(TlsHandshake, service)
        return of_hellos(
            service,
            self.pace.walked[service],
            tls=handshake is None or handshake.completed,
            logins=logins,
            controls=isinstance(seen.get(RelayControls, service), Unobserved),
            other_key=ask.other_key is not None,
        )


class _Inquiry:
    """The hellos to one service, `room` of them at most."""

    def __init__(
        self,
        collector: TlsProbe,
        service: Service,
        target: Target,
        ask: TlsAsk,
        current: str | None,
        room: int,
    ) -> None:
        self._settings = collector.settings
        self._pace = collector.pace
        self._service = service
        self._target = target
        self._ask = ask
        self._current = current
        self._deadline = Deadline(self._settings.limits.host_s)
        self._deep = self._settings.probe.tls == "all"
        self._offers: list[TlsOffer] = []
        self._left = self._room = room
        # Places of the offers that the server hung up on; whether that is its way of refusing.
        self._hung_up: list[int] = []
        self._closes = False

    async def run(self) -> TlsOffers:
        """All that is open, then once more what got no answer, and what that opens."""
        await self._ask_open()
        await self._ask_again()
        await self._ask_open()
        self._leave_open()
        if self._closes:
            for place in self._hung_up:
                self._offers[place] = replace(self._offers[place], outcome="closed")
        return TlsOffers(self._service, tuple(self._offers))

    async def renegotiate(self) -> Renegotiations | Silence:
        """How often a client may renegotiate, after all hellos."""
        speaks = speaks_before_13(self._offers, self._current)
        if speaks is None or self._unanswered():
            return TlsOffers(self._service, tuple(self._offers)).silence
        if not speaks:
            return _NO_RENEGOTIATION
        # The share of another certificate is free where the hellos have shown that there is none.
        shown = self._ask.other_key and answers_for_key(self._ask.other_key, self._offers)
        if self._left + bool(shown) <= 0:
            return Renegotiations(self._service, 0, 0, None)
        from audits.collect.live.renegotiation import count_renegotiations

        most = min(self._ask.renegotiations, MAX_RENEGOTIATIONS)
        self._left -= 1
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.talk is None:
                return met.attempt.silence or self._no_talk
            try:
                stream = await self._until_tls(met.talk)
            except Unheard as unheard:
                await met.talk.quit()
                return unheard.silence
            try:
                return await count_renegotiations(
                    met.talk, stream, self._service, most, self._until_shaken
                )
            except Unheard as unheard:
                met.talk.throttled |= unheard.silence.reason is Reason.THROTTLED
                return unheard.silence

    def _until_shaken(self) -> float:
        return self._deadline.within(self._settings.limits.tls_s)

    @property
    def _no_talk(self) -> Silence:
        return Silence(Reason.INTERNAL, f"{self._target} is open, but no talk came of it")

    async def _ask_again(self) -> None:
        """Once more what got no answer; of what the server hung up on, the first is enough."""
        again = [
            place
            for place, offer in enumerate(self._offers)
            if offer.outcome == "inconclusive" and place not in self._hung_up[1:]
        ]
        for place in again:
            if self._left > 0 and not self._deadline.over:
                offer, hung_up = await self._send(self._offers[place].hello)
                self._offers[place] = offer
                accepted = any(each.answer is not None for each in self._offers)
                if place in self._hung_up:
                    self._closes = hung_up and accepted
                    self._hung_up = self._hung_up if hung_up else self._hung_up[1:]

    async def _ask_open(self) -> None:
        while self._left > 0 and not self._deadline.over and not self._unanswered():
            # One by one until it is known that the service speaks TLS at all.
            answers = self._current is not None or any(
                offer.outcome != "inconclusive" for offer in self._offers
            )
            most = min(self._settings.limits.per_address, self._left) if answers else 1
            hellos = next_hellos(self._ask, self._offers, self._current, most)
            if not hellos and self._deep:
                further = enumeration(self._offers, self._current)
                hellos = (further,) if further is not None else ()
            if not hellos:
                return
            for offer, hung_up in await asyncio.gather(*map(self._send, hellos)):
                self._offers.append(offer)
                if hung_up:
                    self._hung_up.append(len(self._offers) - 1)

    def _leave_open(self) -> None:
        """Notes a question that there was no room for."""
        if self._left > 0 or self._unanswered():
            return
        for hello in next_hellos(self._ask, self._offers, self._current):
            words = f"not offered: {self._room} of the connections to a service are for TLS hellos"
            self._offers.append(_inconclusive(hello, Silence(Reason.INTERRUPTED, words)))

    def _unanswered(self) -> bool:
        """Whether the last hellos all came to nothing."""
        if self._closes:
            return False
        count = len(self._offers)
        last = self._offers[-MAX_UNANSWERED:]
        silent = len(last) == MAX_UNANSWERED and all(o.outcome == "inconclusive" for o in last)
        if not silent or not self._hung_up or self._hung_up[-1] != count - 1:
            return silent
        return self._hung_up[-MAX_HUNG_UP:] == list(range(count - MAX_HUNG_UP, count))

    async def _send(self, hello: ClientHello) -> tuple[TlsOffer, bool]:
        """One hello in a connection of its own, and whether the server just hung up on it."""
        self._left -= 1
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.attempt.silence is not None:
                return _inconclusive(hello, met.attempt.silence), False
            if met.talk is None:
                return _inconclusive(hello, self._no_talk), False
            try:
                stream = await self._until_tls(met.talk)
            except Unheard as unheard:
                await met.talk.quit()
                return _inconclusive(hello, unheard.silence), False
            offer, hung_up = await self._hear(hello, stream)
            met.talk.throttled |= _is_throttled(offer)
            return offer, hung_up

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

    async def _hear(self, hello: ClientHello, stream: Stream) -> tuple[TlsOffer, bool]:
        """The server's answer to a hello as far as it comes in time, and whether it hung up."""
        reader = FlightReader(ssl2=hello.highest is Version.SSL2)
        until = self._until_shaken()
        heard, hung_up = b"", False
        silence: Silence | None = None
        try:
            flight = encode_hello(hello, self._service.host, secrets.token_bytes(RANDOM_OCTETS))
            await stream.write(flight, until)
            while not reader.done:
                octets = await stream.read(until)
                if not octets:
                    hung_up = not heard
                    words = "the server closed the connection instead of an answer"
                    raise Unheard(Reason.DISCONNECTED, words)
                heard = heard or octets[:MAX_HEARD_OCTETS]
                reader.feed(octets)
        except Unheard as unheard:
            silence = Silence(unheard.silence.reason, f"after a TLS hello: {unheard}")
        except ParseError as error:
            silence = _no_tls(heard, error)
        if reader.answer is not None:
            return TlsOffer(hello, "accepted", reader.answer, None, None), False
        if reader.refusal is not None:
            return TlsOffer(hello, "refused", None, reader.refusal.alert, None), False
        silence = silence or Silence(Reason.INTERNAL, "the answer was read to no end")
        return _inconclusive(hello, silence), hung_up


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
