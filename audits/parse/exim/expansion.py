"""Expansion of Exim's strings, as far as files and a client's choice settle it (chapter 11).

What depends on a lookup, a program or a variable that nobody knows here stays open, and the reason
is told.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from audits.errors import ParseError

# None: the value is not known here.
Lookup = Callable[[str], str | None]

_DEEPEST = 40
_MOST_STEPS = 4_000
_LONGEST = 20_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+")
_HEADER = re.compile(r"\$\{?(?:r|b|l)?h(?:eader)?_[!-9;-~]*:?")
_OPERATORS: dict[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "domain": lambda text: text.rpartition("@")[2] if "@" in text else "",
    "local_part": lambda text: text.rpartition("@")[0] if "@" in text else text,
    "strlen": lambda text: str(len(text)),
    "quote_local_part": lambda text: text,
    "escape": lambda text: text,
    "length_1": lambda text: text[:1],
}
_TRUE, _FALSE = frozenset({"yes", "true"}), frozenset({"", "no", "false"})
_NUMERIC: dict[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda a, b: a == b,
    "eqi": lambda a, b: a.lower() == b.lower(),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "inlist": lambda a, b: a in [item.strip() for item in b.split(":")],
    "inlisti": lambda a, b: a.lower() in [item.strip() for item in b.lower().split(":")],
}
# A brace, or a backslash with what it hides from being one.
_BRACE = re.compile(r"[{}]|\\.?", re.DOTALL)
_WORD = re.compile(r"\s*(!?)\s*([a-z_][a-z0-9_]*|[<>]=?|==?)\s*")


class ForcedFailure(Exception):  # what Exim's manual calls it; it is no error
    """`fail` in a string: whatever is expanded is as if it were not there."""


class _Open(Exception):  # an outcome, not an error
    """What can't be settled here."""


@dataclass
class Outcome:
    """The expanded text, or None. missing: what would have to be known, in the manual's words."""

    text: str | None
    missing: list[str] = field(default_factory=list)
    forced: bool = False


def expand(text: str, lookup: Lookup) -> Outcome:
    """A string as Exim expands it; never raises."""
    run = _Expansion(lookup)
    try:
        return Outcome(run.text(text, 0), run.missing)
    except ForcedFailure:
        return Outcome("", run.missing, forced=True)
    except _Open:
        return Outcome(None, run.missing)
    except ParseError as error:
        return Outcome(None, [*run.missing, str(error)])


def truth(text: str) -> bool | None:
    """An expanded condition as true or false (chapter 43, `condition`); None for an error."""
    word = text.strip().lower()
    if word in _FALSE:
        return False
    if word in _TRUE:
        return True
    return int(word) != 0 if re.fullmatch(r"-?\d{1,30}", word) else None


_SAFE_QUANTIFIERS = 4
_UNSAFE = re.compile(r"[)][*+{?]|\\[1-9]|[*+?}][*+]|\{\d*,?\d{3,}")


def matches(pattern: str, subject: str) -> bool | None:
    """Whether a regular expression matches; None where it is not safe or not possible to try it.

    Only what takes a bounded time is tried: a configuration under review is anybody's text.
    """
    if len(pattern) > 200 or len(subject) > 100 or _UNSAFE.search(pattern):
        return None
    if len(re.findall(r"[*+{]", pattern)) > _SAFE_QUANTIFIERS:
        return None
    try:
        return re.search(pattern, subject, re.IGNORECASE) is not None
    except (re.error, OverflowError, RecursionError):
        return None


class _Expansion:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.missing: list[str] = []
        self._steps = 0

    def _open(self, what: str) -> _Open:
        if what not in self.missing:
            self.missing.append(what)
        return _Open()

    def text(self, text: str, depth: int) -> str:
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS or len(text) > _LONGEST:
            raise self._open("a string of this length")
        if "$" not in text and "\\" not in text:
            return text
        done: list[str] = []
        at = 0
        while at < len(text):
            sign = text[at]
            if sign == "\\":
                piece, at = _escaped(text, at)
            elif sign == "$":
                piece, at = self._item(text, at, depth)
            else:
                end = at
                while end < len(text) and text[end] not in "\\$":
                    end += 1
                piece, at = text[at:end], end
            done.append(piece)
        return "".join(done)

    def _item(self, text: str, at: int, depth: int) -> tuple[str, int]:
        header = _HEADER.match(text, at)
        if header is not None and not header[0].startswith("${"):
            raise self._open("$h_")
        if text.startswith("{", at + 1):
            end = closing(text, at + 1)
            return self._braced(text[at + 2 : end], depth + 1), end + 1
        name = _NAME.match(text, at + 1)
        if name is None:
            raise ParseError(f"found `$` without a name in {text[at : at + 40]!r}")
        return self._variable(name[0]), name.end()

    def _variable(self, name: str) -> str:
        value = self._lookup(name)
        if value is None:
            raise self._open(f"${name}")
        return value

    def _braced(self, inside: str, depth: int) -> str:
        inside = inside.strip()
        name = _NAME.match(inside)
        if name is None:
            raise ParseError(f"found {inside[:40]!r} in `${{...}}`, expected a name")
        word, rest = name[0], inside[name.end() :]
        if word.startswith(("h_", "header_", "rh_", "bh_", "lh_", "rheader_")):
            raise self._open("$h_")
        if not rest.strip():
            return self._variable(word)
        if rest.startswith(":"):
            return self._operated(word, rest[1:], depth)
        if word == "if":
            return self._if(rest, depth)
        if word == "sg":
            return self._substituted(rest, depth)
        if word == "extract":
            return self._extracted(rest, depth)
        raise self._open(f"${{{word} ...}}")

    def _operated(self, word: str, text: str, depth: int) -> str:
        operator = _OPERATORS.get(word)
        if operator is None:
            raise self._open(f"${{{word}:...}}")
        return operator(self.text(text, depth))

    def _if(self, rest: str, depth: int) -> str:
        holds, at = self._condition(rest, 0, depth)
        yes, no = self._branches(rest[at:])
        if holds is not None:
            return self._branch(yes if holds else no, depth)
        try:
            if (same := self._branch(yes, depth)) == self._branch(no, depth):
                return same
        except ForcedFailure:
            pass
        raise _Open

    def _branches(self, text: str) -> tuple[str | None, str | None]:
        """The texts after a condition; None is a forced failure."""
        found: list[str | None] = []
        at = 0
        while at < len(text):
            if text[at].isspace():
                at += 1
            elif text[at] == "{":
                end = closing(text, at)
                found.append(text[at + 1 : end])
                at = end + 1
            elif text.startswith("fail", at):
                found.append(None)
                at += 4
            else:
                raise ParseError(f"found {text[at : at + 40]!r}, expected `{{text}}` or `fail`")
        if not found:
            return "true", ""
        return found[0], found[1] if len(found) > 1 else ""

    def _branch(self, text: str | None, depth: int) -> str:
        if text is None:
            raise ForcedFailure
        return self.text(text, depth)

    def _arguments(self, text: str, at: int, count: int) -> tuple[list[str], int]:
        found: list[str] = []
        while len(found) < count:
            while at < len(text) and text[at].isspace():
                at += 1
            if not text.startswith("{", at):
                raise ParseError(f"found {text[at : at + 40]!r}, expected `{{`")
            end = closing(text, at)
            found.append(text[at + 1 : end])
            at = end + 1
        return found, at

    def _try(self, text: str, depth: int) -> str | None:
        try:
            return self.text(text, depth)
        except _Open:
            return None

    def _condition(self, text: str, at: int, depth: int) -> tuple[bool | None, int]:
        """Whether a condition holds, and where it ends."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            raise self._open("a condition of this depth")
        word = _WORD.match(text, at)
        if word is None:
            raise ParseError(f"found {text[at : at + 40]!r}, expected a condition")
        name, end = word[2], word.end()
        if name == "def" and text.startswith(":", end):
            variable = re.compile(r"[\w-]+:?").match(text, end + 1)
            if variable is None:
                raise ParseError("found `def:` without a name")
            holds, end = self._defined(variable[0]), variable.end()
        else:
            holds, end = self._named(name, text, end, depth)
        return (not holds if word[1] and holds is not None else holds), end

    def _defined(self, name: str) -> bool | None:
        if name.startswith(("h_", "header_", "rh_", "bh_")):
            self._open("$h_")
            return None
        value = self._lookup(name)
        if value is None:
            self._open(f"${name}")
            return None
        return value != ""

    def _named(self, name: str, text: str, at: int, depth: int) -> tuple[bool | None, int]:
        if name in ("and", "or"):
            (inside,), end = self._arguments(text, at, 1)
            return self._several(name, inside, depth), end
        if name in _TEXTUAL or name in _NUMERIC or name == "match":
            (left, right), end = self._arguments(text, at, 2)
            a, b = self._try(left, depth + 1), self._try(right, depth + 1)
            if a is None or b is None:
                return None, end
            return self._compared(name, a, b), end
        if name in ("bool", "bool_lax"):
            (inside,), end = self._arguments(text, at, 1)
            value = self._try(inside, depth + 1)
            return (None if value is None else truth(value)), end
        self._open(f"`{name}`")
        raise _Open

    def _compared(self, name: str, a: str, b: str) -> bool | None:
        if name == "match":
            return matches(b, a)
        if name in _NUMERIC:
            if not all(re.fullmatch(r"\s*-?\d{1,18}\s*", side or "0") for side in (a, b)):
                return None
            return _NUMERIC[name](int(a or 0), int(b or 0))
        return _TEXTUAL[name](a, b)

    def _several(self, name: str, text: str, depth: int) -> bool | None:
        """`and{{...}{...}}` and `or{{...}{...}}`."""
        decisive = name == "or"
        left_open = False
        at = 0
        while text[at:].strip():
            (inside,), at = self._arguments(text, at, 1)
            try:
                holds, _ = self._condition(inside, 0, depth + 1)
            except _Open:
                holds = None
            if holds is decisive:
                return decisive
            left_open = left_open or holds is None
        return None if left_open else not decisive

    def _substituted(self, rest: str, depth: int) -> str:
        (subject, pattern, into), _ = self._arguments(rest, 0, 3)
        text, expression = self.text(subject, depth), self.text(pattern, depth)
        if matches(expression, text) is None:
            raise self._open("a regular expression")
        replaced = self.text(into, depth)
        return re.sub(expression, lambda _: replaced, text)

    def _extracted(self, rest: str, depth: int) -> str:
        (number, separators, subject), end = self._arguments(rest, 0, 3)
        which = self.text(number, depth).strip()
        signs, text = self.text(separators, depth), self.text(subject, depth)
        if not re.fullmatch(r"\d{1,3}", which) or not signs or rest[end:].strip():
            raise self._open("${extract ...}")
        fields = re.split(f"[{re.escape(signs)}]", text)
        place = int(which)
        return text if place == 0 else fields[place - 1] if place <= len(fields) else ""


def _escaped(text: str, at: int) -> tuple[str, int]:
    """What a backslash stands for, and where that ends."""
    if text.startswith("\\N", at):
        end = text.find("\\N", at + 2)
        end = len(text) if end < 0 else end
        return text[at + 2 : end], end + 2
    sign = text[at + 1 : at + 2]
    return {"n": "\n", "r": "\r", "t": "\t"}.get(sign, sign), at + 2


def closing(text: str, at: int) -> int:
    """Where the brace that opens at `at` closes; raises ParseError."""
    depth = 0
    sign = _BRACE.search(text, at)
    while sign is not None:
        place = sign.end()
        if sign[0] == "\\N":
            end = text.find("\\N", place)
            place = len(text) if end < 0 else end + 2
        elif sign[0] == "{":
            depth += 1
        elif sign[0] == "}":
            depth -= 1
            if depth == 0:
                return place - 1
        sign = _BRACE.search(text, place)
    raise ParseError(f"found {text[at : at + 40]!r}, expected `}}` at its end")
