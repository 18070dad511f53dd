"""master.cf: the services, and what each has instead of main.cf (master(5))."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.errors import ParseError
from audits.facts.mta import ConfigLine, Problem
from audits.facts.place import Place
from audits.parse.postfix.main_cf import LogicalLine, logical_lines

# \s of ASCII is what C's isspace() takes for a blank.
_WORD = re.compile(r"\{|[^\s{]\S*", re.ASCII)
_COLUMNS = "service type private unpriv chroot wakeup maxproc command"
_TYPES = frozenset({"inet", "unix", "unix-dgram", "fifo", "pass"})


@dataclass(frozen=True)
class Override:
    """`-o name=value`: a parameter of one service. value_place: where its value begins."""

    name: str
    value: str
    place: Place
    value_place: Place


@dataclass(frozen=True)
class MasterService:
    """One service. overrides: in their order, the last of a name wins."""

    name: str
    type: str
    chroot: str
    command: str
    arguments: tuple[str, ...]
    overrides: tuple[Override, ...]
    line: ConfigLine
    problems: tuple[Problem, ...]

    def override(self, name: str) -> Override | None:
        """What the service has for a parameter instead of main.cf."""
        return next((o for o in reversed(self.overrides) if o.name == name), None)


def parse_master_cf(text: str, file: str) -> tuple[MasterService, ...]:
    """The services in their order; of two with one name and type the last one counts.

    Raises ParseError, with file and line, for a line that is no service: Postfix then starts none.
    """
    found: dict[tuple[str, str], MasterService] = {}
    for line in logical_lines(text):
        service = _service(line, file)
        found.pop((service.name, service.type), None)
        found[service.name, service.type] = service
    return tuple(found.values())


@dataclass(frozen=True)
class _Word:
    """A word of a service's line, or what stands in braces. offset: where it begins."""

    text: str
    offset: int
    braced: bool


def _service(line: LogicalLine, file: str) -> MasterService:
    words = list(_words(line, file))
    if line.text[0].isspace() or len(words) < 8:
        found = line.text[:60].strip()
        # Where the next column should begin; in its first one where a service begins with a blank.
        last = words[-1] if words and not line.text[0].isspace() else None
        at = line.place(file, last.offset + len(last.text) if last else 0)
        raise ParseError(
            f"{at.file}:{at.line}:{at.column}: found {found!r}, expected the columns {_COLUMNS}"
        )
    name, type_, _, _, chroot, _, _, command = (word.text for word in words[:8])
    if type_ not in _TYPES:
        known = ", ".join(sorted(_TYPES))
        at = line.place(file, words[1].offset)
        raise ParseError(
            f"{at.file}:{at.line}:{at.column}: found the type {type_!r}, expected one of {known}"
        )
    reading = _Arguments(line, file, words[8:])
    return MasterService(
        name,
        type_,
        chroot,
        command,
        tuple(reading.plain),
        tuple(reading.overrides),
        ConfigLine(Place(file, line.begins), f"{name} {type_} {command}"),
        tuple(reading.problems),
    )


def _words(line: LogicalLine, file: str) -> Iterator[_Word]:
    at = 0
    while found := _WORD.search(line.text, at):
        if found[0] != "{":
            yield _Word(found[0], found.start(), braced=False)
            at = found.end()
            continue
        end = _closing(line, found.start(), file)
        yield _Word(line.text[found.end() : end].strip(), found.start(), braced=True)
        at = end + 1


def _closing(line: LogicalLine, at: int, file: str) -> int:
    depth = 0
    for place in range(at, len(line.text)):
        depth += {"{": 1, "}": -1}.get(line.text[place], 0)
        if depth == 0:
            return place
    brace = line.place(file, at)
    raise ParseError(
        f"{brace.file}:{brace.line}:{brace.column}: found an open brace,"
        " expected `}` before the next service"
    )


class _Arguments:
    """What follows the command: options, overrides and the rest."""

    def __init__(self, line: LogicalLine, file: str, words: list[_Word]) -> None:
        self.plain: list[str] = []
        self.overrides: list[Override] = []
        self.problems: list[Problem] = []
        self._line = line
        self._file = file
        rest = iter(words)
        for word in rest:
            if word.braced or not word.text.startswith("-o"):
                self.plain.append(word.text)
                continue
            value = next(rest, None) if word.text == "-o" else word
            if value is None:
                self._wrong(word, "`-o` without a parameter", "-o name=value")
                return
            self._override(value, value.text.removeprefix("-o") if value is word else value.text)

    def _override(self, word: _Word, text: str) -> None:
        name, equals, value = text.partition("=")
        if equals and name.strip() and (word.braced or not name.endswith(" ")):
            self.overrides.append(
                Override(
                    name.strip(),
                    value.strip(),
                    self._place(word, name.strip()),
                    self._place(word, value.strip() or name.strip()),
                )
            )
            return
        self._wrong(
            word, f"`-o {text}` sets nothing", f"-o {name}=value, or -o {{ {name} = value }}"
        )

    def _wrong(self, word: _Word, found: str, expected: str) -> None:
        """Postfix reads on, `postconf -P` leaves it out, and the service dies when it starts."""
        self.problems.append(Problem("syntax", True, found, expected, self._place(word)))

    def _place(self, word: _Word, part: str = "") -> Place:
        """Where a word stands, or a part of it."""
        found = self._line.text.find(part, word.offset)
        return self._line.place(self._file, found if found >= 0 else word.offset)
