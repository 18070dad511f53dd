"""The stub resolver of a run: what a name has, asked once, with aliases followed."""

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Protocol

from dns.rdata import Rdata
from msgspec import Struct
from msgspec.structs import replace

from audits.collect.live.name_server import Key, Question
from audits.collect.live.resolv_conf import system_addresses
from audits.collect.live.traffic import Traffic
from audits.collect.live.upstream import Upstream
from audits.errors import ParseError
from audits.facts.dns import Answer
from audits.facts.dnssec import Signature
from audits.facts.fact import Reason, Silence
from audits.parse.dns_message import MAX_ALIASES, Response, ascii_name
from audits.settings import ResolverSettings

_MAX_CACHED = 100_000
# Linux' default receive buffer holds about 160 queries; a burst beyond it would be lost.
MAX_OUTSTANDING = 100
# When nobody has answered anything for so long, one question at a time goes on being asked.
GIVE_UP_S = 60.0


class Reply(Struct, frozen=True):
    """An answer to one question, aliases followed.

    alias_chain: targets of the CNAMEs on the way. rdatas: the records of the type asked for.
    signatures, zone: as in Response, where DNSSEC was asked for.
    """

    answer: Answer
    alias_chain: tuple[str, ...]
    rdatas: tuple[Rdata, ...]
    signatures: tuple[Signature, ...] = ()
    zone: str | None = None


class Front(Protocol):
    """What stands in front of the servers of a resolver, such as the zones under review.

    alone: there is nobody behind it, and nothing is ever sent.
    """

    alone: bool

    def answer(self, name: str, rdtype: str) -> Response | Silence | None:
        """The answer to one question; None where the servers are to be asked."""
        ...


class _Step(Struct, frozen=True):
    """The answer to one question as one server gave it. next_name: an alias to ask on for."""

    reply: Reply
    next_name: str | None


class Resolver:
    """Asks recursive resolvers: the same question once at a time, and once within its TTL.

    Not for use from several event loops. outstanding, give_up_s: as in Upstream. signed: types that
    are asked for with their signatures by everybody, so that nobody has to ask again for those.
    second: another resolver, where the settings name one; it answers for itself, and shares nothing
    with this one but the count of what was sent. front: what is asked before any server is; whether
    a zone that it answers for is secure, the servers say.

    Raises UsageError where no address is given and the system names none.
    """

    def __init__(
        self,
        settings: ResolverSettings,
        *,
        outstanding: int = MAX_OUTSTANDING,
        give_up_s: float = GIVE_UP_S,
        signed: Collection[str] = (),
        front: Front | None = None,
    ) -> None:
        alone = front is not None and front.alone
        addresses = () if alone else settings.addresses or system_addresses()
        self._front = front
        self.traffic = Traffic()
        self.second: Resolver | None = None
        if settings.second is not None and not alone:
            other = settings.second
            settings = replace(settings, second=None)
            at = replace(settings, addresses=other.addresses, port=other.port)
            self.second = Resolver(at, outstanding=outstanding, give_up_s=give_up_s, signed=signed)
            self.second.traffic = self.traffic
        self.settings = settings
        self.signed = frozenset(signed)
        self._upstream = Upstream(
            self, settings, addresses, outstanding=outstanding, give_up_s=give_up_s
        )
        self._cache: dict[Key, tuple[float, _Step | Silence]] = {}
        self._waiters: dict[Key, list[asyncio.Future[_Step | Silence]]] = {}

    def stand_in_front(self, front: Front) -> None:
        """From now on this is asked first; what servers said stays known."""
        self._front = front

    @property
    def servers(self) -> tuple[str, ...]:
        """`address:port` of each."""
        return tuple(map(str, self._upstream.servers))

    async def __aenter__(self) -> "Resolver":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the sockets; whoever still waits is told that the run was interrupted."""
        await self._upstream.aclose()
        if self.second is not None:
            await self.second.aclose()

    async def ask(
        self, name: str, rdtype: str, *, dnssec: bool = False, checking_disabled: bool = False
    ) -> Reply | Silence:
        """The records of a type at a name, aliases followed (RFC 1034 section 3.6.2).

        dnssec: with their signatures, which come along for the types in `signed` in any case.
        checking_disabled: even where they are bogus. A question with either is another one than
        without.
        """
        self.traffic.asked += 1
        try:
            key = (ascii_name(name), rdtype, dnssec or rdtype in self.signed, checking_disabled)
            step = await self._step(key)
            if isinstance(step, Silence) or step.next_name is None:
                return step if isinstance(step, Silence) else step.reply
            return await self._ask_on(key, step)
        except ParseError as error:
            return Silence(Reason.PROTOCOL, str(error))

    async def _ask_on(self, key: Key, step: _Step) -> Reply | Silence:
        """Follow aliases that the server left to us, up to MAX_ALIASES in all."""
        name, rdtype, dnssec, checking_disabled = key
        steps = [step]
        chain = list(step.reply.alias_chain)
        while (target := steps[-1].next_name) is not None:
            if len(chain) > MAX_ALIASES or target == name or target in chain[:-1]:
                return Silence(Reason.PROTOCOL, f"aliases of {name} do not end: {target}")
            further = await self._step((target, rdtype, dnssec, checking_disabled))
            if isinstance(further, Silence):
                return further
            steps.append(further)
            chain += further.reply.alias_chain
        answers = [step.reply.answer for step in steps]
        errors = (error for answer in answers for error in answer.extended_errors)
        answer = Answer(
            name=name,
            rcode=answers[-1].rcode,
            authenticated=all(answer.authenticated for answer in answers),
            extended_errors=tuple(dict.fromkeys(errors)),
            ttl_s=min(answer.ttl_s for answer in answers),
        )
        signatures = tuple(each for step in steps for each in step.reply.signatures)
        last = steps[-1].reply
        return Reply(answer, tuple(chain), last.rdatas, signatures, last.zone)

    async def _step(self, key: Key) -> _Step | Silence:
        if self._front is not None:
            told = self._front.answer(key[0], key[1])
            if told is not None:
                return told if isinstance(told, Silence) else await self._fronted(key, told)
        return await self._asked(key)

    async def _fronted(self, key: Key, told: Response) -> _Step:
        """What is in front is as secure as the zone is now: signing comes after the review."""
        secure = False
        if told.zone is not None and self._upstream.servers:
            apex = await self._asked((told.zone, "SOA", False, False))
            secure = isinstance(apex, _Step) and apex.reply.answer.authenticated
        return _step_of(key[0], replace(told, authenticated=secure))

    async def _asked(self, key: Key) -> _Step | Silence:
        loop = asyncio.get_running_loop()
        cached = self._cache.get(key)
        if cached is not None and cached[0] > loop.time():
            self.traffic.cached += 1
            return cached[1]
        if not self._upstream.opened:
            await self._upstream.open()
        # A future for each who asks: one that is cancelled does not take the others along.
        waiter: asyncio.Future[_Step | Silence] = loop.create_future()
        waiters = self._waiters.get(key)
        if waiters is not None:
            self.traffic.joined += 1
            waiters.append(waiter)
            return await waiter
        question = Question(key)
        self._waiters[key] = [waiter]
        self._upstream.ask(question)
        return await waiter

    def heard(self, key: Key, said: Response | Silence, ttl_s: float) -> None:
        """Keep what came of a question, and tell all who wait for it the same."""
        step = said if isinstance(said, Silence) else _step_of(key[0], said)
        if ttl_s > 0:
            self._cache.pop(key, None)
            self._cache[key] = (asyncio.get_running_loop().time() + ttl_s, step)
            if len(self._cache) > _MAX_CACHED:
                del self._cache[next(iter(self._cache))]
        for waiter in self._waiters.pop(key):
            if not waiter.done():
                waiter.set_result(step)


def _step_of(name: str, said: Response) -> _Step:
    answer = Answer(name, said.rcode, said.authenticated, said.extended_errors, said.ttl_s)
    reply = Reply(answer, said.alias_chain, said.rdatas, said.signatures, said.zone)
    return _Step(reply, said.alias_chain[-1] if said.ends_in_alias else None)
