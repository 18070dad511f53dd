"""The Nornir runner `mailproof-asyncio`: coroutine tasks, a bounded number at a time."""

import asyncio
import traceback
from collections.abc import Iterator

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from audits.errors import OutputError

NAME = "mailproof-asyncio"


class AsyncioRunner:
    """Runs `async def` tasks of Nornir over hosts on one event loop, which outlives a single run.

    Nornir's own runners would report a coroutine as success without ever running it. A task that
    raises fails its own host only; an interrupt, and an OutputError because nothing more can be
    kept, cancel what is under way and start nothing new.
    """

    def __init__(self, loop: asyncio.Runner, concurrency: int) -> None:
        self._loop = loop
        self._concurrency = concurrency

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        return self._loop.run(self._run(task, hosts))

    async def _run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        results = AggregatedResult(task.name)
        pending = iter(hosts)
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._concurrency, len(hosts))):
                    workers.create_task(_work(task, pending, results))
        except ExceptionGroup as stopped:
            raise stopped.exceptions[0] from stopped
        return results


async def _work(task: Task, pending: Iterator[Host], results: AggregatedResult) -> None:
    for host in pending:
        results[host.name] = await _start(task.copy(), host)


async def _start(task: Task, host: Host) -> MultiResult:
    """What `Task.start` does, for a coroutine."""
    task.host = host
    task.processors.task_instance_started(task, host)
    try:
        returned = await task.task(task, **task.params)
        result = returned if isinstance(returned, Result) else Result(host, result=returned)
    except OutputError:
        raise
    except Exception as error:  # noqa: BLE001 - Nornir's contract: a failed host is a result
        result = Result(host, exception=error, result=traceback.format_exc(), failed=True)
    result.name = task.name  # type: ignore[assignment]  # nornir annotates the default, None
    task.results.insert(0, result)
    task.processors.task_instance_completed(task, host, task.results)
    return task.results
