"""The values of main.cf: `$name` and its conditional forms put in (postconf(5), mac_expand(3)).

$name  ${name}  $(name)      the value of a parameter, empty where there is none
${name?text}  ${name?{text}} text where the parameter has a value that is not empty
${name:text}  ${name:{text}} text where it has not
${name?{text}:{text}}        one or the other
${{text} == {text}?{text}:{text}}  a comparison: == != < <= > >=, by number where both are,
                             else as text; <level and its like compare versions
$$                           a dollar sign
"""

import operator
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest

from audits.errors import ParseError

Lookup = Callable[[str], str | None]

# A value that needs more than this goes in circles: Postfix gives up at a hundred.
_DEEPEST = 100
_LONGEST = 1_000_000
_MOST_REFERENCES = 100_000
_NAME = re.compile(r"[A-Za-z0-9_]+")
_OPERATOR = re.compile(r"\s*(==|!=|<=level|>=level|<level|>level|<=|>=|<|>)\s*")
_COMPARE: dict[str, Callable[[object, object], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,  # type: ignore[dict-item]  # both sides are of one ordered type
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}
_CLOSING = {"{": "}", "(": ")"}


def expand(value: str, lookup: Lookup) -> str:
    """The value as the daemon sees it.

    lookup: the raw value of a parameter, or None where it has none. Raises ParseError where
    Postfix would stop: a reference that is cut short, one without a name, or a circle.
    """
    return _Expansion(lookup).expand(value, 0)


def references(value: str) -> Iterator[str]:
    """The names that a value may refer to, whatever its conditions come to."""
    for found in re.finditer(r"(?<!\$)(?:\$\$)*\$[({]?\s*([A-Za-z0-9_]+)", value):
        yield found[1]


class _Expansion:
    """One value being expanded; bounded in depth, length and number of references."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._length = 0
        self._references = 0

    def expand(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise ParseError("found references that go in circles, expected an end to them")
        done: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            done.append(text[at:dollar])
            piece, at = self._reference(text, dollar + 1, depth)
            done.append(piece)
            self._length += len(piece)
            self._references += 1
            if self._length > _LONGEST or self._references > _MOST_REFERENCES:
                raise ParseError("found references that grow beyond measure")
        done.append(text[at:])
        return "".join(done)

    def _reference(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """What stands for the reference whose `$` is just before `at`, and where it ends."""
        if text.startswith("$", at):
            return "$", at + 1
        if at < len(text) and text[at] in _CLOSING:
            end = _closing(text, at)
            return self._braced(text[at + 1 : end], depth), end + 1
        name = _NAME.match(text, at)
        if name is None:
            raise ParseError(f"found `$` without a name in {text[:60]!r}, expected `$$` or a name")
        return self._value(name[0], depth), name.end()

    def _braced(self, inside: str, depth: int) -> str:
        inside = inside.strip()
        if inside.startswith("{"):
            holds, rest = self._comparison(inside, depth)
            return self._choice(holds, rest, depth) if rest else ("true" if holds else "")
        name = _NAME.match(inside)
        if name is None:
            raise ParseError(f"found {inside[:60]!r} in a reference, expected a name")
        rest = inside[name.end() :].strip()
        if not rest:
            return self._value(name[0], depth)
        return self._choice(bool(self._value(name[0], depth)), rest, depth)

    def _value(self, name: str, depth: int) -> str:
        raw = self._lookup(name)
        return self.expand(raw, depth + 1) if raw else ""

    def _choice(self, holds: bool, rest: str, depth: int) -> str:
        """`?text`, `:text`, or `?{text}:{text}`, as the condition holds."""
        mark, text = rest[0], rest[1:].strip()
        if mark not in "?:":
            raise ParseError(f"found {rest[:60]!r} in a reference, expected `?` or `:`")
        other = ""
        if text.startswith("{"):
            end = _closing(text, 0)
            text, after = text[1:end].strip(), text[end + 1 :].strip()
            if mark == "?" and after.startswith(":"):
                other = after[1:].strip()
                if other.startswith("{"):
                    other = other[1 : _closing(other, 0)].strip()
        chosen = (text if holds else other) if mark == "?" else ("" if holds else text)
        return self.expand(chosen, depth + 1)

    def _comparison(self, inside: str, depth: int) -> tuple[bool, str]:
        """Whether `{text} op {text}` holds, and what follows it."""
        end = _closing(inside, 0)
        left = self.expand(inside[1:end].strip(), depth + 1)
        compare = _OPERATOR.match(inside, end + 1)
        if compare is None or not inside.startswith("{", compare.end()):
            raise ParseError(f"found {inside[:60]!r}, expected a comparison of two texts in braces")
        last = _closing(inside, compare.end())
        right = self.expand(inside[compare.end() + 1 : last].strip(), depth + 1)
        return _holds(left, compare[1], right), inside[last + 1 :].strip()


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens at `at` closes; raises ParseError."""
    opening, closing = text[at], _CLOSING[text[at]]
    depth = 0
    for place in range(at, len(text)):
        if text[place] == opening:
            depth += 1
        elif text[place] == closing:
            depth -= 1
            if depth == 0:
                return place
    raise ParseError(f"found {text[at : at + 60]!r}, expected {closing!r} at its end")


def _holds(left: str, sign: str, right: str) -> bool:
    if sign.endswith("level"):
        return _COMPARE[sign.removesuffix("level")](level(left), level(right))
    if left.isdecimal() and right.isdecimal():
        return _COMPARE[sign](int(left), int(right))
    return _COMPARE[sign](left, right)


def level(text: str) -> tuple[int, ...]:
    """A compatibility level, `major.minor.patch`, to compare; raises ParseError."""
    parts = text.strip().split(".")
    if not all(part.isdecimal() for part in parts):
        raise ParseError(f"found {text!r}, expected a level such as 3.6")
    numbers = (int(part) for part in parts)
    return tuple(number for number, _ in zip_longest(numbers, range(3), fillvalue=0))
