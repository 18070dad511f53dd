"""What a host's services said to attempts at relaying, form by form, at a glance."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Final

from msgspec import Struct

from audits.facts.declared import HostRoles
from audits.facts.relay import Delivery, FormOutcome, RelayForm, RelayProbes
from audits.facts.snapshot import Snapshot
from audits.report.sanitise import visible
from audits.report.words import counted, duration
from audits.subject import MailHost

_ROWS: Final = 12
_LONGEST: Final = 160

# What is worst stands first; the mark is that of an outcome of an audit.
_OUTCOMES: Final = {
    FormOutcome.ACCEPTED: "fail",
    FormOutcome.DEFERRED: "unknown",
    FormOutcome.NOT_TESTED: "unknown",
    FormOutcome.SYNTAX: "pass",
    FormOutcome.DENIED: "pass",
}
_WORDS: Final = {FormOutcome.NOT_TESTED: "not tested", FormOutcome.SYNTAX: "refused as syntax"}


class RelayAnswer(Struct, frozen=True):
    """Forms that came to the same. words: `6 accepted inside TLS`; forms: their labels, each once.

    said: the reply to the first of them, or why there was none.
    """

    mark: str
    words: str
    forms: tuple[str, ...]
    said: str


class RelayRow(Struct, frozen=True):
    """One service. notes: from where it was asked, recipients that exist nowhere, the canary."""

    name: str
    answers: tuple[RelayAnswer, ...]
    notes: tuple[str, ...]


def relay_rows(host: MailHost, snapshot: Snapshot) -> tuple[RelayRow, ...]:
    """The services of a host that were asked to relay, at most twelve, by port."""
    roles = snapshot.fact(HostRoles, host)
    found = (snapshot.fact(RelayProbes, s) for s in (roles.services if roles else ())[:_ROWS])
    return tuple(_row(probes) for probes in found if probes is not None)


def _row(probes: RelayProbes) -> RelayRow:
    service = probes.subject
    return RelayRow(
        visible(f"{service.port}, {service.address}"),
        tuple(_answers(probes.forms)),
        tuple(_notes(probes)),
    )


def _answers(forms: tuple[RelayForm, ...]) -> Iterator[RelayAnswer]:
    """By what they came to, in clear and inside TLS; refused for another reason is told apart."""
    by_kind: defaultdict[tuple[FormOutcome, bool, bool], list[RelayForm]] = defaultdict(list)
    for form in forms:
        by_kind[form.outcome, form.encrypted, form.beside_relaying].append(form)
    kinds = product(_OUTCOMES.items(), (False, True), (False, True))
    for (outcome, mark), encrypted, beside in kinds:
        if alike := by_kind[outcome, encrypted, beside]:
            words = f"{len(alike)} {_WORDS.get(outcome, outcome.value)}"
            words += " inside TLS" if encrypted else ""
            words += ", not about relaying" if beside else ""
            yield _answer("unknown" if beside else mark, words, alike)


def _answer(mark: str, words: str, forms: list[RelayForm]) -> RelayAnswer:
    first = forms[0]
    reply = first.rcpt or first.mail
    labels = dict.fromkeys(visible(f"{form.pattern} {form.label}".strip()) for form in forms)
    said = reply.text if reply is not None else first.note
    return RelayAnswer(mark, words, tuple(labels), visible(said, _LONGEST))


def _notes(probes: RelayProbes) -> Iterator[str]:
    trusted = ", an address that belongs to the host itself" if probes.trusted_vantage else ""
    yield visible(f"asked from {probes.source or 'an address that is not known'}{trusted}")
    if probes.controls:
        counts = Counter(control.outcome for control in probes.controls)
        said = (f"{counts[o]} {_WORDS.get(o, o.value)}" for o in _OUTCOMES if counts[o])
        yield f"recipients that exist nowhere: {', '.join(said)}"
    if probes.data:
        forms = counted(len(probes.data), "accepted form")
        yield visible(f"DATA behind {forms}: {_replies(probes)}", _LONGEST)
    if probes.delivery is not None:
        yield visible(f"message by {probes.delivery.label}: {_came_to(probes.delivery)}", _LONGEST)


def _replies(probes: RelayProbes) -> str:
    said = (str(data.reply.code) if data.reply is not None else data.note for data in probes.data)
    return ", ".join(dict.fromkeys(said))


def _came_to(delivery: Delivery) -> str:
    if delivery.through is not None:
        return f"arrived after {duration(delivery.waited_s)}, through this host"
    if delivery.received is not None:
        return "arrived, without a word of this host in Received"
    if not delivery.taken:
        return f"not taken: {delivery.reply.text if delivery.reply else delivery.note}"
    if delivery.unread is not None:
        return f"taken; the mailbox can't be read: {delivery.unread}"
    return f"taken, and not there after {duration(delivery.waited_s)}"
