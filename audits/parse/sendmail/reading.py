"""A whole Sendmail configuration from its m4 source: options, daemons, who may relay."""

import re
from collections.abc import Iterator

from audits.facts.fact import Silence
from audits.facts.mta import Mta, Parameter, Problem, Program, Question, Ruling, TrustedNetwork
from audits.parse.config_tree import ConfigTree, Reading
from audits.parse.sendmail.listener import listeners, port_of
from audits.parse.sendmail.relay import RelayRules
from audits.parse.sendmail.source import Source, daemons, read_source

_KEYS = ("confSERVER_KEY", "confCLIENT_KEY")


def read_sendmail(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    """What sendmail.mc at a place says; a silence where there is none.

    version: as `sendmail -d0.1` gives it, or None.
    """
    first = tree.read(place)
    if isinstance(first, Silence):
        return first
    source = read_source(tree, first, version_of(version))
    rules = RelayRules(source, tree)
    program = Program(
        mta=Mta.SENDMAIL,
        instance=place,
        version=version,
        parameters=tuple(
            Parameter(call.argument(0), call.line.text, call.line.text, call.line)
            for call in source.calls
        ),
        rulings=tuple(_rulings(source)),
        password_schemes=(),
        problems=(*source.problems, *_problems(source)),
        unread=tuple(dict.fromkeys([*source.unread, *([rules.unread] if rules.unread else [])])),
    )
    networks = tuple(
        TrustedNetwork(Mta.SENDMAIL, place, prefix, line) for prefix, line in rules.trusted()
    )
    listening = tuple(listeners(source, rules, place))
    certificate = source.option("confSERVER_CERT")
    return Reading(
        program,
        listening,
        networks,
        rules.unread,
        secret_files=tuple(_secret_files(source)),
        certificate_files=(certificate,) if certificate.startswith("/") else (),
    )


def _secret_files(source: Source) -> Iterator[str]:
    """Paths of keys and of the map with logins at other servers, for their permissions alone."""
    for name in _KEYS:
        if source.option(name).startswith("/"):
            yield source.option(name)
    logins = source.features.get("authinfo")
    if logins is not None:
        words = logins.argument(1).split()
        yield words[-1] if words and words[-1].startswith("/") else "/etc/mail/authinfo"


def version_of(text: str | None) -> tuple[int, ...]:
    """`8.17.1.9` as numbers; empty where it is not known or not to be read."""
    found = re.search(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text or "")
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _problems(source: Source) -> Iterator[Problem]:
    ports: dict[tuple[str, str, int], str] = {}
    for daemon in daemons(source):
        port = port_of(daemon)
        place = daemon.line.place if daemon.line else source.place
        if port is None:
            message = f"found the port {daemon.port!r}"
            yield Problem("value", True, message, "a number, smtp, submission or smtps", place)
            continue
        where = (daemon.family, daemon.address, port)
        if where in ports:
            message = f"{daemon.name} listens on port {port} as {ports[where]} does"
            yield Problem("ignored", False, message, "FEATURE(`no_default_msa')", place)
        ports.setdefault(where, daemon.name)


def _rulings(source: Source) -> Iterator[Ruling]:
    """What holds for the whole program."""
    entire = source.features.get("relay_entire_domain")
    if entire is not None:
        why = "FEATURE(relay_entire_domain): every host below an own domain may relay"
        yield Ruling(Question.TRUSTS_NEIGHBOURS, "yes", why, (entire.line,))
    why = "Sendmail uses STARTTLS where it is offered"
    yield Ruling(Question.OUTBOUND_TLS, "yes", why, ())
    dane = source.option("confDANE").lower()
    heeded = dane in ("always", "secure", "true")
    why = f"confDANE = {dane or '(undefined)'}"
    lines = source.lines("confDANE")
    yield Ruling(Question.OUTBOUND_DANE, "yes" if heeded else "no", why, lines)
    sts = source.features.get("sts")
    lines = (sts.line,) if sts else ()
    why = "FEATURE(sts)" if sts else "no FEATURE(sts)"
    yield Ruling(Question.OUTBOUND_MTA_STS, "undecided" if sts else "no", why, lines)
