"""Facts and observations to JSON lines and back, typed and strict."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Union

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


def _fact_types() -> dict[str, type[Fact]]:
    """Every kind of fact, by the name that it is stored under."""
    for module in iter_modules(audits.facts.__path__):
        import_module(f"{audits.facts.__name__}.{module.name}")
    return {kind_of(fact): fact for fact in Fact.__subclasses__()}


class _ObservedLine(Struct, tag_field="observation", tag="observed"):
    fact: Any
    provenance: Provenance


class _UnobservedLine(Struct, tag_field="observation", tag="unobserved"):
    kind: str
    subject: Subject
    reason: Reason
    detail: str
    provenance: Provenance


FACT_TYPES: dict[str, type[Fact]] = _fact_types()

_encoder = msgspec.json.Encoder(order="deterministic")
_lines = msgspec.defstruct(
    "_Line",
    [("fact", Union[tuple(FACT_TYPES.values())]), ("provenance", Provenance)],  # noqa: UP007 - built at run time
    tag_field="observation",
    tag="observed",
)
_decoder = msgspec.json.Decoder(Union[_lines, _UnobservedLine])  # noqa: UP007 - _lines is a value


def encode_observation(observation: AnyObservation) -> bytes:
    """One JSON object without line break, keys in a fixed order."""
    if isinstance(observation, Observed):
        return _encoder.encode(_ObservedLine(observation.fact, observation.provenance))
    return _encoder.encode(
        _UnobservedLine(
            observation.kind,
            observation.subject,
            observation.reason,
            observation.detail,
            observation.provenance,
        )
    )


def decode_observation(line: bytes, where: str) -> AnyObservation:
    """The observation on a line that `encode_observation` wrote.

    `where` is `file:line`. Raises SnapshotError naming it, the key and what was found.
    """
    try:
        decoded: Any = _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{where}: not an observation of this version: {error}") from error
    if isinstance(decoded, _UnobservedLine):
        if decoded.kind not in FACT_TYPES:
            raise SnapshotError(f"{where}: unknown kind of fact {decoded.kind!r}")
        return Unobserved(
            decoded.kind, decoded.subject, decoded.reason, decoded.detail, decoded.provenance
        )
    return Observed(decoded.fact, decoded.provenance)


def pointer_value(fact: Fact, pointer: str) -> object:
    """What a JSON pointer (RFC 6901) into a fact refers to.

    Raises LookupError where it leads nowhere.
    """
    value: object = fact
    for part in _pointer_parts(pointer):
        if isinstance(value, tuple | list):
            value = (
                value[int(part)] if part.isdigit() and int(part) < len(value) else _nowhere(part)
            )
        elif isinstance(value, Struct) and part in value.__struct_fields__:
            value = getattr(value, part)
        else:
            _nowhere(part)
    return value


def _pointer_parts(pointer: str) -> Iterator[str]:
    if pointer and not pointer.startswith("/"):
        raise LookupError(f"pointer {pointer!r} does not begin with '/'")
    for part in pointer.split("/")[1:]:
        yield part.replace("~1", "/").replace("~0", "~")


def _nowhere(part: str) -> object:
    raise LookupError(f"there is no {part!r} here")
