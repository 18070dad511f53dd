"""Domains that count as authorised destinations: which lists take in what belongs to others.

Mail to them passes `reject_unauth_destination` (ADDRESS_CLASS_README). Domains that are named one
by one are this host's own affair; what is looked for here is a list that takes every domain, or
all of a top-level one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.main_cf import logical_lines
from audits.parse.postfix.scope import Scope, split
from audits.parse.postfix.table import INDEXED, is_table, read_table

# Mail to a domain of mydestination stays here, whatever it is.
_LISTS = ("relay_domains", "virtual_mailbox_domains", "virtual_alias_domains")
_PUBLIC_SUFFIX = re.compile(
    r"\.?([a-z]{2}|com|net|org|edu|gov|mil|int|info|biz|name|pro|app|dev|shop|online|xyz|cloud)"
)


@dataclass(frozen=True)
class Destinations:
    """A word of a list. every: it takes in domains of everybody; else nobody can tell from here."""

    every: bool
    why: str
    lines: tuple[ConfigLine, ...]


def destinations(scope: Scope, tree: ConfigTree) -> Iterator[Destinations]:
    """What lists of destinations take in beyond domains by name; raises ParseError."""
    for name in _LISTS:
        for word in scope.words(name):
            if is_table(word):
                yield from _table(scope, tree, name, word)
            elif word.startswith("/"):
                yield from _file(scope, tree, name, word)
            elif name == "relay_domains" and _below(scope, word):
                why = f"{name} = {word} takes every domain below it for its own"
                yield Destinations(True, why, _lines(scope, name, word))


def _table(scope: Scope, tree: ConfigTree, name: str, word: str) -> Iterator[Destinations]:
    lines = _lines(scope, name, word)
    if not lines:
        return
    table = read_table(word, tree, lines[0])
    for entry in table.entries:
        if entry.every or entry.negated:
            why = f"{name} = {word} takes every domain for its own"
            yield Destinations(True, why, _once(*lines, entry.line))
        elif name == "relay_domains" and not entry.pattern and _below(scope, entry.key):
            why = f"{name} = {word} takes every domain below `{entry.key}` for its own"
            yield Destinations(True, why, _once(*lines, entry.line))
    if table.unread is not None and not _lists_names(word):
        yield Destinations(False, table.unread, lines)


def _file(scope: Scope, tree: ConfigTree, name: str, path: str) -> Iterator[Destinations]:
    """A file of words that count as if they stood in the list."""
    lines = _lines(scope, name, path)
    found = tree.read(path)
    if isinstance(found, Silence):
        yield Destinations(False, f"{path} was not supplied: {found.detail}", lines)
        return
    for line in logical_lines(found.text):
        for word in split(line.text):
            at = ConfigLine(line.place(found.shown, line.text.index(word)), word)
            if is_table(word):
                yield Destinations(False, f"{path} refers to {word}", _once(*lines, at))
            elif name == "relay_domains" and _below(scope, word):
                why = f"{name} = {path} takes every domain below `{word}` for its own"
                yield Destinations(True, why, _once(*lines, at))


def _lists_names(word: str) -> bool:
    """An indexed table answers for the names that somebody wrote into it, and for no others."""
    return word.removeprefix("proxy:").partition(":")[0] in INDEXED


def _below(scope: Scope, word: str) -> bool:
    """Whether a word stands for all that is registered under a top-level domain."""
    if _PUBLIC_SUFFIX.fullmatch(word.lower()) is None:
        return False
    parents = "relay_domains" in scope.words("parent_domain_matches_subdomains")
    return parents is not word.startswith(".")


def _lines(scope: Scope, name: str, word: str) -> tuple[ConfigLine, ...]:
    """The line that a word of a list stands on, by way of references where it comes that way."""
    for each in scope.lines(name):
        if word in each.text:
            own = scope.line_with(each.text.partition("=")[0].strip().removeprefix("-o "), word)
            return (own or each,)
    return scope.lines(name)


def _once(*lines: ConfigLine) -> tuple[ConfigLine, ...]:
    return tuple(dict.fromkeys(lines))
