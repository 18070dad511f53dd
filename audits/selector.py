"""Selectors: which domains, hosts and services a command line, a policy or a waiver means."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from audits.errors import UsageError
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.subject import Domain, MailHost, Role, Service, Subject

_KINDS = ("domain", "host", "group", "role")


class Selector(Struct, frozen=True):
    """One term: `kind` is domain, host, group, role or name (a domain or a host of that name).

    pattern: lower case, with `*` and `?` in names. port: only for host and name.
    excluded: the term was written with `!` and takes away instead.
    """

    text: str
    kind: str
    pattern: str
    port: int | None
    excluded: bool


class Selection(Struct, frozen=True):
    """Terms joined by commas: whatever one of them names, less what a `!` term names."""

    text: str
    selectors: tuple[Selector, ...]

    def covers(
        self, subject: Subject, domain: DeclaredDomain | None, host: DeclaredHost | None
    ) -> bool:
        """Whether the selection names this subject, given what is declared of it."""
        hits = [s for s in self.selectors if names(s, subject, domain, host)]
        if any(s.excluded for s in hits):
            return False
        return bool(hits) or all(s.excluded for s in self.selectors)


def read_selection(text: str) -> Selection:
    """`mx1.example.net,group:edge,domain:*.example.org,role:msa,!mx2.example.net:25` and the like.

    Raises UsageError on an empty term, an unknown role or a port that is none.
    """
    terms = [term.strip() for term in text.split(",")]
    return Selection(text, tuple(_read_selector(term, text) for term in terms))


def _read_selector(term: str, whole: str) -> Selector:
    excluded, body = term.startswith("!"), term.removeprefix("!").lower()
    kind, colon, pattern = body.partition(":")
    if not colon or kind not in _KINDS:
        kind, pattern = "name", body
    port: int | None = None
    if kind in ("name", "host") and ":" in pattern:
        pattern, _, digits = pattern.rpartition(":")
        if not digits.isdecimal() or not 0 < int(digits) < 65536:
            raise UsageError(
                f"selector {term!r}: found port {digits!r}, expected a number, or one of "
                + ", ".join(f"{k}:" for k in _KINDS)
                + " in front of the name"
            )
        port = int(digits)
    pattern = pattern.removesuffix(".")
    if not pattern:
        raise UsageError(f"selector {whole!r}: a term is empty; expected names joined by commas")
    if kind == "role" and pattern not in set(Role):
        raise UsageError(f"selector {term!r}: expected a role of {', '.join(Role)}")
    return Selector(term, kind, pattern, port, excluded)


def names(
    selector: Selector, subject: Subject, domain: DeclaredDomain | None, host: DeclaredHost | None
) -> bool:
    """Whether one term names the subject; `!` is left to the selection."""
    if selector.port is not None and not (
        isinstance(subject, Service) and subject.port == selector.port
    ):
        return False
    match selector.kind:
        case "group":
            declared = domain or host
            return declared is not None and selector.pattern in map(str.lower, declared.groups)
        case "role":
            return host is not None and selector.pattern in host.roles
        case "domain":
            return isinstance(subject, Domain) and fnmatchcase(subject.name, selector.pattern)
        case "host":
            return _host_matches(subject, selector.pattern)
        case _:
            if isinstance(subject, Domain):
                return fnmatchcase(subject.name, selector.pattern)
            return _host_matches(subject, selector.pattern)


def _host_matches(subject: Subject, pattern: str) -> bool:
    match subject:
        case MailHost(name) | Service(name, _, _):
            return fnmatchcase(name, pattern)
        case _:
            return False


def unmatched(
    selection: Selection, domains: Iterable[DeclaredDomain], hosts: Iterable[DeclaredHost]
) -> tuple[Selector, ...]:
    """The terms that name nothing in this inventory: a misspelling, most likely."""
    left = list(selection.selectors)
    for domain in domains:
        left = [s for s in left if not names(_any_port(s), domain.subject, domain, None)]
    for host in hosts:
        left = [s for s in left if not names(_any_port(s), host.subject, None, host)]
    return tuple(left)


def _any_port(selector: Selector) -> Selector:
    return Selector(selector.text, selector.kind, selector.pattern, None, selector.excluded)
