"""Password databases: whether a login proves anything, and how passwords are stored."""

import re
from collections.abc import Iterator
from posixpath import dirname, join

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine, PasswordScheme, Question, Ruling
from audits.facts.place import Place
from audits.parse.config_tree import ConfigTree
from audits.parse.dovecot.document import Document, Section, Setting
from audits.parse.dovecot.scope import Scope, is_private

_SCHEME = re.compile(r"(?:^|\s)scheme=(\S+)", re.IGNORECASE)
_DEFAULT_SCHEME = re.compile(r"\s*default_pass_scheme\s*=\s*(\S+)")
_SCHEME_SETTINGS = frozenset({"default_password_scheme", "passdb_default_password_scheme"})
_NO = frozenset({"no", "n", "0", "false"})
_DELAY = re.compile(r"(\d+)\s*\w*")


def password_schemes(document: Document, tree: ConfigTree, path: str) -> Iterator[PasswordScheme]:
    """The schemes that databases are told to use, in their order.

    A password that is stored with its own `{SCHEME}` before it is not seen here.
    """
    for setting in _settings(document.root):
        if setting.name in _SCHEME_SETTINGS:
            yield PasswordScheme(setting.value.upper(), setting.line)
    for passdb in document.root.sections("passdb"):
        arguments = passdb.setting("args")
        if arguments is not None:
            found = _SCHEME.search(arguments.value)
            if found:
                yield PasswordScheme(found[1].upper(), arguments.line)
            yield from _in_file(arguments.value, tree, path)


def _settings(section: Section) -> Iterator[Setting]:
    for item in section.items:
        if isinstance(item, Setting):
            yield item
        elif item.name == "passdb":
            yield from _settings(item)


def _in_file(arguments: str, tree: ConfigTree, path: str) -> Iterator[PasswordScheme]:
    """`default_pass_scheme` of a file for SQL or LDAP; nothing else of it is looked at."""
    if not arguments.endswith((".conf", ".ext")):
        return
    found = tree.read(join(dirname(path), arguments.split()[-1]))
    if isinstance(found, Silence):
        return
    for number, line in enumerate(found.text.split("\n"), start=1):
        scheme = _DEFAULT_SCHEME.match(line)
        if scheme:
            at = ConfigLine(Place(found.shown, number), f"default_pass_scheme = {scheme[1]}")
            yield PasswordScheme(scheme[1].upper(), at)


def proves_nothing(scope: Scope) -> Ruling:
    """Whether a login succeeds without its password."""
    question = Question.AUTH_PROVES_NOTHING
    if "anonymous" in {word.lower() for word in scope.words("auth_mechanisms")}:
        why = "auth_mechanisms has anonymous"
        return scope.rules(question, "yes", why, "auth_mechanisms")
    for passdb in scope.document.root.sections("passdb"):
        setting = _nopassword(passdb)
        if setting is None:
            continue
        fields = _fields(passdb)
        if "proxy" in fields or "proxy_maybe" in fields:
            why = "nopassword with proxy: whether the server behind asks for one is not said here"
            return Ruling(question, "undecided", why, (setting.line,))
        networks = fields.get("allow_nets", "")
        if not networks or not is_private(networks):
            why = "a passdb lets everybody in, with nopassword"
            return Ruling(question, "yes", why, (setting.line,))
    why = "no passdb has nopassword, and no mechanism is anonymous"
    return scope.rules(question, "no", why, "auth_mechanisms")


def _nopassword(passdb: Section) -> Setting | None:
    """The setting through which a static database takes every password."""
    driver = passdb.setting("driver") or passdb.setting("passdb_driver")
    if (driver.value if driver else passdb.argument) != "static":
        return None
    for setting in _inner(passdb):
        if setting.name in ("args", "default_fields", "override_fields"):
            if "nopassword" in _pairs(setting.value):
                return setting
        elif setting.name == "nopassword" and setting.value.lower() not in _NO:
            return setting
    return None


def _inner(section: Section) -> Iterator[Setting]:
    for item in section.items:
        if isinstance(item, Setting):
            yield item
        else:
            yield from _inner(item)


def _pairs(arguments: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in arguments.split())
    return {name: value for name, _, value in pairs if value.lower() not in _NO}


def _fields(passdb: Section) -> dict[str, str]:
    fields: dict[str, str] = {}
    for setting in _inner(passdb):
        if setting.name in ("args", "default_fields", "override_fields"):
            fields |= _pairs(setting.value)
        else:
            fields[setting.name] = setting.value
    return fields


def throttled(scope: Scope) -> Ruling:
    """Whether guessing is slowed: by a delay after a failure, or by anvil's penalty per address."""
    name = "auth_failure_delay"
    delay = scope.value(name)
    found = _DELAY.match(delay)
    if found is None or int(found[1][:9]) > 0:
        return scope.rules(Question.AUTH_THROTTLED, "yes", f"{name} = {delay}", name)
    for service in scope.document.root.sections("service"):
        for section in service.sections("unix_listener"):
            mode = section.setting("mode")
            if section.argument == "anvil-auth-penalty" and mode and not mode.value.strip("0"):
                why = f"{name} = {delay}, and the penalty for an address is off"
                lines = (*scope.lines(name), mode.line)
                return Ruling(Question.AUTH_THROTTLED, "no", why, lines)
    why = f"{name} = {delay}, but anvil's penalty for an address is on"
    return scope.rules(Question.AUTH_THROTTLED, "yes", why, name)
