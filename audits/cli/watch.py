"""Who looks on while a collection goes: somebody with a bar, or nobody."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from audits.cli.options import stderr
from audits.collect.stages import Watcher
from audits.facts.fact import AnyObservation
from audits.subject import Subject

Keep = Callable[[Sequence[AnyObservation]], None]


def watching(keep: Keep, *, quiet: bool) -> AbstractContextManager[Watcher]:
    """What hands every observation on as it comes, and draws how far things are unless quiet."""
    if quiet:
        return nullcontext(_Silent(keep))
    from audits.cli.progress import ProgressWatcher

    return ProgressWatcher(stderr(), keep)


class _Silent:
    """Says nothing."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def stage(self, name: str, total: int) -> None: ...

    def done(self, subject: Subject) -> None: ...

    def seen(self, observations: Sequence[AnyObservation]) -> None:
        self._keep(observations)
