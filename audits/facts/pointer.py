"""JSON pointers (RFC 6901) into facts."""

from collections.abc import Iterator
from typing import NoReturn

from msgspec import Struct


def pointer_value(fact: Struct, pointer: str) -> object:
    """What a pointer into a fact refers to. Raises LookupError where it leads nowhere."""
    value: object = fact
    for part in _parts(pointer):
        match value:
            case tuple() if part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            case Struct() if part in value.__struct_fields__:
                value = getattr(value, part)
            case _:
                _nowhere(pointer, part)
    return value


def _parts(pointer: str) -> Iterator[str]:
    if pointer and not pointer.startswith("/"):
        raise LookupError(f"pointer {pointer!r} does not begin with '/'")
    for part in pointer.split("/")[1:]:
        yield part.replace("~1", "/").replace("~0", "~")


def _nowhere(pointer: str, part: str) -> NoReturn:
    raise LookupError(f"pointer {pointer!r}: there is no {part!r}")
