"""Where something stands in a file."""

from msgspec import Struct


class Place(Struct, frozen=True):
    """A line of a file. file: as its reader knows it, a path of the repository or of the host.

    line, column: from 1; a column of 1 where no finer place is meant.
    """

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
