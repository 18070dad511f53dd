"""The delivery path as a figure: a line of stations, drawn to the step at which it broke."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from audits.evaluate.verdict import Evidence
from audits.facts.delivery import Station, StationState, Way
from audits.facts.fact import Step, kind_of
from audits.facts.smtp import AuthInClear, MailInClear
from audits.report.sanitise import visible
from audits.report.words import duration

Mark = Literal["done", "broken", "silent", "beyond"]

# What each station is called, in the figure and wherever it is told in words.
LABELS = {
    Step.DNS: "DNS",
    Step.MX: "MX",
    Step.ADDRESS: "address",
    Step.TCP: "TCP",
    Step.GREETING: "greeting",
    Step.EHLO: "EHLO",
    Step.STARTTLS: "STARTTLS",
    Step.TLS: "TLS",
    Step.AUTH: "AUTH",
    Step.MAIL: "MAIL",
    Step.RCPT: "RCPT",
    Step.DATA: "DATA",
    Step.QUIT: "QUIT",
}
# Geometry in units of the drawing, which are CSS pixels at full size.
_LEFT, _REACH, _WIDEST_GAP = 46, 828, 112
_WIDTH, _RADIUS, _NOTE_ADVANCE = 920, 8, 7.3


class Stop(Struct, frozen=True):
    """One station. x: of its centre. note: what was answered, or how long it took.

    detail: the same in a clause, with the server's words.
    """

    step: Step
    label: str
    note: str
    detail: str
    mark: Mark
    x: int


class Rail(Struct, frozen=True):
    """The line between two stations; drawn like the one that it leads to."""

    x1: int
    x2: int
    mark: Mark


class Figure(Struct, frozen=True):
    """A delivery path. label: whose; description: the text alternative.

    anchor: unique in the report, for the description to be found by.
    """

    anchor: str
    label: str
    description: str
    width: int
    stops: tuple[Stop, ...]
    rails: tuple[Rail, ...]


def figure(
    anchor: str, label: str, port: int, way: Way, evidence: Evidence | None = None
) -> Figure:
    """The drawing of a way through `port`; `evidence` is what a finding rests on."""
    stations = way if evidence is None else _as_found(way, evidence)
    broken = None if evidence is None else evidence.step
    gap = min(_WIDEST_GAP, _REACH // max(len(stations) - 1, 1))
    clean = visible(label)
    stops = tuple(
        Stop(
            station.step,
            f"TCP {port}" if station.step is Step.TCP else LABELS[station.step],
            _fitted(_note(station), gap),
            visible(station.detail, 200),
            mark,
            _LEFT + place * gap,
        )
        for place, (station, mark) in enumerate(
            zip(stations, _marks(stations, broken), strict=True)
        )
    )
    rails = tuple(
        Rail(before.x + _RADIUS, after.x - _RADIUS, after.mark) for before, after in pairwise(stops)
    )
    return Figure(anchor, clean, _description(clean, stops), _WIDTH, stops, rails)


def text_path(drawn: Figure, *, plain: bool = False) -> list[str]:
    """The same path in words to be set in a row: `TCP 25`, `── greeting`, `──✕ RCPT`, `·· DATA`.

    plain: ASCII alone, for terminals that can do no better.
    """
    rails = _PLAIN_RAILS if plain else _RAILS
    words = [f"{rails[stop.mark]} {stop.label}" for stop in drawn.stops]
    if drawn.stops and drawn.stops[0].mark == "done":
        words[0] = drawn.stops[0].label
    return words


_RAILS: dict[Mark, str] = {"done": "──", "broken": "──✕", "silent": "──?", "beyond": "··"}
_PLAIN_RAILS: dict[Mark, str] = {"done": "--", "broken": "--x", "silent": "--?", "beyond": ".."}


def _marks(way: Way, broken: Step | None) -> Iterator[Mark]:
    """Marks by state; with a finding, what came after its step counts for nothing."""
    over = False
    for station in way:
        if over:
            yield "beyond"
        elif broken is None:
            yield _MARKS[station.state]
        elif station.step is broken:
            over = True
            yield "broken"
        else:
            # Whatever else is wrong on this way is another finding's matter.
            mark = _MARKS[station.state]
            yield "beyond" if mark == "broken" else mark


_MARKS: dict[StationState, Mark] = {
    StationState.PASSED: "done",
    StationState.BROKEN: "broken",
    StationState.SILENT: "silent",
    StationState.NOT_REACHED: "beyond",
    StationState.NOT_SENT: "beyond",
}


# Facts about what is said before TLS, on ports where mail is only taken inside it.
_IN_CLEAR = {kind_of(AuthInClear), kind_of(MailInClear)}


def _as_found(way: Way, evidence: Evidence) -> Way:
    """The way as a finding has it: its step with what was seen there, and what led to it.

    A relay probe on port 25 asks for MAIL and RCPT, which the way through that port alone has not.
    """
    if not way:
        return way
    if evidence.kind in _IN_CLEAR:
        way = tuple(_unsaid(s, evidence) for s in way if s.step not in (Step.STARTTLS, Step.TLS))
    order = list(Step)
    said = evidence.quote.partition(" ")[0]
    found = Station(evidence.step, StationState.BROKEN, said, evidence.quote)
    steps = [station.step for station in way]
    if evidence.step in steps:
        place = steps.index(evidence.step)
        fact = way[place].fact
        seen = fact is not None and kind_of(type(fact)) == evidence.kind
        return way if seen else (*way[:place], found, *way[place + 1 :])
    place = sum(order.index(step) < order.index(evidence.step) for step in steps)
    added = [found]
    if evidence.step is Step.RCPT:
        added.insert(0, Station(Step.MAIL, StationState.PASSED, "", "accepted"))
        added.append(Station(Step.DATA, StationState.NOT_SENT, "not sent", "no message was sent"))
    return (*way[:place], *added, *way[place:])


def _unsaid(station: Station, evidence: Evidence) -> Station:
    """A station behind the finding's, seen in another conversation: inside TLS."""
    order = list(Step)
    if order.index(station.step) <= order.index(evidence.step) or station.step is Step.DATA:
        return station
    return Station(station.step, StationState.NOT_REACHED, "", "")


def _note(station: Station) -> str:
    if station.step is Step.TCP and station.state is StationState.PASSED:
        return duration(station.elapsed_s or 0.0)
    return visible(station.answered, 4000)


def _fitted(note: str, gap: int) -> str:
    """The note, cut to what stands between two stations in the figure's monospaced type."""
    room = int(gap / _NOTE_ADVANCE)
    return note if len(note) <= room else f"{note[: room - 1]}…"


def _description(label: str, stops: Sequence[Stop]) -> str:
    said = {
        "done": "",
        "broken": "broken here, ",
        "silent": "no answer, ",
        "beyond": "not reached, ",
    }
    parts = (f"{s.label} {said[s.mark]}{s.note}".rstrip(", ") for s in stops)
    return f"{label}: {'; '.join(parts)}."
