"""The recursive resolvers of a run, and how a question makes its way from one to the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from audits.collect.live.name_server import Key, NameServer, Question
from audits.collect.live.traffic import Traffic
from audits.errors import ParseError
from audits.facts.fact import Reason, Silence
from audits.parse.dns_message import Response, is_truncated, response
from audits.settings import ResolverSettings

# RFC 9520 section 3.2: a failure is cached too, for five minutes at most.
FAILURE_TTL_S = 30.0
# A timer that is later than this says that this process was slow; servers are given as much more.
LATE_S = 0.1
_ANSWERS = ("NOERROR", "NXDOMAIN")


class Asker(Protocol):
    """Who has questions for the servers. traffic: where it is counted what they cost."""

    traffic: Traffic

    def heard(self, key: Key, said: Response | Silence, ttl_s: float) -> None:
        """What came of a question, and for how long that holds."""


class Upstream:
    """Takes questions to the servers behind a resolver, which hands on each once at a time.

    A question goes to one address after another, `tries` rounds of them, `timeout_s` each; an
    address that fell silent goes last. At most `outstanding` questions are on their way at once,
    and only one, for all the others to be told so, while nothing was answered for `give_up_s`.
    opened: whether there are sockets; before that, nothing can be asked.
    """

    def __init__(
        self,
        asker: Asker,
        settings: ResolverSettings,
        addresses: Sequence[str],
        *,
        outstanding: int,
        give_up_s: float,
    ) -> None:
        self.servers = tuple(NameServer(self, address, settings.port) for address in addresses)
        self.opened = False
        self._asker = asker
        self._settings = settings
        self._outstanding = outstanding
        self._give_up_s = give_up_s
        self._silent_since: float | None = None
        self._opening: asyncio.Lock | None = None
        self._under_way: dict[Key, Question] = {}
        self._started = 0
        self._waiting: deque[Question] = deque()
        self._deadlines: deque[tuple[float, Question, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the sockets, once for all who come meanwhile."""
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if not self.opened:
                await asyncio.gather(*(server.open() for server in self.servers))
                self.opened = True

    async def aclose(self) -> None:
        """Close the sockets; what is still under way ends with the word that it was interrupted."""
        self._waiting.clear()
        for server in self.servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for question in list(self._under_way.values()):
            self._finish(question, Silence(Reason.INTERRUPTED, "the resolver was closed"), 0)

    def ask(self, question: Question) -> None:
        """Take on a question; the asker hears what came of it, maybe before this returns."""
        question.left = self._itinerary()
        self._under_way[question.key] = question
        self._waiting.append(question)
        self._start_waiting()

    def _itinerary(self) -> list[NameServer]:
        """Where a question goes, last stop first: silent servers stand behind the others."""
        order = sorted(self.servers, key=lambda server: server.failures)
        return (order * self._settings.tries)[::-1]

    def _start_waiting(self) -> None:
        while self._waiting and self._started < self._outstanding:
            question = self._waiting.popleft()
            if self._started and self._given_up:
                self._end(question, self._not_asked(question), 0)
            else:
                self._started += 1
                self._next(question)

    @property
    def _given_up(self) -> bool:
        since = self._silent_since
        return since is not None and asyncio.get_running_loop().time() - since >= self._give_up_s

    def _not_asked(self, question: Question) -> Silence:
        words = (
            f"not asked for {question}: {self._names} answered nothing for {self._give_up_s:g} s"
        )
        return Silence(Reason.DNS_TIMEOUT, words)

    def _next(self, question: Question) -> None:
        """Send the question to the next stop of its itinerary, or give it up."""
        if self._under_way.get(question.key) is not question:
            return
        question.attempt += 1
        while question.left:
            server = question.server = question.left.pop()
            if server.send(question):
                self._asker.traffic.queries += 1
                self._asker.traffic.by_type[question.key[1]] += 1
                self._set_deadline(question)
                return
            question.keep(Silence(Reason.DNS_REFUSED, f"{server}: {server.trouble}"))
        self._finish(question, question.silence or self._timeout(question), FAILURE_TTL_S)

    def _timeout(self, question: Question) -> Silence:
        patience = f"{self._settings.timeout_s:g} s, {self._settings.tries} tries"
        words = f"no answer from {self._names} to {question} ({patience})"
        return Silence(Reason.DNS_TIMEOUT, words)

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self.servers))

    def _set_deadline(self, question: Question) -> None:
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
                self._asker.traffic.timeouts += 1
                question.server.failures += 1
                self._silent_since = self._silent_since or loop.time() - self._settings.timeout_s
                self._next(question)

    def received(self, question: Question, server: NameServer, wire: bytes) -> None:
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

    def unreachable(self, question: Question, server: NameServer, detail: str) -> None:
        """The system says that nobody takes datagrams at `server`."""
        server.failures += 1
        question.keep(Silence(Reason.DNS_REFUSED, f"{server}: {detail}"))
        self._next(question)

    def stray(self) -> None:
        """A datagram has arrived that fits no query."""
        self._asker.traffic.strays += 1

    def _conclude(self, question: Question, server: NameServer, wire: bytes) -> None:
        _, rdtype, dnssec, _ = question.key
        try:
            said = response(wire, rdtype, dnssec=dnssec)
        except ParseError as error:
            self._fail(question, server, Silence(Reason.PROTOCOL, f"{server}: {error}"))
            return
        if said.rcode not in _ANSWERS:
            reason = Reason.SERVFAIL if said.rcode == "SERVFAIL" else Reason.DNS_REFUSED
            why = f" ({'; '.join(said.extended_errors)})" if said.extended_errors else ""
            detail = f"{said.rcode} from {server} to {question}{why}"
            self._fail(question, server, Silence(reason, detail))
            return
        self._finish(question, said, said.ttl_s)

    def _fail(self, question: Question, server: NameServer, silence: Silence) -> None:
        """A server that answered, but not with data, is not asked again; another one may know."""
        question.silence = silence
        question.left = [other for other in question.left if other is not server]
        if question.server is server:  # else it is late, and another one is being asked
            self._next(question)

    async def _over_tcp(self, question: Question, server: NameServer) -> None:
        self._asker.traffic.over_tcp += 1
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                wire = await server.over_tcp(question)
        except (OSError, EOFError, ParseError) as error:
            # TimeoutError is an OSError without words.
            why = str(error) or f"no answer within {self._settings.timeout_s:g} s"
            detail = f"{server}: answer to {question} is truncated, and over TCP: {why}"
            self._fail(question, server, Silence(Reason.DNS_TIMEOUT, detail))
        else:
            self._conclude(question, server, wire)

    def _finish(self, question: Question, said: Response | Silence, ttl_s: float) -> None:
        if question.key not in self._under_way:
            return
        self._end(question, said, ttl_s)
        self._started -= 1
        self._start_waiting()

    def _end(self, question: Question, said: Response | Silence, ttl_s: float) -> None:
        del self._under_way[question.key]
        question.forget()
        self._asker.heard(question.key, said, ttl_s)
