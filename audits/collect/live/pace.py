"""How often and how many at once: the budget of connections to each address."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from audits.settings import LimitSettings
from audits.subject import Service

BACKOFF_FACTOR = 4
MAX_BACKOFF_S = 60.0

# Ends a connection; done once its server has let go of it, or at that time of the loop.
Leave = Callable[[float], Awaitable[None]]


@dataclass
class Slot:
    """Permission to hold one connection. Its holder says how that ended; good is assumed.

    leave: given of one that its server may count as an abort.
    """

    leave: Leave | None = None
    throttled: bool = False


@dataclass
class _Address:
    """State of one address. not_before: of the pace's clock; backoff_s: 0 while all is well.

    active: places taken, those of connections that are being left included.
    """

    active: int = 0
    not_before: float = 0.0
    backoff_s: float = 0.0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None


class Pace:
    """Slots for connections, per address dialled, first come first served.

    At most `limits.per_address` at once. One that ends in the middle keeps its place until the
    server has let go of it, `limits.gap_s` at most: some keep a process for it a while, and never
    more than so many are to be busy with us. Nobody waits for that but who comes next. After a 421
    nobody comes near the address for a pause that grows fourfold each time, up to MAX_BACKOFF_S; a
    conversation that ends well resets it.
    Belongs to one event loop. dialled: how many connections were tried so far, by port; walked: how
    many of them for the usual conversation with a service.
    """

    def __init__(self, limits: LimitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.dialled: Counter[int] = Counter()
        self.walked: Counter[Service] = Counter()
        self._limits = limits
        self._clock = clock
        self._addresses: dict[str, _Address] = {}
        self._leaving: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of them

    @asynccontextmanager
    async def slot(self, address: str) -> AsyncIterator[Slot]:
        """Waits for its turn, then holds a place until the block is left."""
        state = self._addresses.setdefault(address, _Address())
        await self._turn(state)
        slot = Slot()
        try:
            yield slot
        finally:
            self._release(address, state, slot)

    async def _turn(self, state: _Address) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiting.append(turn)
        self._admit(state)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted and cancelled in one breath
                state.active -= 1
                self._admit(state)
            raise

    def _admit(self, state: _Address) -> None:
        """Lets in whoever may begin now, and sets a timer for the next if only time is missing."""
        while state.waiting and state.active < self._limits.per_address:
            if state.waiting[0].done():  # cancelled while it waited
                state.waiting.popleft()
                continue
            pause = state.not_before - self._clock()
            if pause > 0:
                self._wake_later(state, pause)
                return
            state.active += 1
            state.waiting.popleft().set_result(None)

    def _wake_later(self, state: _Address, pause: float) -> None:
        if state.timer is not None:
            state.timer.cancel()
        loop = asyncio.get_running_loop()
        state.timer = loop.call_later(pause, self._admit, state)

    def _release(self, address: str, state: _Address, slot: Slot) -> None:
        if slot.throttled:
            grown = max(state.backoff_s, self._limits.gap_s) * BACKOFF_FACTOR
            state.backoff_s = min(grown, MAX_BACKOFF_S)
        elif slot.leave is None:
            state.backoff_s = 0.0
        state.not_before = max(state.not_before, self._clock() + state.backoff_s)
        if slot.leave is None:
            self._vacate(address, state)
        else:
            leaving = asyncio.create_task(self._leave(address, state, slot.leave))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, address: str, state: _Address, leave: Leave) -> None:
        try:
            await leave(asyncio.get_running_loop().time() + self._limits.gap_s)
        finally:
            self._vacate(address, state)

    def _vacate(self, address: str, state: _Address) -> None:
        state.active -= 1
        self._admit(state)
        idle = not state.active and not state.waiting and state.not_before <= self._clock()
        if idle and self._addresses.get(address) is state:
            del self._addresses[address]
