"""One sheet per host and per domain: its ways of delivery and every result, by area."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.declared import DeclaredDomain, HostRoles
from audits.facts.delivery import decisive, paths_into, relay_path
from audits.facts.dns import MxSet
from audits.facts.smtp import RoleRecipient
from audits.report.anchor import Owner, anchor_of, slug
from audits.report.cause import Place, explanation
from audits.report.figure import Figure, Stop, text_path
from audits.report.finding import draw
from audits.report.material import Material
from audits.report.matrix import area_anchor, area_of, column, worst
from audits.report.relaying import RelayRow, relay_rows
from audits.report.sanitise import visible
from audits.report.service import ServiceRow, service_rows
from audits.report.words import OUTCOMES, counted, listed, number
from audits.subject import Domain, MailHost, Path, Service, Subject

# Drawings are heavy: beyond this many, a path is a line of text.
_DRAWINGS: Final = 240
_PATHS: Final = 12
_NAMES: Final = 8


class SheetPath(Struct, frozen=True):
    """One way in. label: such as `10 mx1.example.net`. drawn: None where text must do.

    whole: nothing on the way broke or was silent. answers: what each step answered, for print,
    where a way that is whole takes a line instead of a drawing. explained: where mail into a domain
    stops, what that means and how to mend it; else empty.
    """

    label: str
    drawn: Figure | None
    text: str
    whole: bool
    answers: str
    explained: tuple[str, ...]


class Entry(Struct, frozen=True):
    """A result that is not a pass. about: the service, or empty for the sheet's own subject.

    anchor: of the finding or the layer of silence that tells more.
    """

    outcome: Outcome
    outcome_word: str
    severity: Severity
    audit: str
    about: str
    said: str
    anchor: str


class Area(Struct, frozen=True):
    """Results of one area. passed: `id` or `id (3)` where several services passed."""

    label: str
    anchor: str
    outcome: Outcome
    counts: str
    entries: tuple[Entry, ...]
    passed: tuple[str, ...]
    passed_words: str


class Sheet(Struct, frozen=True):
    """One host or domain. facts: what it is, in short phrases. paths_left: ways not shown.

    services: what a host's services say of themselves. relaying: what they said to strangers.
    """

    name: str
    anchor: str
    outcome: Outcome
    outcome_word: str
    facts: tuple[str, ...]
    paths: tuple[SheetPath, ...]
    paths_left: int
    services: tuple[ServiceRow, ...]
    relaying: tuple[RelayRow, ...]
    areas: tuple[Area, ...]


class SharedWays(Struct, frozen=True):
    """Domains without a sheet whose mail comes in by the same hosts, as far, at every step.

    paths: drawn for the first of them. words: how many they are.
    """

    words: str
    names: tuple[str, ...]
    paths: tuple[SheetPath, ...]
    paths_left: int


class Foreign(Struct, frozen=True):
    """A host that only DNS led to: somebody else's. mx_of: domains, at most eight named."""

    name: str
    addresses: str
    mx_of: str


def sheets(
    material: Material, kind: type[Owner], places: Mapping[tuple[str, Subject], str], drawn: int
) -> tuple[tuple[Sheet, ...], int]:
    """The sheets of one kind, worst first, and how many drawings there are now."""
    built: list[Sheet] = []
    for owner in material.sheets:
        if isinstance(owner, kind):
            sheet = _sheet(owner, material, places, draws=drawn < _DRAWINGS)
            drawn += sum(1 for path in sheet.paths if path.drawn is not None)
            built.append(sheet)
    return tuple(built), drawn


def shared_ways(material: Material, drawn: int) -> tuple[SharedWays, ...]:
    """The ways into all domains that have no sheet, alike ones once, the most shared first.

    So that each domain has its figure, and a fleet of thousands behind a few hosts few of them.
    """
    groups: dict[tuple[object, ...], list[Domain]] = {}
    for owner in material.owners(Domain):
        if isinstance(owner, Domain) and owner not in material.sheets:
            alike = tuple(_alike(material, path) for path in paths_into(material.snapshot, owner))
            if alike:
                groups.setdefault(alike, []).append(owner)
    built: list[SharedWays] = []
    for domains in sorted(groups.values(), key=lambda group: (-len(group), group[0].name)):
        first = domains[0]
        draws = drawn < _DRAWINGS
        ways = list(_ways(first, material))
        paths = tuple(
            _path(f"{anchor_of(first)}--path-{place}", label, at, material, draws=draws)
            for place, (label, at) in enumerate(ways[:_PATHS], 1)
        )
        drawn += sum(1 for path in paths if path.drawn is not None)
        names = tuple(visible(domain.name) for domain in domains)
        left = max(len(ways) - _PATHS, 0)
        built.append(SharedWays(counted(len(domains), "domain"), names, paths, left))
    return tuple(built)


def _alike(material: Material, path: Path) -> tuple[object, ...]:
    """What two ways must share to be drawn as one: the service, and how far mail comes."""
    states = tuple((s.step, s.state) for s in relay_path(material.snapshot, path))
    return path.host, path.address, path.port, states


def foreign_hosts(material: Material) -> tuple[Foreign, ...]:
    """Hosts outside the inventory that DNS led to, by name."""
    return tuple(
        Foreign(
            visible(roles.subject.name),
            visible(", ".join(roles.addresses)) or "no address known",
            _shortened(roles.mx_of),
        )
        for roles in material.snapshot.facts(HostRoles)
        if not roles.in_inventory
    )


def _sheet(
    owner: Owner,
    material: Material,
    places: Mapping[tuple[str, Subject], str],
    *,
    draws: bool,
) -> Sheet:
    results = material.by_owner[owner]
    ways = list(_ways(owner, material))
    outcome = worst(r.outcome for r in results)
    return Sheet(
        visible(owner.name),
        anchor_of(owner),
        outcome,
        OUTCOMES[outcome].capitalize(),
        tuple(_facts(owner, material)),
        tuple(
            _path(f"{anchor_of(owner)}--path-{place}", label, at, material, draws=draws)
            for place, (label, at) in enumerate(ways[:_PATHS], 1)
        ),
        max(len(ways) - _PATHS, 0),
        service_rows(owner, material.snapshot) if isinstance(owner, MailHost) else (),
        relay_rows(owner, material.snapshot) if isinstance(owner, MailHost) else (),
        tuple(_areas(owner, results, material, places)),
    )


def _facts(owner: Owner, material: Material) -> Iterator[str]:
    if isinstance(owner, Domain):
        declared = material.snapshot.fact(DeclaredDomain, owner)
        if declared is not None:
            does = [
                w for w, on in (("sends", declared.sends), ("receives", declared.receives)) if on
            ]
            yield f"{listed(does)} mail" if does else "parked"
            if declared.groups:
                yield f"groups {visible(', '.join(declared.groups))}"
        return
    roles = material.snapshot.fact(HostRoles, owner)
    if roles is not None:
        yield f"roles {', '.join(roles.roles) or 'none'}"
        yield visible(", ".join(roles.addresses)) or "no address known"
        if roles.mx_of:
            yield f"MX of {_shortened(roles.mx_of)}"


def _shortened(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMES
    shown = visible(", ".join(names[:_NAMES]))
    return f"{shown} and {counted(more, 'more', 'more')}" if more > 0 else shown


def _ways(owner: Owner, material: Material) -> Iterator[tuple[str, Path | Service]]:
    """Ways into a domain by preference of its MX, or the services of a host by port."""
    if isinstance(owner, MailHost):
        roles = material.snapshot.fact(HostRoles, owner)
        for service in roles.services if roles else ():
            yield visible(f"port {service.port}, {service.address or 'no address'}"), service
        return
    mx = material.snapshot.fact(MxSet, owner)
    if mx is None:
        return
    preference = {record.exchange: str(record.preference) for record in reversed(mx.records)}
    for path in paths_into(material.snapshot, owner):
        label = f"{preference.get(path.host, 'no MX')} {path.host}"
        at = f", {path.address}" if path.address else ""
        yield visible(label + at), path


def _path(
    anchor: str, label: str, at: Path | Service, material: Material, *, draws: bool
) -> SheetPath:
    found = draw(at, anchor, material)
    text = " ".join(text_path(found)) or "nothing was seen"
    whole = bool(found.stops) and all(s.mark in ("done", "beyond") for s in found.stops)
    return SheetPath(
        label,
        found if draws and found.stops else None,
        text,
        whole,
        " → ".join(map(_answered, found.stops)),
        _explained(at, material) if isinstance(at, Path) else (),
    )


def _explained(path: Path, material: Material) -> tuple[str, ...]:
    """What a break on the way of mail into a domain means, in the words of `mailproof trace`."""
    way = relay_path(material.snapshot, path)
    if not way:
        return ()
    asked = material.snapshot.fact(RoleRecipient, path)
    recipient = asked.recipient if asked is not None else f"postmaster@{path.domain}"
    sender = asked.sender if asked is not None else ""
    place = Place(path.domain, path.host, path.address, path.port, recipient, sender)
    found = explanation(decisive(way), place)
    return () if found is None else (found.means, found.mend)


def _answered(stop: Stop) -> str:
    """The station with its answer, such as `EHLO 250`; a cut address stands in the label."""
    if stop.note.startswith(stop.label):
        return stop.note
    return stop.label if stop.note.endswith("…") else f"{stop.label} {stop.note}".rstrip()


def _areas(
    owner: Owner,
    results: list[Result],
    material: Material,
    places: Mapping[tuple[str, Subject], str],
) -> Iterator[Area]:
    by_area: dict[str, list[Result]] = {}
    for result in results:
        by_area.setdefault(area_of(material.topics[result.audit], owner), []).append(result)
    for label, found in sorted(by_area.items(), key=lambda area: column(area[0])):
        outcomes = [r.outcome for r in found]
        if worst(outcomes) is Outcome.NOT_APPLICABLE:
            continue
        passed: dict[str, int] = {}
        for result in found:
            if result.outcome is Outcome.PASS:
                passed[result.audit] = passed.get(result.audit, 0) + 1
        counts = ((word, outcomes.count(outcome)) for outcome, word in OUTCOMES.items())
        yield Area(
            label,
            area_anchor(owner, label),
            worst(outcomes),
            ", ".join(f"{number(count)} {word}" for word, count in counts if count),
            tuple(
                _entry(r, owner, material, places)
                for r in found
                if r.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)
            ),
            tuple(f"{a} ({n})" if n > 1 else a for a, n in passed.items()),
            f"{number(sum(passed.values()))} pass",
        )


def _entry(
    result: Result,
    owner: Owner,
    material: Material,
    places: Mapping[tuple[str, Subject], str],
) -> Entry:
    match result.outcome:
        case Outcome.FAIL | Outcome.WAIVED:
            said = result.violations[0].message
        case Outcome.UNKNOWN:
            said = result.unknown[0].detail if result.unknown else "nothing was seen"
        case _:
            said = (result.note or "").strip().rpartition("\n")[2]
    return Entry(
        result.outcome,
        OUTCOMES[result.outcome],
        result.severity,
        result.audit,
        visible(str(result.subject)) if result.subject != owner else "",
        visible(said, 240),
        _more(result, material, places),
    )


def _more(result: Result, material: Material, places: Mapping[tuple[str, Subject], str]) -> str:
    match result.outcome:
        case Outcome.FAIL:
            return places[result.audit, result.subject]
        case Outcome.UNKNOWN if result.unknown:
            return f"unknown-{result.unknown[0].reason}"
        case Outcome.WAIVED if result.waiver is not None:
            # A stored run may be reported without the file that its waivers came from.
            known = any(waiver.id == result.waiver.id for waiver in material.waivers)
            return f"waiver-{slug(result.waiver.id)}" if known else ""
        case Outcome.ERROR:
            return "errors"
        case _:
            return ""
