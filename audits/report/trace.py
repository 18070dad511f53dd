"""A trace in words: its steps, what a break means and how to mend it, and what becomes of mail."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from audits.facts.dane import TlsaSet
from audits.facts.delivery import StationState
from audits.facts.fact import Fact, Reason, Step
from audits.facts.https import MtaStsPolicy
from audits.facts.tls import CertificateChain
from audits.facts.trace import Arrival, Outlook, Trace, TraceStep
from audits.report.cause import Explanation, Place, explanation
from audits.report.figure import LABELS
from audits.report.sanitise import visible
from audits.report.words import counted, day, duration, listed

SCHEMA: Final = "mailproof/trace/v1"
_NAMES: Final = 6
_FIELD: Final = 1000


class StepLine(Struct, frozen=True):
    """One step to be printed; everything in it is safe to show.

    label: `MX`, `TCP 25`. who: name and address of who answered. said: in their words.
    notes: what belongs to it, a clause each. explained: where mail stops there, else None.
    """

    state: StationState
    label: str
    took: str
    who: str
    said: str
    notes: tuple[str, ...]
    explained: Explanation | None


def step_line(step: TraceStep, sender: str, recipient: str) -> StepLine:
    """A step in words."""
    station = step.station
    in_dns = station.step in (Step.MX, Step.ADDRESS)
    who = step.address if in_dns else _who(step.host, step.address)
    about = f"{step.host}: " if station.step is Step.ADDRESS else ""
    label = LABELS[station.step]
    return StepLine(
        station.state,
        f"{label} {step.port}" if station.step is Step.TCP else label,
        "" if step.elapsed_s is None else duration(step.elapsed_s),
        visible(who),
        visible(about + station.detail),
        tuple(note for fact in step.beside for note in _notes(fact, step.at)),
        explanation(station, _place(step, sender, recipient)),
    )


def verdict(trace: Trace) -> str:
    """What becomes of a message now, in a sentence or two."""
    if _cut_short(trace):
        to = visible(trace.recipient)
        return f"Interrupted before it was known what becomes of a message to {to}."
    if trace.submission:
        return _of_submission(trace)
    to = visible(trace.recipient)
    match trace.outlook:
        case Outlook.DELIVERS:
            host = visible(trace.settled_by)
            if any(end.step is Step.DATA for end in trace.ends):
                return f"Delivered: {host} has taken the message to {to}."
            return f"It goes through: a sender here would hand a message to {to} over to {host}."
        case Outlook.BOUNCES:
            if trace.nowhere_to_go:
                return f"It breaks: a sender here would return a message to {to} at once."
            host = visible(trace.settled_by)
            return (
                f"It breaks: a sender here would return a message to {to} at once; what {host} "
                "says is final, and no other host is tried."
            )
        case Outlook.RETRIES if trace.broken:
            return (
                f"It breaks: no host takes a message to {to}. A sender here keeps it in its queue, "
                "tries again, and returns it after some days."
            )
        case Outlook.RETRIES:
            return (
                f"Undecided: a sender here keeps a message to {to} in its queue and tries again "
                "later, for some days."
            )


def remarks(trace: Trace) -> tuple[str, ...]:
    """What only the whole walk tells: on whose side a port is filtered."""
    states = {
        (step.host, step.port): step.station
        for step in trace.steps
        if step.station.step is Step.TCP
    }
    filtered = [
        (visible(host), port)
        for (host, port), station in states.items()
        if station.reason is Reason.FILTERED
    ]
    if not filtered:
        return ()
    answered = [
        visible(host)
        for (host, _), station in states.items()
        if station.answered in ("open", "closed")
    ]
    hosts, port = listed([host for host, _ in filtered]), filtered[0][1]
    if answered:
        return (
            f"Port {port} is let out here, since {answered[0]} answered on it: what swallows the "
            f"connection is on the side of {hosts}.",
        )
    if len(filtered) > 1:
        return (
            f"Neither of {hosts} answered on port {port}: most likely this network does not let "
            "it out.",
        )
    return ()


def trace_object(trace: Trace, *, started: str, vantage: str, version: str) -> dict[str, Any]:
    """The trace as plain builtins, schema `mailproof/trace/v1`; all text is safe to show."""
    return {
        "schema": SCHEMA,
        "version": version,
        "started": started,
        "vantage": vantage,
        "sender": visible(trace.sender),
        "recipient": visible(trace.recipient),
        "via": None if trace.via is None else visible(trace.via),
        "steps": [_step_object(step, trace) for step in trace.steps],
        "interrupted": trace.interrupted,
        "untried": [
            {"host": visible(left.host), "why": visible(left.why)} for left in trace.untried
        ],
        "arrival": None if trace.arrival is None else _arrival_object(trace.arrival),
        "result": result(trace),
        "message_now": None if _cut_short(trace) else trace.outlook.value,
        "sentence": verdict(trace),
        "remarks": list(remarks(trace)),
    }


def result(trace: Trace) -> str:
    """`through`, `breaks` or `undecided`; a message that was sent has to arrive where it is looked
    for, and a trace that was cut off decides nothing."""
    if trace.interrupted:
        return "undecided"
    if trace.outlook is Outlook.DELIVERS and trace.arrival is not None:
        return "through" if trace.arrival.arrived else "undecided"
    if trace.outlook is Outlook.DELIVERS:
        return "through"
    return "breaks" if trace.outlook is Outlook.BOUNCES or trace.broken else "undecided"


def arrival_lines(arrival: Arrival) -> tuple[str, ...]:
    """What was found in the mailbox, a line each, safe to show."""
    waited = duration(arrival.waited_s)
    if arrival.unread is not None:
        return (f"The mailbox can't be read: {visible(arrival.unread)}",)
    if not arrival.arrived:
        return (f"It did not arrive within {waited}; it may be on its way still.",)
    return (
        f"It arrived after {waited}.",
        *(f"Received: {visible(field, _FIELD)}" for field in arrival.received),
        *(
            f"Authentication-Results: {visible(field, _FIELD)}"
            for field in arrival.authentication_results
        ),
        *(
            "Authentication-Results in the name of no server on the way, not to be believed: "
            + visible(field, _FIELD)
            for field in arrival.foreign_results
        ),
    )


def _arrival_object(arrival: Arrival) -> dict[str, Any]:
    return {
        "arrived": arrival.arrived,
        "unread": None if arrival.unread is None else visible(arrival.unread),
        "waited_s": arrival.waited_s,
        "received": [visible(field, _FIELD) for field in arrival.received],
        "authentication_results": [
            visible(field, _FIELD) for field in arrival.authentication_results
        ],
        "foreign_authentication_results": [
            visible(field, _FIELD) for field in arrival.foreign_results
        ],
    }


def _step_object(step: TraceStep, trace: Trace) -> dict[str, Any]:
    line = step_line(step, trace.sender, trace.recipient)
    station, why = step.station, line.explained
    return {
        "visit": step.visit,
        "step": station.step.value,
        "state": station.state.value,
        "host": visible(step.host),
        "address": visible(step.address),
        "port": step.port,
        "elapsed_s": step.elapsed_s,
        "at": step.at.isoformat(),
        "answered": visible(station.answered),
        "said": visible(station.detail),
        "reason": None if station.reason is None else station.reason.value,
        "notes": list(line.notes),
        "cause": None if why is None else why.cause.value,
        "means": None if why is None else why.means,
        "mend": None if why is None else why.mend,
    }


def _cut_short(trace: Trace) -> bool:
    """What was seen before an interrupt settles nothing."""
    return trace.interrupted and not trace.settled_by


def _of_submission(trace: Trace) -> str:
    via, to = visible(trace.via or ""), visible(trace.recipient)
    match result(trace):
        case "through":
            sent = any(end.step is Step.DATA for end in trace.ends)
            if sent:
                return f"Delivered: {via} has taken the message to {to}."
            return f"It goes through: {via} takes a message to {to}."
        case "breaks":
            return f"It breaks: a mail program can't hand a message to {to} over to {via}."
        case _:
            return f"Undecided: whether {via} takes a message to {to} was not seen."


def _who(host: str, address: str) -> str:
    return f"{host} [{address}]" if address and address != host else host or address


def _place(step: TraceStep, sender: str, recipient: str) -> Place:
    domain = recipient.rpartition("@")[2]
    return Place(domain, step.host, step.address, step.port, recipient, sender or "<>")


def _notes(fact: Fact, at: datetime) -> list[str]:
    """What is to be said of a fact that belongs to a step."""
    match fact:
        case CertificateChain():
            return [_certificate(fact, at)]
        case TlsaSet():
            found = counted(len(fact.records), "secure TLSA record")
            return [f"DANE: {found} at {visible(fact.name)}, so senders that heed it need TLS"]
        case MtaStsPolicy():
            hosts = visible(", ".join(fact.mx[:_NAMES]))
            return [f"MTA-STS: in force for {hosts}, so senders that heed it need trusted TLS"]
        case _:
            return []


def _certificate(chain: CertificateChain, at: datetime) -> str:
    leaf = chain.leaf
    if leaf is None:
        return f"certificate: {visible(chain.malformed or 'none that can be read')}"
    names = [*leaf.dns_names, *leaf.ip_addresses]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    shown = visible(", ".join(names[:_NAMES])) or "no name"
    trust = chain.verification
    trusted = "trusted"
    if not leaf.not_before <= at <= leaf.not_after:
        trusted = "outside its dates"
    elif trust is None or trust.code:
        trusted = f"not trusted: {visible(trust.message)}" if trust else "not trusted"
    dates = f"from {day(leaf.not_before)} to {day(leaf.not_after)}"
    return f"certificate: for {shown}{more}; {dates}; {trusted}"
