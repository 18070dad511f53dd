"""Observations to JSON lines and back, typed and strict."""

from functools import cache, reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import Any

import msgspec
from msgspec import Struct

import audits.facts
from audits.errors import SnapshotError
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Provenance,
    Reason,
    Unobserved,
    kind_of,
)
from audits.subject import Subject


class _ObservedLine(Struct, tag_field="observation", tag="observed"):
    fact: Any
    provenance: Provenance


class _UnobservedLine(Struct, tag_field="observation", tag="unobserved"):
    kind: str
    subject: Subject
    reason: Reason
    detail: str
    provenance: Provenance


@cache
def fact_types() -> dict[str, type[Fact]]:
    """Every kind of fact, by the name that it is stored under."""
    for module in iter_modules(audits.facts.__path__):
        import_module(f"{audits.facts.__name__}.{module.name}")
    return {kind_of(fact): fact for fact in Fact.__subclasses__()}


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    fact: Any = reduce(or_, fact_types().values())
    observed: Any = msgspec.defstruct(
        "ObservedLine",
        [("fact", fact), ("provenance", Provenance)],
        tag_field="observation",
        tag="observed",
    )
    return msgspec.json.Decoder(observed | _UnobservedLine)


_encoder = msgspec.json.Encoder(order="deterministic")


def encode_observation(observation: AnyObservation) -> bytes:
    """One JSON object without line break, keys in a fixed order."""
    match observation:
        case Observed(fact, provenance):
            return _encoder.encode(_ObservedLine(fact, provenance))
        case Unobserved(kind, subject, reason, detail, provenance):
            return _encoder.encode(_UnobservedLine(kind, subject, reason, detail, provenance))


def decode_observation(line: bytes, where: str) -> AnyObservation:
    """The observation on a line that `encode_observation` wrote.

    `where` is `file:line`. Raises SnapshotError naming it, the key and what was found.
    """
    try:
        decoded = _decoder().decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{where}: not an observation of this version: {error}") from error
    if not isinstance(decoded, _UnobservedLine):
        return Observed(decoded.fact, decoded.provenance)
    if decoded.kind not in fact_types():
        raise SnapshotError(f"{where}: unknown kind of fact {decoded.kind!r}")
    return Unobserved(
        decoded.kind, decoded.subject, decoded.reason, decoded.detail, decoded.provenance
    )
