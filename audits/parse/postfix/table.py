"""Lookup tables that a configuration refers to, as far as their sources are at hand.

The types are those of postconf(5) and DATABASE_README: indexed files are read from their text
source, `cidr:`, `pcre:`, `regexp:`, `inline:` and `static:` as they are. What a program answers,
such as an LDAP server, can't be known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from audits.errors import ParseError
from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine
from audits.facts.place import Place
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.main_cf import BLANK, logical_lines

INDEXED = frozenset({"hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash"})
_PATTERNS = frozenset({"pcre", "regexp"})


@dataclass(frozen=True)
class TableEntry:
    """A key with its value. pattern: the key is an expression that many keys match.

    network: the key is a CIDR prefix, in canonical form. every: any key at all is answered so.
    negated: what does not match the key is answered.
    """

    key: str
    value: str
    line: ConfigLine
    pattern: bool = False
    network: str | None = None
    every: bool = False
    negated: bool = False


@dataclass(frozen=True)
class Table:
    """A lookup table. unread: why its entries are not known, else None."""

    name: str
    entries: tuple[TableEntry, ...]
    unread: str | None


def is_table(word: str) -> bool:
    """Whether a word of main.cf names a table: `type:name`, which no restriction is."""
    kind, colon, _ = word.partition(":")
    return bool(colon) and kind.isalnum() and not word.startswith("[")


def read_table(name: str, tree: ConfigTree, asked_at: ConfigLine) -> Table:
    """The table of that name; `asked_at` is the line that refers to it. Never raises."""
    kind, _, rest = name.removeprefix("proxy:").partition(":")
    if kind == "static":
        value = rest.strip("{} ")
        return Table(name, (TableEntry("", value, asked_at, every=True),), None)
    if kind == "inline":
        return Table(name, tuple(_inline(rest, asked_at)), None)
    if kind == "fail":
        return Table(name, (), None)
    if kind not in INDEXED | _PATTERNS | {"cidr"}:
        return Table(name, (), f"what {name} answers can't be read from files")
    return _from_file(name, kind, rest, tree)


def _inline(text: str, asked_at: ConfigLine) -> Iterator[TableEntry]:
    """`{key = value, {key = value with blanks} ...}`."""
    inside = text.strip().removeprefix("{").removesuffix("}")
    for braced, plain in re.findall(r"\{([^{}]*)\}|([^\s,{}]+(?:\s*=\s*[^\s,{}]*)?)", inside):
        key, equals, value = (braced or plain).partition("=")
        if equals:
            yield TableEntry(key.strip().lower(), value.strip(), asked_at)


def _from_file(name: str, kind: str, path: str, tree: ConfigTree) -> Table:
    found = tree.read(path)
    if isinstance(found, Silence):
        return Table(name, (), f"table {name} was not supplied: {found.detail}")
    try:
        return Table(name, tuple(_entries(kind, found.text, found.shown)), None)
    except ParseError as error:
        return Table(name, (), str(error))


def _entries(kind: str, text: str, file: str) -> Iterator[TableEntry]:
    for line in logical_lines(text):
        at = ConfigLine(Place(file, line.begins), " ".join(line.text.split()))
        if kind in _PATTERNS:
            yield from _pattern(line.text.strip(BLANK), at)
        elif kind == "cidr":
            yield from _network(line.text.strip(BLANK), at)
        else:
            key, value = _two(line.text)
            yield TableEntry(key.lower(), value, at)


_DELIMITED = re.compile(r"(!?)([^\w\s\\!])((?:\\.|(?!\2).)*)\2([A-Za-z]*)\s*(.*)")


def _pattern(text: str, at: ConfigLine) -> Iterator[TableEntry]:
    """`/expression/flags value`; `if` and `endif` bound others and answer nothing."""
    if re.match(r"(if|endif)\b", text, re.IGNORECASE):
        return
    found = _DELIMITED.fullmatch(text)
    if found is None:
        raise ParseError(f"{at.place}: found {text[:60]!r}, expected `/pattern/ value`")
    negated, _, expression, _, value = found.groups()
    every = not negated and expression in ("", ".", ".*", "^", "^.*", "^.*$", ".*$", "$", ".+", "@")
    yield TableEntry(expression, value, at, pattern=True, every=every, negated=bool(negated))


def _network(text: str, at: ConfigLine) -> Iterator[TableEntry]:
    if re.match(r"(if|endif)\b", text, re.IGNORECASE):
        return
    key, value = _two(text)
    negated, prefix = key.startswith("!"), key.lstrip("!").strip("[]").replace("]/", "/")
    try:
        network = ip_network(prefix, strict=False)
    except ValueError as error:
        raise ParseError(f"{at.place}: found {key!r}, expected a CIDR prefix") from error
    every = network.prefixlen == 0 and not negated
    yield TableEntry(key, value, at, network=str(network), every=every, negated=negated)


def _two(text: str) -> tuple[str, str]:
    """The first word and what follows it."""
    key, *value = re.split(rf"[{BLANK}]+", text.strip(BLANK), maxsplit=1)
    return key, "".join(value).strip(BLANK)
