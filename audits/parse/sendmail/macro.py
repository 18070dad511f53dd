"""sendmail.mc as calls of m4 macros: `define`, `FEATURE`, `DAEMON_OPTIONS` and the like.

Nothing is expanded: what stands in an argument stays as it is written, without its quotes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.facts.mta import ConfigLine, Problem
from audits.facts.place import Place

_NAME = re.compile(r"[A-Za-z_]\w*")
_MOST_SHOWN = 400


@dataclass(frozen=True)
class Call:
    """`NAME(`argument', `argument')`."""

    name: str
    arguments: tuple[str, ...]
    line: ConfigLine

    def argument(self, number: int) -> str:
        """The argument of that number, from 0; empty where there are not as many."""
        return self.arguments[number] if number < len(self.arguments) else ""


def calls(text: str, file: str) -> Iterator[Call | Problem]:
    """The calls outside comments and quotes, in their order, and what is left open."""
    at, line, begins_at, counted = 0, 1, 0, 0

    def place(offset: int) -> Place:
        nonlocal line, begins_at, counted
        line += text.count("\n", counted, offset)
        begins_at = max(begins_at, text.rfind("\n", counted, offset) + 1)
        counted = offset
        return Place(file, line, offset - begins_at + 1)

    while at < len(text):
        sign = text[at]
        name = _NAME.match(text, at) if sign.isalpha() or sign == "_" else None
        if sign == "#" or (name and name[0] == "dnl"):
            at = _end_of_line(text, at)
        elif sign == "`":
            end = _quoted(text, at)
            if end is None:
                yield _open(place(at), "a quote that is never closed", "a `'` after it")
                return
            at = end
        elif name is None:
            at += 1
        elif text.startswith("(", name.end()):
            begins = place(at)
            found = _arguments(text, name.end())
            if found is None:
                yield _open(begins, f"`{name[0]}(`, which is never closed", "a `)` after it")
                return
            arguments, at = found
            yield Call(name[0], arguments, _line(begins, name[0], arguments))
        else:
            at = name.end()


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _quoted(text: str, at: int) -> int | None:
    """Where a quote that opens here is past, those within it counted; None if it never closes."""
    depth = 0
    for quote in re.compile(r"[`']").finditer(text, at):
        depth += 1 if quote[0] == "`" else -1
        if depth == 0:
            return quote.end()
    return None


def _arguments(text: str, at: int) -> tuple[tuple[str, ...], int] | None:
    """The arguments in the parentheses that open here, and what is past them."""
    found: list[str] = []
    argument: list[str] = []
    depth = 0
    while at < len(text):
        sign = text[at]
        if sign == "`":
            end = _quoted(text, at)
            if end is None:
                return None
            argument.append(text[at + 1 : end - 1])
            at = end
            continue
        name = _NAME.match(text, at) if sign.isalpha() or sign == "_" else None
        if name is not None:
            comment = name[0] == "dnl"
            argument += "" if comment else name[0]
            at = _end_of_line(text, at) if comment else name.end()
            continue
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return (*found, "".join(argument).strip()), at + 1
        if sign == "," and depth == 1:
            found.append("".join(argument).strip())
            argument = []
        elif not (sign == "(" and depth == 1):
            argument.append(sign)
        at += 1
    return None


def _line(place: Place, name: str, arguments: tuple[str, ...]) -> ConfigLine:
    """A call as evidence. The quotes are put as they are in most files."""
    shown = ", ".join(f"`{' '.join(each.split())}'" for each in arguments)
    text = f"{name}({shown})"
    return ConfigLine(place, text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ...")


def _open(place: Place, found: str, expected: str) -> Problem:
    return Problem("syntax", True, f"found {found}", expected, place)
