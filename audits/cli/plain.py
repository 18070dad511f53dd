"""Options and arguments whose values are what was typed, and need nothing to convert them.

Typer has pydantic convert them, which takes longer to import than a verb. Whatever needs more than
is done here still gets it there, and Typer's own messages.
"""

import os
from pathlib import Path
from typing import Any, Final

from typer.core import TyperArgument, TyperCommand, TyperOption

_NO: Final = object()


# Typer keeps the types of contexts and parameters to itself.
class PlainCommand(TyperCommand):
    """A command that takes its parameters plainly."""

    def get_params(self, ctx: Any) -> Any:
        return plainly(super().get_params(ctx))


class _Option(TyperOption):
    def process_value(self, ctx: Any, value: Any) -> Any:
        taken = _taken(self, ctx, value)
        return super().process_value(ctx, value) if taken is _NO else taken


class _Argument(TyperArgument):
    def process_value(self, ctx: Any, value: Any) -> Any:
        taken = _taken(self, ctx, value)
        return super().process_value(ctx, value) if taken is _NO else taken


def plainly(parameters: Any) -> Any:
    """The same parameters, which take plain values as they are."""
    plain: dict[object, type] = {TyperOption: _Option, TyperArgument: _Argument}
    for parameter in parameters:
        parameter.__class__ = plain.get(type(parameter), type(parameter))
    return parameters


def _taken(parameter: TyperOption | TyperArgument, ctx: Any, value: Any) -> Any:
    """What a verb gets of text, of a path and of a default; `_NO` for all else."""
    taken = _as_typed(parameter, value)
    if taken is _NO or parameter.callback is None:
        return taken
    return parameter.callback(ctx, parameter, taken)


def _as_typed(parameter: TyperOption | TyperArgument, value: Any) -> Any:
    kind: Any = parameter.type_descriptor.annotation
    if value is None:
        if parameter.required:
            return _NO
        return () if parameter.multiple or parameter.nargs == -1 else None
    if kind is Path and isinstance(value, str):
        # One that is there and can't be read, Typer has words for.
        return Path(value) if os.access(value, os.R_OK) or not os.path.lexists(value) else _NO
    if kind == list[str] and isinstance(value, list | tuple):
        return [*value]
    return value if isinstance(kind, type) and isinstance(value, kind) else _NO
