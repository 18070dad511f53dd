"""Subjects by areas: one small cell for what an area of audits came to on one host or domain."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.report.anchor import Named, Owner, anchor_of
from audits.report.sanitise import visible
from audits.report.words import OUTCOMES, number
from audits.subject import Domain

# The worst outcome speaks for a cell, a sheet, a row.
WORST_FIRST = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)

_NOTHING = "\N{EN DASH}"

# Topics that share a column; every other topic is a column of its own, after these.
_HOST_AREAS = {
    "ptr": "DNS",
    "spf": "DNS",
    "caa": "DNS",
    "dane": "DNS",
    "port": "Ports",
    "smtp": "SMTP",
    "mx": "SMTP",
    "tls": "TLS",
    "cert": "TLS",
    "submission": "Submission",
    "relay": "Relay",
    "mta": "Config",
    "postfix": "Config",
    "exim": "Config",
    "dovecot": "Config",
    "opensmtpd": "Config",
    "outbound": "Sending",
    "sender": "Sending",
    "route": "Routes",
}
_DOMAIN_AREAS = {
    "mx": "MX",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "bimi": "DMARC",
    "mta-sts": "MTA-STS",
    "tlsrpt": "TLS-RPT",
    "path": "Delivery",
    "smtp": "Delivery",
    "client": "Clients",
    "dnssec": "DNSSEC",
    "dane": "DNSSEC",
    "sender": "Sending",
    "zone": "Zone file",
}


class Cell(Struct, frozen=True):
    """outcome: the worst; label: `1 of 12`, `12`, or a dash where nothing applies.

    breakdown: every count in words. anchor: of the area in the subject's sheet.
    """

    outcome: Outcome
    label: str
    breakdown: str
    anchor: str


class Row(Struct, frozen=True):
    """One host or domain. cells: in the matrix's order of areas."""

    name: Named
    cells: tuple[Cell, ...]


class Matrix(Struct, frozen=True):
    """Rows sorted worst first. rest: subjects about which there is nothing to say, by name.

    rest_sentence: how many they are, in words.
    """

    areas: tuple[str, ...]
    rows: tuple[Row, ...]
    rest: tuple[str, ...]
    rest_sentence: str


def area_of(topic: str, owner: Owner) -> str:
    """The column that an audit of this topic stands in."""
    areas = _DOMAIN_AREAS if isinstance(owner, Domain) else _HOST_AREAS
    return areas.get(topic, topic.upper())


def area_anchor(owner: Owner, area: str) -> str:
    return f"{anchor_of(owner)}--{area.lower()}"


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that speaks for all of them; not applicable where there are none."""
    return min(outcomes, key=WORST_FIRST.index, default=Outcome.NOT_APPLICABLE)


def badness(results: Sequence[Result]) -> tuple[int, ...]:
    """Sorts worst first: gravest failure, number of failures by severity, errors, unknowns."""
    failed = [-r.severity.rank for r in results if r.outcome is Outcome.FAIL]
    counts = Counter(r.outcome for r in results)
    return (
        min(failed, default=1),
        sum(failed) - len(failed),
        -counts[Outcome.ERROR],
        -counts[Outcome.UNKNOWN],
        -counts[Outcome.WAIVED],
    )


def matrix(
    order: Mapping[str, str],
    shown: Mapping[Owner, Sequence[Result]],
    rest: Sequence[Owner],
) -> Matrix:
    """`order`: topic of every audit. `shown`: results of each subject that gets a row, sorted."""
    by_owner = {owner: _by_area(order, owner, results) for owner, results in shown.items()}
    present = {
        area
        for areas in by_owner.values()
        for area, results in areas.items()
        if worst(r.outcome for r in results) is not Outcome.NOT_APPLICABLE
    }
    areas = tuple(sorted(present, key=column))
    return Matrix(
        areas,
        tuple(
            Row(
                Named(visible(owner.name), anchor_of(owner)),
                tuple(_cell(owner, area, found.get(area, ())) for area in areas),
            )
            for owner, found in by_owner.items()
        ),
        tuple(visible(owner.name) for owner in sorted(rest, key=lambda o: o.name)),
        f"{number(len(rest))} more, without a failure, an unknown or a waiver",
    )


def _by_area(
    order: Mapping[str, str], owner: Owner, results: Sequence[Result]
) -> dict[str, list[Result]]:
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(area_of(order[result.audit], owner), []).append(result)
    return areas


def column(area: str) -> tuple[int, str]:
    """Sorts areas as the columns stand."""
    known = list(dict.fromkeys((*_HOST_AREAS.values(), *_DOMAIN_AREAS.values())))
    return (known.index(area) if area in known else len(known), area)


def _cell(owner: Owner, area: str, results: Sequence[Result]) -> Cell:
    counts = Counter(r.outcome for r in results)
    applicable = len(results) - counts[Outcome.NOT_APPLICABLE]
    outcome = worst(counts)
    if outcome is Outcome.NOT_APPLICABLE:
        return Cell(outcome, _NOTHING, f"{area}: not applicable", "")
    of = "" if counts[outcome] == applicable else f" of {number(applicable)}"
    breakdown = ", ".join(f"{number(counts[o])} {OUTCOMES[o]}" for o in WORST_FIRST if counts[o])
    return Cell(
        outcome,
        f"{number(counts[outcome])}{of}",
        f"{area}: {breakdown}",
        area_anchor(owner, area),
    )
