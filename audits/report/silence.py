"""Unknowns: what was silent, at which layer and in whose words, and how to ask again."""

import shlex
from typing import Final

from msgspec import Struct

from audits.evaluate.result import Unseen
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.report.anchor import Named, owner_of
from audits.report.material import Material
from audits.report.sanitise import visible
from audits.report.words import LAYERS, clock, counted, number
from audits.subject import Subject, sort_key

_FULL: Final = 25
_WORDS: Final = 3
_PAGE: Final = 5


class Silence(Struct, frozen=True):
    """One subject that was silent at one layer.

    said: the words, each once, at most three; more: how many others there were.
    kinds: of facts that are missing. audits: that could not decide; results: how many they are.
    at: time of the first of them, empty where unknown. again: the command that asks once more.
    """

    subject: Named
    said: tuple[str, ...]
    more: int
    kinds: tuple[str, ...]
    audits: tuple[str, ...]
    results: int
    at: str
    again: str
    more_words: str
    results_words: str


class Layer(Struct, frozen=True):
    """Everything that one layer hid. full: the silences that hide most; names: the rest.

    long: it may not fit a printed page.
    """

    reason: Reason
    title: str
    anchor: str
    long: bool
    subjects: int
    results: int
    sentence: str
    full: tuple[Silence, ...]
    names: tuple[Named, ...]
    names_words: str


def layers(material: Material) -> tuple[Layer, ...]:
    """Silences by layer, the one that hides most first."""
    found: dict[Reason, dict[Subject, list[tuple[Unseen, str, Subject]]]] = {}
    for result in material.results:
        if result.outcome is Outcome.UNKNOWN:
            for unseen in result.unknown:
                by_subject = found.setdefault(unseen.reason, {})
                hidden = (unseen, result.audit, result.subject)
                by_subject.setdefault(unseen.subject, []).append(hidden)
    built = [_layer(reason, by_subject, material) for reason, by_subject in found.items()]
    return tuple(sorted(built, key=lambda layer: (-layer.results, layer.reason)))


def _layer(
    reason: Reason,
    by_subject: dict[Subject, list[tuple[Unseen, str, Subject]]],
    material: Material,
) -> Layer:
    order = sorted(by_subject, key=lambda s: (-len(by_subject[s]), sort_key(s)))
    results = len({(audit, about) for hidden in by_subject.values() for _, audit, about in hidden})
    return Layer(
        reason,
        LAYERS[reason],
        f"unknown-{reason}",
        len(order) > _PAGE,
        len(order),
        results,
        f"{counted(len(order), 'subject')} silent, {counted(results, 'result')} open",
        tuple(_silence(s, by_subject[s], material) for s in order[:_FULL]),
        tuple(material.named(s) for s in order[_FULL:]),
        f"{number(len(order[_FULL:]))} more, by name",
    )


def _silence(
    subject: Subject, hidden: list[tuple[Unseen, str, Subject]], material: Material
) -> Silence:
    said = list(dict.fromkeys(visible(unseen.detail) for unseen, _, _ in hidden))
    kinds = sorted({unseen.kind for unseen, _, _ in hidden if unseen.kind})
    times = [p.at for kind in kinds if (p := material.provenance(kind, subject)) is not None]
    return Silence(
        material.named(subject),
        tuple(said[:_WORDS]),
        len(said[_WORDS:]),
        tuple(map(visible, kinds)),
        tuple(sorted({audit for _, audit, _ in hidden})),
        len({(audit, about) for _, audit, about in hidden}),
        clock(min(times)) if times else "",
        ask_again(subject, hidden[0][2]),
        f"and {counted(len(said[_WORDS:]), 'other answer')}",
        counted(len({(audit, about) for _, audit, about in hidden}), "result"),
    )


def ask_again(silent: Subject, about: Subject) -> str:
    """The command that runs everything again for whoever was silent, fit to be pasted."""
    owner = owner_of(silent) or owner_of(about)
    return f"mailproof run -l {shlex.quote(visible(owner.name))}" if owner else "mailproof run"
