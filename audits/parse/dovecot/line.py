"""The lines of dovecot.conf: settings, sections, ends and includes (Dovecot's config syntax)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audits.facts.mta import Problem
from audits.facts.place import Place

# A line that lacks its `=` may hold a password all the same.
_SECRET = re.compile(r"password|passwd|dnpass|secret|token|_key", re.IGNORECASE)
_BLANK = " \t\r\n\v\f"


@dataclass(frozen=True)
class Line:
    """One logical line. place: of its first physical line, at the column of what it says.

    kind: `set` (name, value), `open` (name, value as the section's argument), `close`, `include`
    (value is the pattern; optional for include_try). literal: the value stood in quotes.
    """

    kind: Literal["set", "open", "close", "include"]
    name: str
    value: str
    place: Place
    literal: bool = False
    optional: bool = False


def lines(text: str, file: str) -> Iterator[Line | Problem]:
    """What each line says, or what is wrong with one; Dovecot stops at the first such."""
    for joined, number in _joined(text):
        column = len(joined) - len(joined.lstrip(_BLANK)) + 1
        yield _line(joined.strip(_BLANK), Place(file, number, column))


def _joined(text: str) -> Iterator[tuple[str, int]]:
    """Lines without comments, joined where one ends in a backslash, with their first number."""
    whole, began = "", 0
    for number, physical in enumerate(text.split("\n"), start=1):
        bare = physical.lstrip(_BLANK)
        if not bare or bare.startswith("#"):
            continue
        line = _uncommented(physical).rstrip(_BLANK)
        began = began or number
        continued = line.endswith("\\")
        line = line[:-1] if continued else line
        whole += line.lstrip(_BLANK) if whole else line
        if not continued:
            yield whole, began
            whole, began = "", 0
    if whole:
        yield whole, began


def _uncommented(line: str) -> str:
    """A line up to its first `#` outside quotes; blanks before it are not needed."""
    quote, at = "", 0
    while at < len(line):
        sign = line[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#":
            return line[:at]
        at += 1
    return line


def _line(line: str, place: Place) -> Line | Problem:
    if line.startswith("!"):
        return _include(line, place)
    name, rest = _name(line)
    if not name or name == "{":
        return _error(place, line, "`name = value` or `name {`")
    if rest.startswith("="):
        value, literal = _value(rest[1:].strip(_BLANK))
        return Line("set", name, value, place, literal)
    if name == "}" and not rest:
        return Line("close", "", "", place)
    argument, brace = _argument(rest)
    if not brace.startswith("{"):
        return _error(place, line, "`name = value` or `name {`")
    if brace != "{":
        return _error(place, line, "nothing after `{` on its line")
    return Line("open", name, argument, place)


def _include(line: str, place: Place) -> Line | Problem:
    word, *rest = line.split(None, 1)
    if word not in ("!include", "!include_try") or not rest:
        return _error(place, line, "`!include path` or `!include_try path`")
    return Line("include", word, rest[0], place, optional=word == "!include_try")


def _name(line: str) -> tuple[str, str]:
    """The first word, which ends at a blank or `=`, and what follows it."""
    end = next((n for n, sign in enumerate(line) if sign in _BLANK or sign == "="), len(line))
    return line[:end], line[end:].lstrip(_BLANK)


def _argument(rest: str) -> tuple[str, str]:
    """What stands between a section's name and its brace."""
    if rest.startswith("{"):
        return "", rest
    if rest.startswith('"'):
        argument, _, brace = rest[1:].partition('"')
        return argument, brace.lstrip(_BLANK)
    words = rest.split(None, 1)
    return "".join(words[:1]), "".join(words[1:])


def _value(text: str) -> tuple[str, bool]:
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return _unescaped(text[1:-1]), True
    return text, False


def _unescaped(text: str) -> str:
    out, escaped = "", False
    for sign in text:
        escaped = sign == "\\" and not escaped
        out += "" if escaped else sign
    return out


def _error(place: Place, found: str, expected: str) -> Problem:
    shown = found.split()[0] if _SECRET.search(found) else found
    return Problem("syntax", True, f"found {shown[:60]!r}", expected, place)
