"""Numbers, lists and outcomes in words, the same in every report."""

from collections.abc import Sequence
from datetime import datetime

from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason

OUTCOMES: dict[Outcome, str] = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.ERROR: "error",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.NOT_APPLICABLE: "not applicable",
}

LAYERS: dict[Reason, str] = {
    Reason.DNS_TIMEOUT: "The DNS did not answer in time",
    Reason.SERVFAIL: "The resolver answered SERVFAIL",
    Reason.DNS_REFUSED: "The resolver refused to answer",
    Reason.UNVALIDATED: "The resolver does not validate DNSSEC",
    Reason.EGRESS_BLOCKED: "This vantage does not get out on port 25",
    Reason.FILTERED: "A filter swallowed the connection",
    Reason.UNREACHABLE: "The network does not lead there",
    Reason.TIMEOUT: "The server fell silent",
    Reason.DISCONNECTED: "The server hung up",
    Reason.PROTOCOL: "The server did not speak the protocol",
    Reason.THROTTLED: "The server asked to come back later",
    Reason.DEFERRED: "The server put the answer off",
    Reason.TLS: "The TLS layer broke off",
    Reason.HTTP: "The web server gave no usable answer",
    Reason.DENIED: "Access was denied",
    Reason.INTERNAL: "A collector of ours broke",
    Reason.INTERRUPTED: "The run was cut off",
    Reason.UNREADABLE: "A file can't be read",
    Reason.NOT_COLLECTED: "The run did not ask",
    Reason.NOT_UNDER_REVIEW: "The files under review do not tell",
    Reason.NOT_DECLARED: "The inventory does not say",
    Reason.AMBIGUOUS: "What was seen can mean more than one thing",
    Reason.REFUSED: "The connection was refused",
    Reason.NOT_OFFERED: "The server does not offer it",
    Reason.ABSENT: "There is nothing there",
    Reason.SKIPPED: "It was right not to ask",
}


def number(count: int) -> str:
    """`2,014`."""
    return f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 host`, `2,014 hosts`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def day(at: datetime) -> str:
    """`23 November 2026`."""
    return f"{at.day} {at:%B %Y}"


def clock(at: datetime) -> str:
    """`02:01:14 UTC`; the caller gives aware UTC."""
    return f"{at:%H:%M:%S} UTC"


def span(started: datetime, ended: datetime) -> str:
    """`23 November 2026, 02:00 to 02:03 UTC`, with both days where they differ; a minute once."""
    if f"{started:%F %H:%M}" == f"{ended:%F %H:%M}":
        return f"{day(started)}, {started:%H:%M} UTC"
    if started.date() == ended.date():
        return f"{day(started)}, {started:%H:%M} to {ended:%H:%M} UTC"
    return f"{day(started)}, {started:%H:%M} to {day(ended)}, {ended:%H:%M} UTC"


def duration(seconds: float) -> str:
    """`21 ms`, `1.4 s`, `35 s`, `12 min`."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{round(seconds)} s" if seconds < 120 else f"{round(seconds / 60)} min"
