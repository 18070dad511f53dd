"""The listeners of a Postfix: what master.cf starts, and how each treats who comes."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

from audits.errors import ParseError
from audits.facts.mta import Answer, ConfigLine, ConfiguredListener, Mta, Question, Ruling
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.destination import destinations
from audits.parse.postfix.master_cf import MasterService
from audits.parse.postfix.network import trusted_networks
from audits.parse.postfix.restriction import LISTS, Course, Fate, Stranger, course
from audits.parse.postfix.scope import Scope
from audits.parse.postfix.tls import Security, answer, ruling
from audits.parse.trust_list import TrustList

_PORTS = {"smtp": 25, "smtps": 465, "submissions": 465, "submission": 587, "urd": 465}
_LOOPBACK = ("127.0.0.1", "::1")
_LOGIN_CHECKS = frozenset(
    {
        "reject_sender_login_mismatch",
        "reject_authenticated_sender_login_mismatch",
        "reject_known_sender_login_mismatch",
    }
)
# Domains whose mail goes on elsewhere, and what lists their recipients: those in `user%domain` form
# are none of them.
_PASSED_ON = {
    "relay_domains": "relay_recipient_maps",
    "virtual_mailbox_domains": "virtual_mailbox_maps",
}
_SPOKEN_FOR = frozenset({"permit_sasl_authenticated", "permit"})


def listeners(
    scope: Scope, services: tuple[MasterService, ...], tree: ConfigTree, instance: str
) -> Iterator[ConfiguredListener]:
    """Every SMTP listener of master.cf; raises ParseError on values that can't be expanded."""
    behind = next((s for s in services if s.type == "pass" and _program(s) == "smtpd"), None)
    for service in services:
        if service.type != "inet" or _program(service) not in ("smtpd", "postscreen"):
            continue
        screened = _program(service) == "postscreen" and behind is not None
        where = _where(service.name, scope)
        if where is None:
            continue
        addresses, port = where
        own = scope.of(behind if screened and behind is not None else service)
        yield ConfiguredListener(
            mta=Mta.POSTFIX,
            instance=instance,
            name=f"{service.name} inet",
            addresses=addresses,
            port=port,
            loopback=bool(addresses) and all(map(_is_loopback, addresses)),
            line=service.line,
            rulings=tuple(_rulings(own, tree)),
        )


def _program(service: MasterService) -> str:
    return service.command.rpartition("/")[2]


def _where(name: str, scope: Scope) -> tuple[tuple[str, ...], int] | None:
    """Addresses and port of `submission`, `587`, `[::1]:587`; None for a name that is neither."""
    host, _, service = name.rpartition(":")
    port = _PORTS.get(service) or (int(service) if service.isdecimal() else None)
    if port is None or port > 65535:
        return None
    host = host.strip("[]")
    if host:
        return ((_LOOPBACK if host == "localhost" else (host,)), port)
    words = [word.lower() for word in scope.words("inet_interfaces")]
    if "loopback-only" in words:
        return _LOOPBACK, port
    if not words or "all" in words:
        return (), port
    named = (_LOOPBACK if word == "localhost" else (word.strip("[]"),) for word in words)
    return tuple(address for group in named for address in group), port


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _rulings(scope: Scope, tree: ConfigTree) -> Iterator[Ruling]:
    yield from Security(scope, tree).rulings()
    trust = trusted_networks(scope, tree)
    yield _relay(scope, tree, trust)
    yield _local(scope, tree, trust)
    yield _trusted_only(scope, tree, trust)
    if scope.says_yes("smtpd_sasl_auth_enable"):
        yield _sender_of_others(scope)
        yield _throttled(scope)
    yield from _conduct(scope)


# --- who may send what ---


def _through_all(scope: Scope, tree: ConfigTree, stranger: Stranger) -> tuple[Answer, Course]:
    """Whether every list lets a command through, and the course that settles it.

    A list that refuses settles it; else one that is open does; else the list that decides last.
    """
    courses = [course(scope, tree, name, stranger) for name in LISTS if scope.words(name)]
    for fate, settled in ((Fate.REFUSED, "no"), (Fate.OPEN, "undecided")):
        for found in courses:
            if found.fate is fate:
                return answer(None if settled == "undecided" else False), found
    if not courses:
        return "yes", Course(Fate.LET_THROUGH, "no restriction list refuses anything", ())
    decisive = [c for c in courses if c.lines and "ends without" not in c.why] or courses
    lines = tuple(dict.fromkeys(line for found in decisive for line in found.lines))
    return "yes", Course(Fate.LET_THROUGH, decisive[-1].why, lines)


def _relay(scope: Scope, tree: ConfigTree, trust: TrustList) -> Ruling:
    """Mail of a stranger to a domain of others."""
    plain = Stranger(trust, foreign=True)
    settled, found = _through_all(scope, tree, plain)
    if settled == "no":
        for why, lines in _widened(scope, tree):
            wide, _ = _through_all(scope, tree, replace(plain, everywhere=why))
            if wide == "yes":
                return Ruling(Question.RELAY, "yes", why, lines)
        wide, _ = _through_all(scope, tree, replace(plain, everywhere="perhaps"))
        unread = next((each for each in destinations(scope, tree) if not each.every), None)
        if wide == "yes" and unread is not None:
            return Ruling(Question.RELAY, "undecided", unread.why, unread.lines)
    return Ruling(Question.RELAY, settled, found.why, found.lines)


def _widened(scope: Scope, tree: ConfigTree) -> Iterator[tuple[str, tuple[ConfigLine, ...]]]:
    """Why destinations of others count as authorised, where they do."""
    if scope.says_yes("allow_untrusted_routing"):
        for name, recipients in _PASSED_ON.items():
            listed = scope.words(recipients) and scope.says_yes("smtpd_reject_unlisted_recipient")
            if scope.words(name) and not listed:
                why = "allow_untrusted_routing passes on what a recipient such as user%domain@"
                yield (
                    f"{why} a domain of {name} names",
                    scope.lines("allow_untrusted_routing", name),
                )
                break
    for wide in destinations(scope, tree):
        if wide.every:
            yield wide.why, wide.lines


def _local(scope: Scope, tree: ConfigTree, trust: TrustList) -> Ruling:
    """Mail of a stranger to a domain that this host answers for."""
    settled, found = _through_all(scope, tree, Stranger(trust, foreign=False))
    return Ruling(Question.LOCAL_WITHOUT_LOGIN, settled, found.why, found.lines)


def _trusted_only(scope: Scope, tree: ConfigTree, trust: TrustList) -> Ruling:
    name = "smtpd_client_restrictions"
    found = course(scope, tree, name, Stranger(trust, foreign=False))
    holds = None if found.fate is Fate.OPEN else found.fate is Fate.REFUSED
    return Ruling(Question.ONLY_TRUSTED_CLIENTS, answer(holds), found.why, found.lines)


def _sender_of_others(scope: Scope) -> Ruling:
    maps = "smtpd_sender_login_maps"
    if not scope.value(maps):
        why = f"{maps} says of no sender whose it is"
        return ruling(scope, Question.SENDER_OF_OTHERS, holds=True, why=why, by=(maps,))
    for name in LISTS:
        before = ""
        for word in map(str.lower, scope.words(name)):
            if word in _LOGIN_CHECKS and before != "warn_if_reject":
                why = f"`{word}` in {name} compares sender and login"
                return ruling(
                    scope, Question.SENDER_OF_OTHERS, holds=False, why=why, by=(name, maps)
                )
            if word in _SPOKEN_FOR:
                break
            before = word
    why = "no list compares sender and login before it lets users through"
    return ruling(scope, Question.SENDER_OF_OTHERS, holds=True, why=why, by=(maps,))


def _throttled(scope: Scope) -> Ruling:
    name = "smtpd_client_auth_rate_limit"
    limit = scope.value(name)
    if limit not in ("", "0"):
        return ruling(
            scope, Question.AUTH_THROTTLED, holds=True, why=f"{name} = {limit}", by=(name,)
        )
    why = f"{name} = 0; whether something outside Postfix slows guessing down, its files can't say"
    return ruling(scope, Question.AUTH_THROTTLED, holds=None, why=why, by=(name,))


# --- manners ---


def _conduct(scope: Scope) -> Iterator[Ruling]:
    for question, name in (
        (Question.BARE_NEWLINE, "smtpd_forbid_bare_newline"),
        (Question.EARLY_PIPELINING, "smtpd_forbid_unauth_pipelining"),
        (Question.VRFY, "disable_vrfy_command"),
    ):
        raw = scope.raw(name)
        if raw is None:
            why = f"this version has no {name}"
            yield ruling(scope, question, holds=True, why=why, by=())
            continue
        value = scope.value(name).lower()
        yield ruling(scope, question, holds=value == "no", why=f"{name} = {value}", by=(name,))
    banner = scope.raw("smtpd_banner") or ""
    shows = "mail_version" in banner
    yield ruling(
        scope,
        Question.VERSION_SHOWN,
        holds=shows,
        why=f"smtpd_banner = {banner}",
        by=("smtpd_banner",),
    )


def trust_of(scope: Scope, tree: ConfigTree) -> TrustList:
    """The trusted networks; one that can't be expanded is open."""
    try:
        return trusted_networks(scope, tree)
    except ParseError as error:
        return TrustList((), str(error))
