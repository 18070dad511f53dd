"""A whole Postfix configuration: parameters, listeners, trusted networks, and what is wrong."""

from collections.abc import Iterator
from posixpath import join

from audits.errors import ParseError
from audits.facts.fact import Reason, Silence
from audits.facts.mta import (
    Mta,
    Parameter,
    Problem,
    Program,
    Question,
    Ruling,
    TrustedNetwork,
)
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.postfix.defaults import version_of
from audits.parse.postfix.file import certificate_files, secret_files
from audits.parse.postfix.listener import listeners, trust_of
from audits.parse.postfix.main_cf import Entry, indented_lines, parse_main_cf
from audits.parse.postfix.master_cf import MasterService, parse_master_cf
from audits.parse.postfix.problem import problems
from audits.parse.postfix.scope import Scope, config_line, shown
from audits.parse.postfix.tls import ruling
from audits.parse.trust_list import TrustList

_CLIENT_TLS = frozenset({"may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"})


def read_postfix(tree: ConfigTree, folder: str, version: str | None) -> Reading | Silence:
    """What main.cf and master.cf in a folder say; a silence where there is no main.cf.

    version: as `postconf mail_version` gives it, or None. A file that can't be parsed is a
    problem of the reading; what does not depend on it is still told.
    """
    main = tree.read(join(folder, "main.cf"))
    if isinstance(main, Silence):
        return main
    master = tree.read(join(folder, "master.cf"))
    if isinstance(master, Silence) and master.reason is Reason.DENIED:
        return master  # without it nothing would seem to listen
    found: list[Problem] = []
    entries = _main_cf(main, found)
    unreadable = bool(found) and not entries
    services = _master_cf(master, found)
    named = {entry.name: entry for entry in entries}
    scope = Scope(named, version_of(version), folder=folder)
    if unreadable:  # what services take from main.cf is not known
        found += [problem for service in services for problem in service.problems]
    else:
        found += problems(scope, entries, services)
    trust = trust_of(scope, tree)
    program = Program(
        mta=Mta.POSTFIX,
        instance=folder,
        version=version,
        parameters=(*_parameters(entries, scope), *_of_services(services, scope)),
        rulings=tuple(_rulings(scope, trust)) if entries else (),
        password_schemes=(),
        problems=tuple(found),
        unread=(*((trust.open,) if trust.open else ()), *_instances_unread(scope, tree)),
    )
    try:
        listening = tuple(listeners(scope, services, tree, folder)) if entries else ()
    except ParseError:
        listening = ()  # told as a problem, with its place
    networks = tuple(
        TrustedNetwork(Mta.POSTFIX, folder, str(trusted.network), trusted.line)
        for trusted in trust.networks
        if not trusted.excluded
    )
    scopes = (scope, *(scope.of(service) for service in services if service.overrides))
    return Reading(
        program,
        listening,
        networks,
        trust.open,
        secret_files=tuple(dict.fromkeys(secret_files(scopes, _names(entries, services)))),
        certificate_files=certificate_files(scopes),
    )


def _names(entries: tuple[Entry, ...], services: tuple[MasterService, ...]) -> tuple[str, ...]:
    """Of every parameter that is set anywhere."""
    overridden = (override.name for service in services for override in service.overrides)
    return tuple(dict.fromkeys([*(entry.name for entry in entries), *overridden]))


def instances(tree: ConfigTree, folder: str) -> tuple[str, ...]:
    """The folders of the other instances that one in a folder starts (postmulti(1)).

    One that `multi_instance_enable` leaves out, which is the default, is never started.
    """
    main = tree.read(join(folder, "main.cf"))
    if isinstance(main, Silence):
        return ()
    return tuple(each for each in _named_instances(_scope(main)) if _is_enabled(tree, each))


def _named_instances(scope: Scope) -> list[str]:
    try:
        return [word for word in scope.words("multi_instance_directories") if word[0] == "/"]
    except ParseError:
        return []  # told as a problem, with its place


def _is_enabled(tree: ConfigTree, folder: str) -> bool:
    main = tree.read(join(folder, "main.cf"))
    if isinstance(main, Silence):
        return False
    try:
        return _scope(main).says_yes("multi_instance_enable")
    except ParseError:
        return True


def _scope(main: ConfigText) -> Scope:
    entries = _main_cf(main, [])
    return Scope({entry.name: entry for entry in entries}, version_of(None))


def _instances_unread(scope: Scope, tree: ConfigTree) -> Iterator[str]:
    for folder in _named_instances(scope):
        found = tree.read(join(folder, "main.cf"))
        if isinstance(found, Silence):
            yield f"the instance in {folder}: {found.detail}"


def _main_cf(main: ConfigText, found: list[Problem]) -> tuple[Entry, ...]:
    try:
        entries = parse_main_cf(main.text, main.shown)
    except ParseError as error:
        found.append(_broken(error, main.shown))
        return ()
    for number in indented_lines(main.text):
        message = "an indented line with nothing before it continues nothing, and is ignored"
        place = Place(main.shown, number)
        found.append(Problem("ignored", False, message, "a line that begins at column 1", place))
    return entries


def _master_cf(master: ConfigText | Silence, found: list[Problem]) -> tuple[MasterService, ...]:
    if isinstance(master, Silence):
        return ()
    try:
        return parse_master_cf(master.text, master.shown)
    except ParseError as error:
        found.append(_broken(error, master.shown))
        return ()


def _broken(error: ParseError, file: str) -> Problem:
    """A file that Postfix can't read, from an error that begins with `file:line:column: `."""
    place, _, message = str(error).removeprefix(f"{file}:").partition(": ")
    line, _, column = place.partition(":")
    said, _, expected = message.partition(", expected ")
    return Problem("syntax", True, said, expected, Place(file, int(line), int(column or 1)))


def _parameters(entries: tuple[Entry, ...], scope: Scope) -> Iterator[Parameter]:
    """Every parameter that main.cf sets, as it wins."""
    for entry in sorted({e.name: e for e in entries}.values(), key=lambda e: e.name):
        try:
            effective = scope.value(entry.name)
        except ParseError:
            continue
        yield Parameter(
            entry.name,
            shown(entry.name, entry.value),
            shown(entry.name, effective),
            config_line(entry),
        )


def _of_services(services: tuple[MasterService, ...], scope: Scope) -> Iterator[Parameter]:
    """Every service as `smtp/inet`, and its overrides as `smtp/inet/smtpd_tls_wrappermode`."""
    for service in services:
        path = f"{service.name}/{service.type}"
        command = " ".join((service.command, *service.arguments))
        yield Parameter(path, command, command, service.line)
        own = scope.of(service)
        for name in sorted({override.name for override in service.overrides}):
            line = own.line(name)
            try:
                effective = own.value(name)
            except ParseError:
                continue
            if line is not None:
                value = shown(name, own.raw(name) or "")
                yield Parameter(f"{path}/{name}", value, shown(name, effective), line)


def _rulings(scope: Scope, trust: TrustList) -> Iterator[Ruling]:
    """What holds for the whole program."""
    try:
        yield from _outbound(scope)
        if trust.open and "mynetworks_style" in trust.open:
            style = scope.value("mynetworks_style")
            yield ruling(
                scope,
                Question.TRUSTS_NEIGHBOURS,
                holds=style in ("subnet", "class"),
                why=f"mynetworks_style = {style}",
                by=("mynetworks_style", "compatibility_level"),
            )
    except ParseError:
        return  # told as a problem, with its place


def _outbound(scope: Scope) -> Iterator[Ruling]:
    name = "smtp_tls_security_level"
    level = scope.value(name).lower()
    by: tuple[str, ...] = (name,)
    tries = level in _CLIENT_TLS
    if not level:
        by = (name, "smtp_use_tls", "smtp_enforce_tls")
        tries = any(scope.says_yes(old) for old in by[1:])
    why = f"{name} = {level or '(empty)'}"
    yield ruling(scope, Question.OUTBOUND_TLS, holds=tries, why=why, by=by)
    support = scope.value("smtp_dns_support_level").lower()
    dane = level in ("dane", "dane-only") and support == "dnssec"
    why = f"{why}, smtp_dns_support_level = {support or '(empty)'}"
    yield ruling(
        scope, Question.OUTBOUND_DANE, holds=dane, why=why, by=(name, "smtp_dns_support_level")
    )
    maps = scope.value("smtp_tls_policy_maps")
    asks = "socketmap:" in maps
    yield ruling(
        scope,
        Question.OUTBOUND_MTA_STS,
        holds=None if asks else False,
        why=f"smtp_tls_policy_maps = {maps or '(empty)'}",
        by=("smtp_tls_policy_maps",),
    )
