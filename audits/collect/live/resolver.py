"""The stub resolver of a run: one multiplexed UDP socket for each recursive resolver."""

import asyncio
import secrets
import socket
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Protocol

from dns.rdata import Rdata
from msgspec import Struct
from msgspec.structs import replace

from audits.collect.collector import Origin
from audits.errors import ParseError, UsageError
from audits.facts.dns import Answer, ResolverReport
from audits.facts.dnssec import Signature
from audits.facts.fact import Observed, Reason, Silence
from audits.parse.dns_message import (
    MAX_ALIASES,
    Response,
    answers_question,
    ascii_name,
    is_truncated,
    query_message,
    question_section,
    response,
)
from audits.settings import ResolverSettings
from audits.subject import Vantage

RESOLV_CONF = Path("/etc/resolv.conf")

# RFC 9520 section 3.2: a failure is cached too, for five minutes at most.
FAILURE_TTL_S = 30.0
_MAX_CACHED = 100_000
# Linux' default receive buffer holds about 160 queries; a burst beyond it would be lost.
MAX_OUTSTANDING = 100
_RECEIVE_BUFFER_BYTES = 1 << 20
# When nobody has answered anything for so long, one question at a time goes on being asked.
GIVE_UP_S = 60.0
# A timer that is later than this says that this process was slow; servers are given as much more.
LATE_S = 0.1
_ANSWERS = ("NOERROR", "NXDOMAIN")

# Name, type, and whether DO and CD are set.
Key = tuple[str, str, bool, bool]


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


@dataclass(slots=True)
class Traffic:
    """What a resolver has done so far. by_type: queries sent for each record type.

    joined: questions that waited for the same one under way. strays: datagrams that fit no query.
    """

    asked: int = 0
    queries: int = 0
    over_tcp: int = 0
    timeouts: int = 0
    cached: int = 0
    joined: int = 0
    strays: int = 0
    by_type: Counter[str] = field(default_factory=Counter)


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


class _Question:
    """One question under way: who waits for it, where it was sent, where it may still go."""

    __slots__ = ("attempt", "key", "left", "section", "sent", "server", "silence", "waiters")

    def __init__(self, key: Key, section: bytes, left: "list[_Server]") -> None:
        self.key = key
        self.section = section
        self.left = left
        self.attempt = 0
        self.server: _Server | None = None
        self.sent: list[tuple[_Server, int]] = []
        self.silence: Silence | None = None
        self.waiters: list[asyncio.Future[_Step | Silence]] = []

    def keep(self, silence: Silence) -> None:
        """Remember why a server gave no answer, unless one has said more by answering."""
        self.silence = self.silence or silence

    def forget(self) -> None:
        """Take no more datagrams for it."""
        for server, number in self.sent:
            server.pending.pop(number, None)
        self.sent.clear()


class _Server(asyncio.DatagramProtocol):
    """One recursive resolver and the connected UDP socket to it; the kernel checks the source."""

    def __init__(self, resolver: "Resolver", address: str, port: int) -> None:
        self.address, self.port = address, port
        self.pending: dict[int, _Question] = {}
        self.failures = 0
        self.trouble: str | None = None
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None

    def __str__(self) -> str:
        return (
            f"[{self.address}]:{self.port}"
            if ":" in self.address
            else (f"{self.address}:{self.port}")
        )

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, remote_addr=(self.address, self.port)
            )
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._transport = transport

    def send(self, question: _Question) -> bool:
        """Send under a fresh id; False where there is no socket to send by."""
        if self._transport is None:
            return False
        number = secrets.randbits(16)
        while number in self.pending:
            number = secrets.randbits(16)
        self.pending[number] = question
        question.sent.append((self, number))
        self._transport.sendto(_message(number, question))
        return True

    def datagram_received(self, data: bytes, addr: object) -> None:
        question = self.pending.get(int.from_bytes(data[:2], "big"))
        if question is None or not answers_question(data, question.section):
            self._resolver.traffic.strays += 1
        else:
            self._resolver.received(question, self, data)

    def error_received(self, exc: Exception) -> None:
        # The loop may call this from inside `send`: deal with it later, and once.
        if self.trouble is None:
            self.trouble = getattr(exc, "strerror", None) or str(exc)
            asyncio.get_running_loop().call_soon(self._give_way)

    def _give_way(self) -> None:
        detail, self.trouble = self.trouble or "", None
        for question in list(self.pending.values()):
            if question.server is self:
                self._resolver.unreachable(question, self, detail)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class Resolver:
    """Asks recursive resolvers: the same question once at a time, and once within its TTL.

    A question goes to one address after another, `tries` rounds of them, `timeout_s` each; an
    address that fell silent goes last. At most `outstanding` questions are on their way at once,
    and only one, for all the others to be told so, while nothing was answered for `give_up_s`.
    Not for use from several event loops. signed: types that are asked for with their signatures by
    everybody, so that nobody has to ask again for those. second: another resolver, where the
    settings name one; it answers for itself, and shares nothing with this one but the count of
    what was sent. front: what is asked before any server is; whether a zone that it answers for is
    secure, the servers say.

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
        addresses = () if alone else settings.addresses or _system_addresses()
        self._front = front
        self.traffic = Traffic()
        self.second: Resolver | None = None
        if settings.second is not None and not alone:
            other = settings.second
            settings = replace(settings, second=None)
            at = replace(settings, addresses=other.addresses, port=other.port)
            self.second = Resolver(at, outstanding=outstanding, give_up_s=give_up_s, signed=signed)
            self.second.traffic = self.traffic
        self._settings = settings
        self.signed = frozenset(signed)
        self._servers = [_Server(self, address, settings.port) for address in addresses]
        self._outstanding = outstanding
        self._give_up_s = give_up_s
        self._silent_since: float | None = None
        self._opening: asyncio.Lock | None = None
        self._opened = False
        self._cache: dict[Key, tuple[float, _Step | Silence]] = {}
        self._under_way: dict[Key, _Question] = {}
        self._started = 0
        self._waiting: deque[_Question] = deque()
        self._deadlines: deque[tuple[float, _Question, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def stand_in_front(self, front: Front) -> None:
        """From now on this is asked first; what servers said stays known."""
        self._front = front

    @property
    def servers(self) -> tuple[str, ...]:
        """`address:port` of each."""
        return tuple(map(str, self._servers))

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
        self._waiting.clear()
        for server in self._servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for question in list(self._under_way.values()):
            self._finish(question, Silence(Reason.INTERRUPTED, "the resolver was closed"), 0)
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

    async def preflight(self, origin: Origin) -> Observed[ResolverReport]:
        """Whether the resolver answers, and whether it validates (RFC 4035 section 3.2.3).

        What the second one is worth stands at the end of the finding.
        """
        bogus_name = self._settings.bogus_name
        questions = [(self._settings.signed_name, "SOA")]
        questions += [(bogus_name, "A")] if bogus_name else []
        signed, *others = await asyncio.gather(*(self.ask(*each) for each in questions))
        bogus = others[0] if others else None
        finding = _finding(self._settings, signed, bogus)
        if self.second is not None:
            other = (await self.second.preflight(origin)).fact
            finding += f"; the second one, {', '.join(other.servers)}: {other.finding}"
        report = ResolverReport(
            subject=Vantage(origin.vantage),
            servers=self.servers,
            signed=signed.answer if isinstance(signed, Reply) else None,
            bogus=bogus.answer if isinstance(bogus, Reply) else None,
            finding=finding,
        )
        return Observed(report, origin.live("resolver"))

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
        if told.zone is not None and self._servers:
            apex = await self._asked((told.zone, "SOA", False, False))
            secure = isinstance(apex, _Step) and apex.reply.answer.authenticated
        return _step_of(key[0], replace(told, authenticated=secure))

    async def _asked(self, key: Key) -> _Step | Silence:
        loop = asyncio.get_running_loop()
        cached = self._cache.get(key)
        if cached is not None and cached[0] > loop.time():
            self.traffic.cached += 1
            return cached[1]
        if not self._opened:
            await self._open()
        # A future for each who asks: one that is cancelled does not take the others along.
        waiter: asyncio.Future[_Step | Silence] = loop.create_future()
        question = self._under_way.get(key)
        if question is not None:
            self.traffic.joined += 1
            question.waiters.append(waiter)
            return await waiter
        question = _Question(key, question_section(key[0], key[1]), self._itinerary())
        question.waiters.append(waiter)
        self._under_way[key] = question
        self._waiting.append(question)
        self._start_waiting()
        return await waiter

    async def _open(self) -> None:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if not self._opened:
                await asyncio.gather(*(server.open() for server in self._servers))
                self._opened = True

    def _itinerary(self) -> list[_Server]:
        """Where a question goes, last stop first: silent servers stand behind the others."""
        order = sorted(self._servers, key=lambda server: server.failures)
        return (order * self._settings.tries)[::-1]

    def _start_waiting(self) -> None:
        while self._waiting and self._started < self._outstanding:
            question = self._waiting.popleft()
            if self._started and self._given_up:
                self._tell(question, self._not_asked(question))
            else:
                self._started += 1
                self._next(question)

    @property
    def _given_up(self) -> bool:
        since = self._silent_since
        return since is not None and asyncio.get_running_loop().time() - since >= self._give_up_s

    def _not_asked(self, question: _Question) -> Silence:
        servers, what = ", ".join(self.servers), _words(question.key)
        words = f"not asked for {what}: {servers} answered nothing for {self._give_up_s:g} s"
        return Silence(Reason.DNS_TIMEOUT, words)

    def _next(self, question: _Question) -> None:
        """Send the question to the next stop of its itinerary, or give it up."""
        if self._under_way.get(question.key) is not question:
            return
        question.attempt += 1
        while question.left:
            server = question.server = question.left.pop()
            if server.send(question):
                self.traffic.queries += 1
                self.traffic.by_type[question.key[1]] += 1
                self._set_deadline(question)
                return
            question.keep(Silence(Reason.DNS_REFUSED, f"{server}: {server.trouble}"))
        self._finish(question, question.silence or self._timeout(question), FAILURE_TTL_S)

    def _timeout(self, question: _Question) -> Silence:
        servers = ", ".join(self.servers)
        patience = f"{self._settings.timeout_s:g} s, {self._settings.tries} tries"
        what = _words(question.key)
        return Silence(Reason.DNS_TIMEOUT, f"no answer from {servers} to {what} ({patience})")

    def _set_deadline(self, question: _Question) -> None:
        """All patience is equal, so that deadlines queue in order and one timer serves them."""
        loop = asyncio.get_running_loop()
        when = loop.time() + self._settings.timeout_s
        self._deadlines.append((when, question, question.attempt))
        if self._timer is None:
            self._wake_at(when)

    def _wake_at(self, when: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(when, self._expire, when)

    def _expire(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - due > LATE_S:  # this process was busy: answers may lie there unread
            self._wake_at(loop.time() + LATE_S)
            return
        self._timer = None
        while self._deadlines:
            when, question, attempt = self._deadlines[0]
            under_way = self._under_way.get(question.key) is question
            if under_way and question.attempt == attempt and when > loop.time():
                self._wake_at(when)
                return
            self._deadlines.popleft()
            if under_way and question.attempt == attempt and question.server is not None:
                self.traffic.timeouts += 1
                question.server.failures += 1
                self._silent_since = self._silent_since or loop.time() - self._settings.timeout_s
                self._next(question)

    def received(self, question: _Question, server: _Server, wire: bytes) -> None:
        """A datagram that answers `question` has arrived from `server`."""
        server.failures = 0
        self._silent_since = None
        if not is_truncated(wire):
            self._conclude(question, server, wire)
            return
        question.attempt += 1  # the deadline of the datagram no longer counts
        question.forget()
        task = asyncio.get_running_loop().create_task(self._over_tcp(question, server))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def unreachable(self, question: _Question, server: _Server, detail: str) -> None:
        """The system says that nobody takes datagrams at `server`."""
        server.failures += 1
        question.keep(Silence(Reason.DNS_REFUSED, f"{server}: {detail}"))
        self._next(question)

    def _conclude(self, question: _Question, server: _Server, wire: bytes) -> None:
        name, rdtype, dnssec, _ = question.key
        try:
            said = response(wire, rdtype, dnssec=dnssec)
        except ParseError as error:
            self._fail(question, server, Silence(Reason.PROTOCOL, f"{server}: {error}"))
            return
        if said.rcode not in _ANSWERS:
            reason = Reason.SERVFAIL if said.rcode == "SERVFAIL" else Reason.DNS_REFUSED
            why = f" ({'; '.join(said.extended_errors)})" if said.extended_errors else ""
            detail = f"{said.rcode} from {server} to {_words(question.key)}{why}"
            self._fail(question, server, Silence(reason, detail))
            return
        self._finish(question, _step_of(name, said), said.ttl_s)

    def _fail(self, question: _Question, server: _Server, silence: Silence) -> None:
        """A server that answered, but not with data, is not asked again; another one may know."""
        question.silence = silence
        question.left = [other for other in question.left if other is not server]
        if question.server is server:  # else it is late, and another one is being asked
            self._next(question)

    async def _over_tcp(self, question: _Question, server: _Server) -> None:
        self.traffic.over_tcp += 1
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                wire = await _exchange_over_tcp(server, question)
        except (OSError, EOFError, ParseError) as error:
            # TimeoutError is an OSError without words.
            why = str(error) or f"no answer within {self._settings.timeout_s:g} s"
            what = _words(question.key)
            detail = f"{server}: answer to {what} is truncated, and over TCP: {why}"
            self._fail(question, server, Silence(Reason.DNS_TIMEOUT, detail))
        else:
            self._conclude(question, server, wire)

    def _finish(self, question: _Question, step: _Step | Silence, ttl_s: float) -> None:
        if question.key not in self._under_way:
            return
        if ttl_s > 0:
            self._cache.pop(question.key, None)
            self._cache[question.key] = (asyncio.get_running_loop().time() + ttl_s, step)
            if len(self._cache) > _MAX_CACHED:
                del self._cache[next(iter(self._cache))]
        self._tell(question, step)
        self._started -= 1
        self._start_waiting()

    def _tell(self, question: _Question, step: _Step | Silence) -> None:
        """Ends a question with the same word for all who wait for it."""
        del self._under_way[question.key]
        question.forget()
        for waiter in question.waiters:
            if not waiter.done():
                waiter.set_result(step)
        question.waiters.clear()


def _step_of(name: str, said: Response) -> _Step:
    answer = Answer(name, said.rcode, said.authenticated, said.extended_errors, said.ttl_s)
    reply = Reply(answer, said.alias_chain, said.rdatas, said.signatures, said.zone)
    return _Step(reply, said.alias_chain[-1] if said.ends_in_alias else None)


def _message(number: int, question: _Question) -> bytes:
    _, _, dnssec, checking_disabled = question.key
    return query_message(
        number, question.section, dnssec=dnssec, checking_disabled=checking_disabled
    )


async def _exchange_over_tcp(server: _Server, question: _Question) -> bytes:
    """One query over a connection of its own (RFC 7766)."""
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        number = secrets.randbits(16)
        message = _message(number, question)
        writer.write(len(message).to_bytes(2, "big") + message)
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = await reader.readexactly(length)
    finally:
        writer.close()
    if wire[:2] != number.to_bytes(2, "big") or not answers_question(wire, question.section):
        raise ParseError("the message does not answer the question")
    return wire


def _words(key: Key) -> str:
    return f"{key[1]} {key[0]}"


def _finding(
    settings: ResolverSettings, signed: Reply | Silence, bogus: Reply | Silence | None
) -> str:
    """One clause on what the pre-flight met."""
    if isinstance(signed, Silence):
        return signed.detail
    declared = " although it is declared to" if settings.validating else ""
    name = "the root" if settings.signed_name == "." else settings.signed_name
    if not signed.answer.authenticated:
        return f"does not validate{declared}: its answer for {name} came without AD"
    if isinstance(bogus, Reply):
        return f"does not validate{declared}: answers for {settings.bogus_name}, which is bogus"
    if isinstance(bogus, Silence) and bogus.reason is not Reason.SERVFAIL:
        return f"validates {name}; the bogus name is not decided: {bogus.detail}"
    also = f" and refuses {settings.bogus_name}" if bogus is not None else ""
    return f"validates {name}{also}"


def nameservers(resolv_conf: str) -> tuple[str, ...]:
    """The addresses on the `nameserver` lines of a resolv.conf(5), in order."""
    addresses = []
    for line in resolv_conf.splitlines():
        match line.split():
            case ["nameserver", address, *_] if _is_address(address):
                addresses.append(address)
    return tuple(addresses)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _system_addresses() -> tuple[str, ...]:
    try:
        text = RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{RESOLV_CONF}: {error.strerror}; name a resolver under `resolver: addresses:`"
        ) from error
    addresses = nameservers(text)
    if not addresses:
        raise UsageError(
            f"{RESOLV_CONF}: found no nameserver; name a resolver under `resolver: addresses:`"
        )
    return addresses
