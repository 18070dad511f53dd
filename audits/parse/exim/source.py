"""The logical lines of an Exim configuration, as its chapter 6 has them.

Physical lines are taken one by one: leading blanks go, macros are put in, comments and what a
conditional leaves out are skipped, `.include` brings in another file, and a line that ends in `\\`
goes on with the next one that is left.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname, join, normpath

from audits.facts.fact import Reason, Silence
from audits.facts.mta import ConfigLine, Problem
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText, ConfigTree

_BLANK = " \t\r\n\v\f"
_MOST_SHOWN = 400
_MOST_FILES = 500
_LONGEST = 100_000
_MOST = 2_000_000

_MACRO = re.compile(r"([A-Z][A-Za-z0-9_]*)[ \t]*(==?)[ \t]*(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"\.(ifdef|ifndef|elifdef|elifndef|else|endif)(?:\s+(.*))?$", re.DOTALL)
_INCLUDE = re.compile(r'\.include(_if_exists)?\s+"?(.*?)"?\s*$', re.DOTALL)
_SECRET = re.compile(r"PASS|SECRET|_KEY$|CREDENTIAL")
# What Exim itself defines, by how it was built.
_BUILT_IN = re.compile(r"_(?:HAVE|OPT|DRIVER|LOOKUP|EXP|LOG|RM)_[A-Z0-9_]+")
_LIBRARY = {"_HAVE_GNUTLS": "GnuTLS", "_HAVE_OPENSSL": "OpenSSL"}


@dataclass(frozen=True)
class Line:
    """A logical line with its macros put in.

    spans: the offset at which each physical line in it begins, and its place. macros: the lines
    that define what was put in.
    """

    text: str
    spans: tuple[tuple[int, Place], ...]
    macros: tuple[ConfigLine, ...] = ()

    @property
    def place(self) -> Place:
        return self.spans[0][1]

    def place_at(self, offset: int) -> Place:
        """The physical line that a character is on; its column where there is only one."""
        begins, place = next(span for span in reversed(self.spans) if span[0] <= offset)
        return Place(place.file, place.line, place.column + max(0, offset - begins))

    def physical(self, offset: int) -> Place:
        """Where the physical line begins that a character is on."""
        return next(place for begins, place in reversed(self.spans) if begins <= offset)

    @cached_property
    def config_line(self) -> ConfigLine:
        return ConfigLine(self.place, shortened(self.text))

    @cached_property
    def lines(self) -> tuple[ConfigLine, ...]:
        """The line as evidence, with those of its macros after it."""
        return (self.config_line, *self.macros)


def shortened(text: str) -> str:
    """A line as it may be stored: blanks folded, of bounded length."""
    folded = " ".join(text.split())
    return folded if len(folded) <= _MOST_SHOWN else f"{folded[:_MOST_SHOWN]} ..."


@dataclass
class Source:
    """What was read. unread: files that are included and were not supplied."""

    lines: list[Line] = field(default_factory=list)
    macros: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Macro:
    value: str
    lines: tuple[ConfigLine, ...]


@dataclass
class _Branch:
    """A conditional. taken: whether one of its branches was; on: whether this one is."""

    place: Place
    on: bool
    taken: bool
    enclosing: bool


def read_source(
    tree: ConfigTree, path: str, text: ConfigText, library: str | None = None
) -> Source:
    """All logical lines of a configuration, of its included files too; never raises.

    library: `GnuTLS` or `OpenSSL`, as far as it is known what Exim was built with.
    """
    reader = _Reader(tree, library)
    reader.file(path, text)
    return reader.done()


class _Reader:
    def __init__(self, tree: ConfigTree, library: str | None) -> None:
        self._tree = tree
        self._library = library
        self._found = Source()
        self._macros: dict[str, _Macro] = {}
        self._branches: list[_Branch] = []
        self._open: list[tuple[str, Place]] = []
        self._used: list[ConfigLine] = []
        self._room = _MOST
        self._within: list[str] = []
        self._files = 0

    def done(self) -> Source:
        self._end_line()
        for branch in self._branches:
            self._wrong(branch.place, "a conditional without an end", "`.endif`")
        self._found.macros = {name: macro.value for name, macro in self._macros.items()}
        return self._found

    def file(self, path: str, text: ConfigText) -> None:
        self._within.append(path)
        self._files += 1
        for number, line in enumerate(text.text.split("\n"), start=1):
            if self._room < 0:
                break
            stripped = line.lstrip(_BLANK)
            column = len(line) - len(stripped) + 1
            self._physical(stripped.rstrip("\n"), Place(text.shown, number, column), path)
        self._within.pop()

    def _physical(self, line: str, place: Place, path: str) -> None:
        if line.startswith("#"):
            return
        expanded, used = self._put_in(line)
        self._room -= len(expanded)
        if self._room < 0 or len(expanded) > _LONGEST:
            self._wrong(place, "a line that grows beyond measure", "macros that end")
            return
        directive = _DIRECTIVE.match(expanded.rstrip(_BLANK))
        if directive is not None:
            self._conditional(directive[1], bool(used) or self._built_in(directive[2]), place)
            return
        if not all(branch.on for branch in self._branches):
            return
        include = _INCLUDE.match(expanded)
        if include is not None:
            self._include(include[2], include[1] is not None, place, path)
            return
        self._used += used
        self._add(expanded, place)

    def _add(self, text: str, place: Place) -> None:
        """Takes a physical line into the logical one, which ends unless `\\` is last."""
        text = text.rstrip(_BLANK)
        if text.endswith("\\"):
            self._open.append((text[:-1], place))
            return
        if text or self._open:
            self._open.append((text, place))
            self._end_line()

    def _end_line(self) -> None:
        text, spans = "", []
        for piece, place in self._open:
            spans.append((len(text), place))
            text += piece
        macros = tuple(dict.fromkeys(self._used))
        self._open, self._used = [], []
        if text.strip(_BLANK):
            line = Line(text.rstrip(_BLANK), tuple(spans), macros)
            if not self._define(line):
                self._found.lines.append(line)

    # --- macros ---

    def _put_in(self, line: str) -> tuple[str, list[ConfigLine]]:
        """A physical line with its macros put in, and the lines that define them."""
        definition = _MACRO.match(line) if not self._open else None
        kept = definition.start(3) if definition else 0
        head, text = line[:kept], line[kept:]
        used: list[ConfigLine] = []
        for name, macro in self._macros.items():
            if name in text:
                text = text.replace(name, macro.value)
                used += macro.lines
                if len(text) > _LONGEST:
                    break
        return head + text, used

    def _define(self, line: Line) -> bool:
        """Whether a line defines a macro, which holds from here on."""
        found = _MACRO.fullmatch(line.text)
        if found is None:
            return False
        name, sign, value = found.groups()
        if sign == "=" and name in self._macros:
            self._wrong(line.place, f"the macro {name} a second time", f"`{name} ==`")
        inner = next((m for m in self._macros if m in name and m != name), None)
        if inner is not None:
            expected = "a name that holds no other macro's"
            self._wrong(line.place, f"the macro {name}, which holds the name {inner}", expected)
        lines = line.lines
        if _SECRET.search(name):
            lines = (ConfigLine(line.place, f"{name} {sign} [left out]"),)
        self._macros[name] = _Macro(value, lines)
        return True

    def _built_in(self, condition: str | None) -> bool:
        name = (condition or "").strip()
        if name in _LIBRARY:
            return self._library == _LIBRARY[name]
        return _BUILT_IN.fullmatch(name) is not None

    # --- conditionals and files ---

    def _conditional(self, word: str, defined: bool, place: Place) -> None:
        if word in ("ifdef", "ifndef"):
            enclosing = all(branch.on for branch in self._branches)
            holds = defined is (word == "ifdef")
            self._branches.append(_Branch(place, enclosing and holds, holds, enclosing))
            return
        if not self._branches:
            self._wrong(place, f"`.{word}` without a beginning", "`.ifdef` or `.ifndef` before it")
        elif word == "endif":
            self._branches.pop()
        else:
            branch = self._branches[-1]
            holds = word == "else" or defined is (word == "elifdef")
            branch.on = branch.enclosing and holds and not branch.taken
            branch.taken = branch.taken or holds

    def _include(self, name: str, may_be_absent: bool, place: Place, path: str) -> None:
        target = normpath(name if name.startswith("/") else join(dirname(path), name))
        found = self._tree.read(target)
        if isinstance(found, ConfigText):
            if target in self._within or self._files >= _MOST_FILES:
                self._wrong(place, f"{name} within itself", "includes that end")
                return
            self.file(target, found)
        elif not may_be_absent or found.reason is Reason.DENIED:
            self._left_out(found, target, place)

    def _left_out(self, why: Silence, target: str, place: Place) -> None:
        if why.reason is Reason.ABSENT:
            self._wrong(place, f"an include of {target}, which is not there", "a file")
        else:
            self._found.unread.append(why.detail or target)

    def _wrong(self, place: Place, found: str, expected: str) -> None:
        self._found.problems.append(Problem("syntax", True, f"found {found}", expected, place))


def pieces(text: str) -> Iterator[tuple[str, int]]:
    """The items of an Exim list with the offset of each (chapter 6, "List construction").

    They are separated by colons, or by what stands after `<`; the separator doubled stands for
    itself. An empty item at the end of a list is none.
    """
    separator, at = ":", len(text) - len(text.lstrip(_BLANK))
    if text.startswith("<", at) and at + 1 < len(text) and not text[at + 1].isalnum():
        separator, at = text[at + 1], at + 2
    item, begins = "", at
    while at < len(text):
        sign = text[at]
        if sign != separator:
            item += sign
        elif text.startswith(separator, at + 1):
            item += sign
            at += 1
        else:
            yield item.strip(_BLANK), begins + len(item) - len(item.lstrip(_BLANK))
            item, begins = "", at + 1
        at += 1
    if item.strip(_BLANK):
        yield item.strip(_BLANK), begins + len(item) - len(item.lstrip(_BLANK))


def items(text: str) -> list[str]:
    """The items of an Exim list."""
    return [item for item, _ in pieces(text)]
