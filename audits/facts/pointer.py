"""JSON pointers (RFC 6901) into facts."""

from functools import lru_cache
from typing import NoReturn

from msgspec import Struct


def pointer_value(fact: Struct, pointer: str) -> object:
    """What a pointer into a fact refers to. Raises LookupError where it leads nowhere."""
    value: object = fact
    for part in _parts(pointer):
        if isinstance(value, tuple) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Struct) and part in value.__struct_fields__:
            value = getattr(value, part)
        else:
            _nowhere(pointer, part)
    return value


@lru_cache(maxsize=4096)  # audits point to the same few places of thousands of facts
def _parts(pointer: str) -> tuple[str, ...]:
    if pointer and not pointer.startswith("/"):
        raise LookupError(f"pointer {pointer!r} does not begin with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _nowhere(pointer: str, part: str) -> NoReturn:
    raise LookupError(f"pointer {pointer!r}: there is no {part!r}")
