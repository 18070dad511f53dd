"""What an audit is: a function whose signature says which facts it needs and what may be tuned."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct

from audits.evaluate.target import Target, subject_type_of
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.declared import HostRoles
from audits.facts.dns import MxSet
from audits.facts.fact import Fact, Observed, Unobserved, subject_type
from audits.facts.tls_offer import TlsQuestions
from audits.subject import Address, Domain, MailHost, Path, Service, Subject, Vantage

F = TypeVar("F", bound=Fact)
F_co = TypeVar("F_co", covariant=True)

# What the run before saw of the same subject; None where there was none, or it did not ask.
Before = Observed[F] | Unobserved | None


class Rfc(Struct, frozen=True):
    """An RFC, and the section that decides; section empty for the whole document."""

    number: int
    section: str = ""

    def __str__(self) -> str:
        return f"RFC {self.number}" + (f" section {self.section}" if self.section else "")


class Doc(Struct, frozen=True):
    """Any other document: `Doc("ISM", "0572")`."""

    name: str
    clause: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.clause}".rstrip()


Reference = Rfc | Doc


class Each(Generic[F_co]):
    """The facts of one kind about every member of a group, in the group's order.

    Only what was observed is here; where a member was silent, the engine turns a pass into UNKNOWN.
    """

    def __init__(self, members: tuple[F_co, ...]) -> None:
        self._members = members

    def __iter__(self) -> Iterator[F_co]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, place: int) -> F_co:
        return self._members[place]


class EachMx(Each[F_co]):
    """About every MX host of a domain, in order of preference; on port 25 where it is a service."""


class EachAddress(Each[F_co]):
    """About every address of a host, those that it only sends from included."""


class EachService(Each[F_co]):
    """About every service of a host."""


class AsOf(Struct, frozen=True):
    """The instant at which dates are judged; aware UTC."""

    at: datetime


@dataclass(frozen=True)
class Need:
    """One positional parameter of an audit.

    form: None for a single fact, an Each class for a group, AsOf for the instant (fact: None).
    raw: the audit takes the observation and judges silence itself.
    before: it takes that of the run before.
    """

    parameter: str
    form: type[Each[Any]] | type[AsOf] | None
    fact: type[Fact] | None
    raw: bool
    before: bool = False


@dataclass(frozen=True)
class Documentation:
    """The docstring of an audit's module, by heading. limits: empty where there are none."""

    title: str
    rationale: str
    remediation: str
    limits: str


@dataclass(frozen=True)
class Audit:
    """One audit of the catalogue. parameters: name to (type, default).

    asks: what services are to be offered in TLS, from the audit's parameters; None for nothing.
    suffices: a kind of fact that can decide it where none of the others is to be had.
    """

    id: str
    function: Callable[..., Verdict]
    severity: Severity
    to: tuple[Target, ...]
    references: tuple[Reference, ...]
    frameworks: tuple[Doc, ...]
    needs: tuple[Need, ...]
    parameters: Mapping[str, tuple[Any, Any]]
    documentation: Documentation
    asks: Callable[..., TlsQuestions] | None = None
    suffices: type[Fact] | None = None

    @property
    def subject(self) -> type[Subject]:
        return subject_type_of(self.to[0])

    @property
    def topic(self) -> str:
        return self.function.__module__.split(".")[-2].replace("_", "-")

    def facts(self) -> frozenset[type[Fact]]:
        """Every kind of fact that the audit needs, those that make up its groups included."""
        named = {need.fact for need in self.needs if need.fact is not None}
        if self.subject is not Domain:
            named.add(HostRoles)
        for need in self.needs:
            if need.form is EachMx:
                named |= {MxSet, HostRoles}
        return frozenset(named)

    def history(self) -> frozenset[type[Fact]]:
        """Every kind of fact that the audit needs from the run before."""
        return frozenset(n.fact for n in self.needs if n.before and n.fact is not None)


def audit(
    *,
    to: Target | tuple[Target, ...],
    severity: Severity,
    references: tuple[Reference, ...],
    frameworks: tuple[Doc, ...] = (),
    asks: Callable[..., TlsQuestions] | None = None,
    suffices: type[Fact] | None = None,
) -> Callable[[Callable[..., Verdict]], Audit]:
    """Makes an audit of the function that its module defines; `to` is what it is aimed at.

    asks: a function of the same parameters that says what services are to be offered in TLS.
    suffices: a kind of fact that can decide it alone, so that files under review are judged by it.
    Raises TypeError, naming module and parameter, on a signature that is not of the known forms.
    """

    def declare(function: Callable[..., Verdict]) -> Audit:
        targets = to if isinstance(to, tuple) else (to,)
        subject = subject_type_of(targets[0])
        needs, parameters = _signature(function, subject)
        return Audit(
            id=id_of(function.__module__),
            function=function,
            severity=severity,
            to=targets,
            references=references,
            frameworks=frameworks,
            needs=needs,
            parameters=parameters,
            documentation=_documentation(function.__module__),
            asks=asks,
            suffices=suffices,
        )

    return declare


# What can be found from an audit's own subject: itself, or what it stands on.
_REACHABLE: dict[type[Subject], tuple[type[Subject], ...]] = {
    Domain: (Domain, Vantage),
    MailHost: (MailHost, Vantage),
    Service: (Service, MailHost, Address, Vantage),
}
_GROUPS: dict[type[Each[Any]], tuple[type[Subject], tuple[type[Subject], ...]]] = {
    EachMx: (Domain, (MailHost, Service, Path)),
    EachAddress: (MailHost, (Address,)),
    EachService: (MailHost, (Service,)),
}


def _signature(
    function: Callable[..., Verdict], subject: type[Subject]
) -> tuple[tuple[Need, ...], dict[str, tuple[Any, Any]]]:
    hints = get_type_hints(function)
    needs: list[Need] = []
    parameters: dict[str, tuple[Any, Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        where = f"{function.__module__}: parameter {name!r}"
        if name not in hints:
            raise TypeError(f"{where} has no type")
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise TypeError(f"{where} may be tuned, so it needs a default")
            parameters[name] = (hints[name], parameter.default)
        else:
            needs.append(_need(name, hints[name], subject, where))
    return tuple(needs), parameters


def _need(name: str, hint: Any, subject: type[Subject], where: str) -> Need:
    if hint is AsOf:
        return Need(name, AsOf, None, raw=False)
    form = get_origin(hint)
    if form in _GROUPS:
        fact, raw = _fact(get_args(hint)[0], where)
        home, members = _GROUPS[form]
        if subject is not home or subject_type(fact) not in members:
            raise TypeError(
                f"{where}: {form.__name__} of {fact.__name__} is not found from a "
                f"{subject.__name__}"
            )
        return Need(name, form, fact, raw)
    fact, raw = _fact(hint, where)
    if subject_type(fact) not in _REACHABLE[subject]:
        raise TypeError(f"{where}: {fact.__name__} is not found from a {subject.__name__}")
    return Need(name, None, fact, raw, before=NoneType in get_args(hint))


def _fact(hint: Any, where: str) -> tuple[type[Fact], bool]:
    if isinstance(hint, type) and issubclass(hint, Fact):
        return hint, False
    arms = get_args(hint)
    if Unobserved in arms:
        for arm in arms:
            if get_origin(arm) is Observed:
                fact: type[Fact] = get_args(arm)[0]
                return fact, True
    raise TypeError(
        f"{where}: found {hint!r}, expected a fact, Observation, Before, EachMx, EachAddress, "
        "EachService or AsOf"
    )


def id_of(module: str) -> str:
    """The id of the audit that a module of the catalogue holds."""
    topic, stem = module.split(".")[-2:]
    return f"{topic}-{stem}".replace("_", "-")


_HEADING = re.compile(r"^## (\w+)\n", re.MULTILINE)


def _documentation(module: str) -> Documentation:
    text = inspect.cleandoc(import_module(module).__doc__ or "")
    title, *parts = _HEADING.split(text)
    sections = {head: body.strip() for head, body in zip(parts[::2], parts[1::2], strict=True)}
    unknown = sections.keys() - {"Rationale", "Remediation", "Limits"}
    if unknown or not title.strip() or not {"Rationale", "Remediation"} <= sections.keys():
        raise TypeError(
            f"{module}: expected a title and the headings Rationale, Remediation and, if need be, "
            f"Limits; found {', '.join(sections) or 'none'}"
        )
    return Documentation(
        " ".join(title.split()),
        sections["Rationale"],
        sections["Remediation"],
        sections.get("Limits", ""),
    )
