"""A trace: the way of one message, step by step, and what a sending MTA makes of it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from audits.facts.delivery import Station, StationState, Way, decisive
from audits.facts.fact import Fact, Step


class TraceStep(Struct, frozen=True):
    """One station as it was reached.

    visit: which attempt at a host and address it belongs to, from 1; 0 for look-ups before any.
    host, address, port: who was asked; a resolver where the DNS answers. elapsed_s: for this step,
    None for one that was left out. at: aware UTC, when it was over.
    beside: facts that belong to it beside its own, such as the certificates that were shown.
    """

    visit: int
    host: str
    address: str
    port: int
    station: Station
    elapsed_s: float | None
    at: datetime
    beside: tuple[Fact, ...] = ()


class Outlook(StrEnum):
    """What becomes of a message that a sending MTA at this place has for the recipient now.

    delivers: it is handed over. retries: it stays in the queue, and is tried again (RFC 5321
    section 4.5.4.1). bounces: it is returned to its sender.
    """

    DELIVERS = "delivers"
    RETRIES = "retries"
    BOUNCES = "bounces"


class Untried(Struct, frozen=True):
    """An MX host that was left alone. why: a clause."""

    host: str
    why: str


class Arrival(Struct, frozen=True):
    """What was found of a message in the mailbox that it was sent to.

    arrived: False where it did not come in time; unread: or why the mailbox can't be read.
    received: its Received fields, latest first (RFC 5321 section 4.4). authentication_results:
    those fields (RFC 8601) of servers on the way; foreign_results: in other names, which anybody
    can write. waited_s: from the end of the walk.
    """

    arrived: bool
    unread: str | None
    received: tuple[str, ...]
    authentication_results: tuple[str, ...]
    waited_s: float
    foreign_results: tuple[str, ...] = ()


class Trace(Struct, frozen=True):
    """One walk from its first look-up to its last reply.

    via: `host:port` where the MX records were not asked for. submission: through a submission
    service, where nothing is queued before it is handed over. arrival: None where no message was
    sent, or nobody looked for it. interrupted: cut off; what no step has settled is not known.
    """

    sender: str
    recipient: str
    via: str | None
    submission: bool
    steps: tuple[TraceStep, ...]
    untried: tuple[Untried, ...] = ()
    arrival: Arrival | None = None
    interrupted: bool = False

    @property
    def visits(self) -> tuple[Way, ...]:
        """The stations of each visit, in order."""
        numbers = dict.fromkeys(step.visit for step in self.steps if step.visit)
        return tuple(
            tuple(step.station for step in self.steps if step.visit == number) for number in numbers
        )

    @property
    def ends(self) -> tuple[Station, ...]:
        """The station that decides about each visit; the domain's own where there was none."""
        return tuple(map(_end, self.visits)) or tuple(step.station for step in self.steps[-1:])

    @property
    def outlook(self) -> Outlook:
        """What a sending MTA would do: the first visit that settles it, settles it."""
        for end in self.ends:
            settled = settles(end)
            if settled is not None:
                return settled
        if self.submission:
            return Outlook.BOUNCES if self.broken else Outlook.RETRIES
        return Outlook.BOUNCES if self.nowhere_to_go else Outlook.RETRIES

    @property
    def nowhere_to_go(self) -> bool:
        """There is no domain, or none of its MX hosts has an address (RFC 5321 section 5.1)."""
        return all(
            end.step in (Step.MX, Step.ADDRESS) and end.state is StationState.BROKEN
            for end in self.ends
        )

    @property
    def broken(self) -> bool:
        """Every visit ended with an answer that says no."""
        return all(end.state is StationState.BROKEN for end in self.ends)

    @property
    def settled_by(self) -> str:
        """The host whose answer settles the outlook; empty where the message is tried again."""
        settled = next((end for end in self.ends if settles(end) is not None), None)
        return next((step.host for step in self.steps if step.station is settled), "")


def _end(way: Way) -> Station:
    """The station that decides about one visit: the message itself, where it was sent."""
    data = next((station for station in way if station.step is Step.DATA), None)
    if data is not None and data.state is not StationState.NOT_SENT:
        return data
    return decisive(tuple(station for station in way if station.step is not Step.QUIT))


def settles(end: Station) -> Outlook | None:
    """What a sender does after a visit that ended so; None where it goes on to the next address.

    It is done when the message is handed over, and when MAIL, RCPT or the message is refused for
    good: a 5yz there speaks for the domain, whichever of its hosts says it (RFC 5321 section 5.1
    has it try others after a transient failure only).
    """
    if end.state is StationState.PASSED and end.step in (Step.RCPT, Step.DATA):
        return Outlook.DELIVERS
    refused = end.state is StationState.BROKEN and end.answered.startswith("5")
    if refused and end.step in (Step.MAIL, Step.RCPT, Step.DATA):
        return Outlook.BOUNCES
    return None
