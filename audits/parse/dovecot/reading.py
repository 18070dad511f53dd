"""A whole Dovecot configuration: settings, listeners, passwords, and what is wrong."""

import re
from collections.abc import Collection, Iterator
from posixpath import dirname, join

import msgspec

from audits.facts.fact import Silence
from audits.facts.mta import Mta, Parameter, Program, Question, Ruling
from audits.parse.config_tree import ConfigTree, Reading
from audits.parse.dovecot.document import Document, Section, Setting, read_document
from audits.parse.dovecot.listener import listeners
from audits.parse.dovecot.login import BEGINS
from audits.parse.dovecot.password import password_schemes, proves_nothing, throttled
from audits.parse.dovecot.problem import problems
from audits.parse.dovecot.scope import Scope

# Where nobody says which version it is, the judgement is that of the last of this branch.
_USUAL = (2, 3)

# What holds whatever settings there are.
_WHATEVER_IS_SET = frozenset(
    {
        Question.IMPLICIT_TLS,
        Question.LOCAL_WITHOUT_LOGIN,
        Question.ONLY_TRUSTED_CLIENTS,
        Question.RELAY,
        Question.VRFY,
    }
)

_KEYS = frozenset(
    {
        "ssl_key",
        "ssl_alt_key",
        "ssl_server_key_file",
        "ssl_server_alt_key_file",
        "ssl_client_key",
        "ssl_client_key_file",
    }
)
_CERTIFICATES = frozenset(
    {"ssl_cert", "ssl_alt_cert", "ssl_server_cert_file", "ssl_server_alt_cert_file"}
)


def read_dovecot(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    """What dovecot.conf at a place says, with all that it includes; a silence without it.

    version: as `dovecot --version` gives it, or None; then `dovecot_config_version` counts.
    """
    first = tree.read(place)
    if isinstance(first, Silence):
        return first
    document = read_document(tree, place, first.shown)
    said = version_of(version) or version_of(document.version) or _USUAL
    scope = Scope(document, said, (document.root,))
    program = Program(
        mta=Mta.DOVECOT,
        instance=place,
        version=version,
        parameters=tuple(_parameters(document.root, "")),
        rulings=_open_where_missing((proves_nothing(scope), throttled(scope)), document),
        password_schemes=tuple(password_schemes(document, tree, place)),
        problems=tuple(problems(scope)),
        unread=tuple(dict.fromkeys(document.unread)),
    )
    listening = tuple(
        msgspec.structs.replace(each, rulings=_open_where_missing(each.rulings, document))
        for each in listeners(document, said, place)
    )
    return Reading(
        program,
        listening,
        (),
        None,
        secret_files=tuple(_secret_files(document, place)),
        certificate_files=() if document.missing else tuple(_files(document, _CERTIFICATES)),
    )


def _open_where_missing(rulings: tuple[Ruling, ...], document: Document) -> tuple[Ruling, ...]:
    """The rulings, of which those by built-in values are open where a file is missing.

    It may set what no other file does, and may hold another password database.
    """
    if not document.missing:
        return rulings
    why = document.missing[0]

    def holds(ruling: Ruling) -> bool:
        if ruling.question is Question.AUTH_PROVES_NOTHING:
            return ruling.answer == "yes"
        whatever = ruling.question in _WHATEVER_IS_SET or ruling.why == BEGINS
        return bool(ruling.lines) or whatever

    return tuple(
        each if holds(each) else Ruling(each.question, "undecided", why, ()) for each in rulings
    )


def version_of(text: str | None) -> tuple[int, ...]:
    """`2.3.19.1 (9b53102964)` as numbers; empty where it is not known or not to be read."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text or "")
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _parameters(section: Section, path: str) -> Iterator[Parameter]:
    """Every setting as it wins; those of sections by their path, `service/auth/user`."""
    last: dict[str, Parameter] = {}
    for name, setting in _named(section, path):
        last[name] = Parameter(name, setting.shown, setting.shown, setting.line)
    yield from last.values()


def _named(section: Section, path: str) -> Iterator[tuple[str, Setting]]:
    counts: dict[str, int] = {}
    for item in section.items:
        if isinstance(item, Setting):
            yield f"{path}{item.name}", item
            continue
        name = item.name
        if item.argument:
            name += f"/{item.argument}"
        elif item.name in ("passdb", "userdb"):
            counts[item.name] = counts.get(item.name, 0) + 1
            name += f"/{counts[item.name]}"
        yield from _named(item, f"{path}{name}/")


def _secret_files(document: Document, place: str) -> Iterator[str]:
    """Paths of keys and of files with passwords, for their permissions alone."""
    yield from _files(document, _KEYS)
    for passdb in document.root.sections("passdb"):
        arguments = passdb.setting("args") or passdb.setting("passwd_file_path")
        words = arguments.value.split() if arguments else []
        if words and ("/" in words[-1] or words[-1].endswith(".ext")) and "=" not in words[-1]:
            yield join(dirname(place), words[-1])


def _files(document: Document, names: Collection[str]) -> Iterator[str]:
    """The paths that settings of those names have, those for one name or address alone too."""
    for name, setting in _named(document.root, ""):
        if setting.name in names or name.replace("/", "_") in names:
            path = setting.file or setting.value
            if path.startswith("/"):
                yield path
