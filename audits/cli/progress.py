"""A bar that says how far a collection is, with rate and time left, on a terminal alone."""

from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from audits.facts.fact import AnyObservation
from audits.subject import Subject


class _Rate(ProgressColumn):
    """Subjects a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


class ProgressWatcher:
    """Draws the stages of a collection, and hands every observation on."""

    def __init__(self, console: Console, keep: Callable[[Sequence[AnyObservation]], None]) -> None:
        self._keep = keep
        self._bar = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "ProgressWatcher":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def stage(self, name: str, total: int) -> None:
        self._task = self._bar.add_task(name, total=total)

    def done(self, subject: Subject) -> None:
        if self._task is not None:
            self._bar.advance(self._task)

    def seen(self, observations: Sequence[AnyObservation]) -> None:
        self._keep(observations)
