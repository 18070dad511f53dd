import asyncio
import time

import pytest

from audits.collect.live.pace import MAX_BACKOFF_S, Leave, Pace
from audits.settings import LimitSettings

ADDRESS = "192.0.2.1"


def pace(gap_s: float = 0.05, per_address: int = 2) -> Pace:
    return Pace(LimitSettings(gap_s=gap_s, per_address=per_address))


def test_no_more_than_the_limit_hold_a_slot_of_one_address() -> None:
    most = now = 0

    async def hold(budget: Pace) -> None:
        nonlocal most, now
        async with budget.slot(ADDRESS):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.002)
            now -= 1

    async def run() -> None:
        budget = pace()
        await asyncio.gather(*(hold(budget) for _ in range(9)))

    asyncio.run(run())
    assert most == 2


def test_addresses_do_not_wait_for_each_other() -> None:
    async def run() -> None:
        budget = pace(per_address=1)
        async with budget.slot("192.0.2.1"), budget.slot("192.0.2.2"), budget.slot("2001:db8::1"):
            pass

    asyncio.run(asyncio.wait_for(run(), 1))


def test_turns_come_in_the_order_of_asking() -> None:
    order: list[int] = []

    async def hold(budget: Pace, number: int) -> None:
        async with budget.slot(ADDRESS):
            order.append(number)
            await asyncio.sleep(0)

    async def run() -> None:
        budget = pace(per_address=1)
        await asyncio.gather(*(hold(budget, number) for number in range(6)))

    asyncio.run(run())
    assert order == list(range(6))


async def stays(until: float) -> None:
    """A server that does not let go."""
    await asyncio.sleep(until - asyncio.get_running_loop().time())


async def lets_go(until: float) -> None:
    """A server that lets go at once."""


def waits_after(
    leave: Leave | None = None,
    *,
    throttled: bool = False,
    times: int = 1,
    gap_s: float = 0.05,
    per_address: int = 1,
) -> float:
    """How long the next slot takes after that many connections that ended so."""

    async def run() -> float:
        budget = pace(gap_s, per_address)
        begun = time.monotonic()
        for _ in range(times):
            async with budget.slot(ADDRESS) as slot:
                begun = time.monotonic()
                slot.leave, slot.throttled = leave, throttled
        async with budget.slot(ADDRESS):
            return time.monotonic() - begun

    return asyncio.run(run())


def test_after_a_good_connection_the_next_begins_at_once() -> None:
    assert waits_after() < 0.04


def test_place_of_a_connection_that_is_left_stays_taken_for_the_gap() -> None:
    assert 0.05 <= waits_after(stays) < 0.15


def test_place_is_free_as_soon_as_the_server_has_let_go() -> None:
    assert waits_after(lets_go, gap_s=5.0) < 1


def test_other_places_are_free_meanwhile() -> None:
    assert waits_after(stays, per_address=2) < 0.04


def test_no_more_than_all_places_are_being_left_at_once() -> None:
    assert 0.05 <= waits_after(stays, times=2, per_address=2) < 0.15


def test_holder_does_not_wait_until_the_server_lets_go() -> None:
    async def run() -> None:
        async with pace(gap_s=5.0).slot(ADDRESS) as slot:
            slot.leave = stays

    asyncio.run(asyncio.wait_for(run(), 1))


def test_after_421_no_place_is_free() -> None:
    assert 0.04 <= waits_after(stays, throttled=True, gap_s=0.01, per_address=2) < 0.12


def test_after_each_421_the_pause_grows_fourfold() -> None:
    assert 0.04 <= waits_after(throttled=True, gap_s=0.01) < 0.12
    assert 0.16 <= waits_after(throttled=True, times=2, gap_s=0.01) < 0.4


def test_the_pause_after_421_is_bounded() -> None:
    clock = 0.0

    async def run() -> None:
        nonlocal clock
        budget = Pace(LimitSettings(gap_s=0.5), clock=lambda: clock)
        for _ in range(10):
            async with budget.slot(ADDRESS) as slot:
                slot.throttled = True
            clock += MAX_BACKOFF_S
        async with asyncio.timeout(1), budget.slot(ADDRESS):
            pass

    asyncio.run(run())


def test_one_who_gives_up_waiting_leaves_the_queue() -> None:
    async def run() -> None:
        budget = pace(per_address=1)
        async with budget.slot(ADDRESS):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), budget.slot(ADDRESS):
                    pytest.fail("two hold the only slot")
        async with asyncio.timeout(1), budget.slot(ADDRESS):
            pass

    asyncio.run(run())


def test_one_who_is_cancelled_when_admitted_gives_the_slot_back() -> None:
    async def hold(budget: Pace) -> None:
        async with budget.slot(ADDRESS):
            await asyncio.sleep(1)

    async def run() -> None:
        budget = pace(per_address=1)
        async with budget.slot(ADDRESS):
            waiting = asyncio.create_task(hold(budget))
            await asyncio.sleep(0)
        waiting.cancel()  # its turn has come, and it has not run since
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), budget.slot(ADDRESS):
            pass

    asyncio.run(run())
