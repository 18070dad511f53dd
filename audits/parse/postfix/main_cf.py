"""main.cf: logical lines and the parameters on them (postconf(5); readlline(3) of Postfix)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.errors import ParseError
from audits.facts.place import Place

# The blanks of C's isspace(), which is what Postfix goes by; CR is one of them.
BLANK = " \t\r\n\v\f"
_FIRST_WORD = re.compile(rf"[^={BLANK}]+[{BLANK}]*")


@dataclass(frozen=True)
class LogicalLine:
    """A line with its continuations joined as they stand, without comments and empty lines.

    begins: the number of its first physical line. places: for each physical line in it the offset
    at which its text begins, and its number.
    """

    text: str
    begins: int
    places: tuple[tuple[int, int], ...]

    def place(self, file: str, offset: int) -> Place:
        """Where a character of `text` stands, in its physical line."""
        start, number = next(at for at in reversed(self.places) if at[0] <= offset)
        return Place(file, number, offset - start + 1)


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """The logical lines of main.cf, master.cf or a lookup table.

    Comments and empty lines don't end a logical line: what is indented after them still goes on.
    """
    parts: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.lstrip(BLANK)
        if not stripped or stripped.startswith("#"):
            continue
        if parts and line[0] not in BLANK:
            yield _joined(parts)
            parts = []
        parts.append((number, line))
    if parts:
        yield _joined(parts)


def _joined(parts: list[tuple[int, str]]) -> LogicalLine:
    places = []
    offset = 0
    for number, line in parts:
        places.append((offset, number))
        offset += len(line)
    return LogicalLine("".join(line for _, line in parts), parts[0][0], tuple(places))


@dataclass(frozen=True)
class Entry:
    """`name = value` as written. offset: where the value begins in its logical line."""

    name: str
    value: str
    line: LogicalLine
    file: str
    offset: int

    @property
    def place(self) -> Place:
        return Place(self.file, self.line.begins)

    @property
    def value_place(self) -> Place:
        """Where the value begins; the name where it is empty."""
        return self.line.place(self.file, self.offset) if self.value else self.place

    def place_of(self, word: str) -> Place:
        """Where a word of the value stands; the name where it isn't written there."""
        found = self.line.text.find(word, self.offset) if word else -1
        return self.line.place(self.file, found) if found >= 0 else self.place


def parse_main_cf(text: str, file: str) -> tuple[Entry, ...]:
    """The parameters of main.cf in their order, doubles included: Postfix takes the last one.

    A line that is indented with nothing before it is left out: Postfix warns and ignores it.
    Raises ParseError, with file and line, for a line without `=`: Postfix then reads nothing.
    """
    return tuple(entry(line, file) for line in logical_lines(text) if line.text[0] not in BLANK)


def indented_lines(text: str) -> tuple[int, ...]:
    """The numbers of lines that Postfix ignores since they continue nothing."""
    return tuple(line.begins for line in logical_lines(text) if line.text[0] in BLANK)


def entry(line: LogicalLine, file: str) -> Entry:
    """The parameter on a logical line; raises ParseError."""
    name, equals, value = line.text.partition("=")
    name = name.rstrip(BLANK)
    if not equals or not name or any(blank in name for blank in BLANK):
        at = line.place(file, _second_word(line.text))
        found = line.text[:60].strip()
        raise ParseError(
            f"{at.file}:{at.line}:{at.column}: found {found!r}, expected `name = value`"
        )
    stripped = value.strip(BLANK)
    offset = line.text.index("=") + 1 + len(value) - len(value.lstrip(BLANK))
    return Entry(name, stripped, line, file, offset)


def _second_word(text: str) -> int:
    """Where `=` should stand: after the first word, which is the name."""
    found = _FIRST_WORD.match(text)
    return found.end() if found is not None and found.end() < len(text) else 0
