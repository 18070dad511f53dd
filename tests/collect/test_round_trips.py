"""Each task takes at most one round trip more than the least that the protocol allows."""

import asyncio

import pytest

from tests.collect.round_trips import TASKS, Task


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_task_takes_at_most_one_round_trip_above_the_least(task: Task) -> None:
    relay = asyncio.run(task.perform())
    taken = [visit.round_trips for visit in relay.visits]
    assert taken
    assert min(taken) >= task.minimum
    assert max(taken) <= task.minimum + 1
    assert relay.round_trips <= task.minimum * len(taken) + 1


def test_walks_take_one_connection() -> None:
    for task in TASKS:
        if "walk" in task.name:
            assert len(asyncio.run(task.perform()).visits) == 1, task.name
