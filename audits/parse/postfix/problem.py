"""What is wrong with the files of a Postfix themselves: what would stop it, and what is lost."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from audits.errors import ParseError
from audits.facts.mta import Problem
from audits.facts.place import Place
from audits.parse.postfix.defaults import FROM_THE_MACHINE, defaults, is_known
from audits.parse.postfix.expansion import references
from audits.parse.postfix.main_cf import Entry
from audits.parse.postfix.master_cf import MasterService
from audits.parse.postfix.network import beyond_prefix
from audits.parse.postfix.restriction import (
    KNOWN,
    LISTS,
    is_restriction,
    required_is_there,
    takes_argument,
)
from audits.parse.postfix.scope import Scope, shown
from audits.parse.postfix.table import is_table
from audits.parse.postfix.tls import GRADES, protocols, unknown_protocols

_LEVELS = frozenset({"none", "may", "encrypt", "verify", "secure", "fingerprint"})
_CLIENT_LEVELS = _LEVELS | {"dane", "dane-only"}
_BARE_NEWLINE = frozenset({"yes", "no", "normalize", "reject", "note"})
_WORDS: Mapping[str, frozenset[str]] = {
    "smtpd_tls_security_level": _LEVELS,
    "postscreen_tls_security_level": _LEVELS,
    "smtp_tls_security_level": _CLIENT_LEVELS,
    "smtpd_tls_ciphers": GRADES,
    "smtpd_tls_mandatory_ciphers": GRADES,
    "smtp_tls_ciphers": GRADES,
    "smtp_tls_mandatory_ciphers": GRADES,
    "mynetworks_style": frozenset({"class", "subnet", "host"}),
    "smtpd_forbid_bare_newline": _BARE_NEWLINE,
}
_SWITCH = re.compile(r"(yes|no)|\$\{\{.*\} \? \{(yes|no)\} : \{(yes|no)\}\}")
# smtpd goes on without TLS then, and smtp puts mail off.
_LEAVES_NO_TLS = re.compile(r"(smtpd?|lmtp)_tls_(mandatory_)?(protocols|ciphers)")
_PROTOCOLS = re.compile(r"(smtpd?|lmtp)_tls_(mandatory_)?protocols")


def problems(
    scope: Scope, entries: tuple[Entry, ...], services: tuple[MasterService, ...]
) -> Iterator[Problem]:
    """Everything wrong, in the order of the files."""
    last = {entry.name: entry for entry in entries}
    for entry in entries:
        if last[entry.name] is not entry:
            yield _overridden(entry, last[entry.name])
    used = _used(entries, services)
    for name, entry in last.items():
        yield from _unknown(entry.name, entry.place, used, scope)
        yield from _value(scope, name, entry.value_place)
        if name in LISTS:
            yield from _restrictions(scope, name, entry.value_place)
        if name == "mynetworks":
            yield from _networks(scope, entry.value_place)
    yield from _handed_over(services)
    for service in services:
        yield from service.problems
        own = scope.of(service)
        for override in service.overrides:
            yield from _unknown(override.name, override.place, used, scope)
            yield from _value(own, override.name, override.value_place)
            if override.name in LISTS:
                yield from _restrictions(own, override.name, override.value_place)
        if service.command.rpartition("/")[2] == "smtpd":
            yield from _unprotected(own, service)


def _overridden(entry: Entry, winner: Entry) -> Problem:
    message = f"`{entry.name}` is set again at line {winner.place.line}, which wins"
    return Problem("ignored", False, message, "one line for each parameter", entry.place)


def _used(entries: tuple[Entry, ...], services: tuple[MasterService, ...]) -> frozenset[str]:
    """Names that are referred to, or are restriction classes, whether Postfix has them or not."""
    values = [entry.value for entry in entries]
    values += [override.value for service in services for override in service.overrides]
    found = {name for value in values for name in references(value)}
    for entry in entries:
        if entry.name == "smtpd_restriction_classes":
            found |= set(entry.value.replace(",", " ").split())
    return frozenset(found)


def _unknown(name: str, place: Place, used: frozenset[str], scope: Scope) -> Iterator[Problem]:
    if is_known(name, scope.version) or name in used:
        return
    near = get_close_matches(name, [*defaults(scope.version), *FROM_THE_MACHINE], 1, 0.75)
    if not near and scope.version > (3, 7, 99):
        return  # the list of names is that of 3.7, with little of what came since
    expected = f"`{near[0]}`" if near else "a parameter of this version, or one that is referred to"
    message = f"Postfix has no parameter `{name}`, and ignores it"
    yield Problem("unknown", False, message, expected, place)


def _value(scope: Scope, name: str, place: Place) -> Iterator[Problem]:
    """A value that Postfix would not start with."""
    try:
        value = scope.value(name)
    except ParseError as error:
        yield Problem("syntax", True, f"`{name}`: {error}", "references that close", place)
        return
    expected = _expected(scope, name, value)
    if expected is not None:
        if _PROTOCOLS.fullmatch(name):
            place = _at_word(scope, name, next(iter(unknown_protocols(value)), ""), place)
        message = f"`{name} = {shown(name, value)}` is no value of its type"
        yield Problem("value", _LEAVES_NO_TLS.fullmatch(name) is None, message, expected, place)


def _at_word(scope: Scope, name: str, word: str, otherwise: Place) -> Place:
    """Where a word of a value stands in main.cf; the other place where it comes from elsewhere."""
    line = scope.line_with(name, word)
    return line.place if line is not None and line.place.column > 1 else otherwise


def _restrictions(scope: Scope, name: str, place: Place) -> Iterator[Problem]:
    """Words of a list that are no restrictions: 451 for every command that comes to them."""
    try:
        words, classes = iter(scope.words(name)), scope.words("smtpd_restriction_classes")
    except ParseError:
        return  # told where the value stands
    for word in words:
        if takes_argument(word):
            next(words, None)
        if word in classes or is_table(word) or is_restriction(word):
            continue
        near = get_close_matches(word.lower(), KNOWN, 1, 0.75)
        expected = f"`{near[0]}`" if near else "a restriction, a class of them or a table"
        said = f"`{shown(name, word)}`" if word.isascii() else ascii(word)
        message = f"{said} in {name} is no restriction: smtpd answers 451 there"
        yield Problem("unknown", False, message, expected, _at_word(scope, name, word, place))


def _networks(scope: Scope, place: Place) -> Iterator[Problem]:
    """Words of mynetworks at which every client gets 451."""
    try:
        words = scope.words("mynetworks")
    except ParseError:
        return  # told where the value stands
    for word in words:
        meant = beyond_prefix(word.lstrip("!"))
        if meant is not None:
            message = f"`{word}` in mynetworks has bits beyond its prefix: smtpd answers 451"
            at = _at_word(scope, "mynetworks", word, place)
            yield Problem("value", True, message, f"`{meant}`", at)


def _expected(scope: Scope, name: str, value: str) -> str | None:
    """What should stand there; None where the value is legal, or its type is not looked into."""
    words = _WORDS.get(name)
    if words is not None:
        legal = value.lower() in words or (not value and name.endswith("_level"))
        return None if legal else f"one of {', '.join(sorted(words))}"
    if _SWITCH.fullmatch(defaults(scope.version).get(name, "")):
        return None if value.lower() in ("yes", "no") else "yes or no"
    if _PROTOCOLS.fullmatch(name):
        if unknown_protocols(value):
            return "names such as TLSv1.2, with `!`, `>=` or `<=` before them"
        return None if not value or protocols(value) else "a list that leaves a version"
    return None


def _handed_over(services: tuple[MasterService, ...]) -> Iterator[Problem]:
    """postscreen says 421 to every good client where no smtpd takes them over."""
    if any(service.name == "smtpd" and service.type == "pass" for service in services):
        return
    for service in services:
        if service.type == "inet" and service.command.rpartition("/")[2] == "postscreen":
            message = f"`{service.name}`: postscreen hands over to `smtpd pass`, which is not there"
            expected = "smtpd pass - - n - - smtpd"
            yield Problem("missing", True, message, expected, service.line.place)


def _unprotected(scope: Scope, service: MasterService) -> Iterator[Problem]:
    """smtpd ends at once where no list could refuse mail to domains of others."""
    lists = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
    try:
        if any(required_is_there(scope, name) for name in lists):
            return
    except ParseError:
        return  # told where the value stands
    written = (scope.value_place(name) for name in lists)
    place = next((place for place in written if place is not None), service.line.place)
    message = f"`{service.name}`: neither {lists[0]} nor {lists[1]} holds a rule that refuses"
    expected = "reject_unauth_destination before any permit, in one of them"
    yield Problem("missing", True, message, expected, place)
