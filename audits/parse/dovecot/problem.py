"""What is wrong with a Dovecot configuration itself."""

from collections.abc import Iterator
from difflib import get_close_matches

from audits.facts.mta import Problem
from audits.parse.dovecot.document import Document, Section, Setting
from audits.parse.dovecot.login import is_literal_path
from audits.parse.dovecot.names import NAMES_2_3, RENAMED_IN_2_4
from audits.parse.dovecot.scope import Scope

_SWITCHES = frozenset({"disable_plaintext_auth", "auth_allow_cleartext"})
_TRUTH = frozenset({"yes", "no", "y", "n", "1", "0"})
_SSL = frozenset({"yes", "no", "required"})
_OLDEST = frozenset({"ANY", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3", "LATEST"})
_LITERAL = frozenset({"ssl_cert", "ssl_key", "ssl_alt_cert", "ssl_alt_key", "ssl_ca", "ssl_dh"})
# Comparing a name with all others takes its time: a file of nothing but typos is no configuration.
_MOST_COMPARED = 100
_FILTERS = frozenset({"protocol", "local", "remote", "local_name"})


def problems(scope: Scope) -> Iterator[Problem]:
    """Everything wrong, syntax first, then in the order of the files."""
    document = scope.document
    yield from document.problems
    unknown: set[str] = set()
    for setting in _settings(document.root):
        if len(unknown) < _MOST_COMPARED:
            yield from _name(setting, scope, unknown)
        yield from _value(setting, scope)
    yield from _contradiction(scope)
    yield from _ports(document)


def _settings(section: Section) -> Iterator[Setting]:
    """What stands outside sections, and in filters, where the same settings stand."""
    for item in section.items:
        if isinstance(item, Setting):
            yield item
        elif item.name in _FILTERS:
            yield from _settings(item)


def _name(setting: Setting, scope: Scope, unknown: set[str]) -> Iterator[Problem]:
    """A setting that this version does not have; each name is told once."""
    if scope.since_2_4:
        instead = RENAMED_IN_2_4.get(setting.name)
        if instead:
            message = f"Dovecot 2.4 has no `{setting.name}` any more, and does not start with it"
            yield Problem("unknown", True, message, instead, setting.place)
        return
    if setting.name in NAMES_2_3 or setting.name in unknown:
        return
    unknown.add(setting.name)
    if setting.name == "ssl_protocols":
        message = "`ssl_protocols` is obsolete; Dovecot puts ssl_min_protocol in its place"
        yield Problem("ignored", False, message, "ssl_min_protocol", setting.place)
        return
    near = get_close_matches(setting.name, NAMES_2_3, 1, 0.75)
    # Plugins have settings that this list does not, all with the plugin's name before a `_`.
    if near or "_" not in setting.name:
        expected = f"`{near[0]}`" if near else "a setting that has its place outside sections"
        message = f"Dovecot has no setting `{setting.name}` here, and does not start with it"
        yield Problem("unknown", True, message, expected, setting.place)


def _value(setting: Setting, scope: Scope) -> Iterator[Problem]:
    expected = _expected(setting, scope)
    if expected is not None:
        wrong = "is no value of its type"
        if setting.name in _LITERAL:
            wrong = "has no `<` before its path, which is taken for the content itself"
        message = f"`{setting.name} = {setting.shown}` {wrong}"
        yield Problem("value", True, message, expected, setting.place)


def _expected(setting: Setting, scope: Scope) -> str | None:
    """What should stand there; None where the value is legal, or not looked into."""
    if setting.file is None and "$" in setting.value:
        return None
    if setting.name in _SWITCHES:
        return None if setting.value.lower() in _TRUTH else "yes or no"
    if setting.name == "ssl":
        return None if setting.value in _SSL else "yes, no or required"
    if setting.name == "ssl_min_protocol":
        return None if setting.value in _OLDEST else "a version such as TLSv1.2"
    literal = setting.name in _LITERAL and not scope.since_2_4 and setting.value
    if literal and is_literal_path(setting):
        return f"<{setting.value}" if setting.value.startswith("/") else "`<` before a path"
    return None


def _contradiction(scope: Scope) -> Iterator[Problem]:
    cleartext = scope.setting("auth_allow_cleartext")
    if cleartext and scope.says_yes("auth_allow_cleartext") and scope.value("ssl") == "required":
        message = "`auth_allow_cleartext = yes` contradicts `ssl = required`"
        yield Problem("value", True, message, "auth_allow_cleartext = no", cleartext.place)


def _ports(document: Document) -> Iterator[Problem]:
    for service in document.root.sections("service"):
        for section in service.sections("inet_listener"):
            port = section.setting("port")
            if port and not (port.value.isdecimal() and int(port.value[:6]) < 65536):
                message = f"`port = {port.shown}` is no port"
                yield Problem("value", True, message, "a number up to 65535", port.place)
