"""YAML whose keys and items know their lines, and its decoding into Structs with errors to match.

Scalars are resolved by the core schema of YAML 1.2 (section 10.3.2), except that `.inf` and `.nan`
stay text, since no setting can mean them, and so do dates, which the decoder reads. `<<` merges as
in YAML 1.1, since inventories of Nornir use it.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import Enum
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from audits.errors import ParseError

Key = str | int

MOST_PROBLEMS = 20
_DEEPEST = 64
# What aliases may add: each use of an anchor counts as all that stands under it, so that a few
# lines of nested aliases can't stand for billions of values.
_MOST_ALIASED = 1_000_000
_NEVER_SHOWN = frozenset({"password", "login"})


class LocatedMapping(dict[str, Any]):
    """A mapping in the file's order. line: where it begins; lines: where each key stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.size = 1


class LocatedList(list[Any]):
    """A sequence. line: where it begins; lines: where each item begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []
        self.size = 1


@dataclass(frozen=True)
class Document:
    """A YAML document. name: stands for the file in messages. root: None where it is empty."""

    name: str
    root: Any

    def line(self, path: Sequence[Key] = ()) -> int:
        """The line of the key or item that `path` leads to, or of the last one on the way.

        0 where the document is from no file.
        """
        value, line = self.root, getattr(self.root, "line", 0 if isinstance(self.root, dict) else 1)
        for step in path:
            try:
                line, value = value.lines[step], value[step]
            except (AttributeError, LookupError, TypeError):
                break
        return int(line)

    def where(self, path: Sequence[Key] = ()) -> str:
        """`file:line` of what `path` leads to."""
        line = self.line(path)
        return f"{self.name}:{line}" if line else self.name

    def problem(self, path: Sequence[Key], message: str) -> str:
        """A message with its place: file, line and key."""
        key = f"{show_path(path)}: " if path else ""
        return f"{self.where(path)}: {key}{message}"


def show_path(path: Sequence[Key]) -> str:
    """`mx1.example.net: data.mail.roles[0]`; a name with dots in it ends in a colon."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not text or text.endswith(": "):
            text += step
        else:
            text += f".{step}"
        if isinstance(step, str) and "." in step and step is not path[-1]:
            text += ": "
    return text


def nearest(wrong: str, known: Sequence[str]) -> str:
    """`; did you mean 'receives'?` for a misspelling, else nothing."""
    close = get_close_matches(wrong, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


# --- reading ------------------------------------------------------------------------------------

# What is not c-printable, YAML 1.2 section 5.1. Said the other way round, with all that may stand
# in a file, it would take most of this module's time to import.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")


def parse_yaml(text: str, name: str) -> Document:
    """The one document of a YAML file; `name` stands for the file in messages.

    Raises ParseError with file and line: bad syntax, a key that stands twice (with both lines), a
    tag, an alias without anchor, nesting or aliases beyond bounds, a second document.
    """
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        raise ParseError(
            f"{name}:{line}: found the character U+{ord(unprintable.group()):04X}, "
            "expected printable text"
        )
    try:
        # libyaml, where it is installed, is twenty times as fast.
        return Document(name, _build(text, name, pure=False))
    except YAMLError:
        # It reads YAML 1.1, where `[2001:db8::1]` needs quotes; what it refuses may be right.
        return _parse_slowly(text, name)


def _parse_slowly(text: str, name: str) -> Document:
    try:
        return Document(name, _build(text, name, pure=True))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        during = f" {error.context}" if error.context else ""
        raise ParseError(f"{name}:{line}: not YAML{during}: {error.problem}") from error
    except YAMLError as error:
        raise ParseError(f"{name}:1: not YAML: {error}") from error


def _build(text: str, name: str, *, pure: bool) -> Any:
    builder = _Builder(name)
    for event in YAML(typ="safe", pure=pure).parse(text):
        builder.take(event)
    return builder.root


class _Builder:
    """Builds values from events, so that neither depth nor aliases cost more than their bounds."""

    def __init__(self, name: str) -> None:
        self.root: Any = None
        self._name = name
        self._documents = 0
        self._open: list[tuple[LocatedMapping | LocatedList, str | None]] = []
        self._anchors: dict[str, Any] = {}
        self._aliased = 0
        self._key: tuple[str, int] | None = None

    def take(self, event: Event) -> None:
        line = event.start_mark.line + 1
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._error(line, "found a second document, expected one")
            case AliasEvent():
                self._place_alias(event.anchor, line)
            case ScalarEvent():
                self._place_scalar(event, line)
            case MappingStartEvent():
                self._begin(LocatedMapping(line), event, line)
            case SequenceStartEvent():
                self._begin(LocatedList(line), event, line)
            case MappingEndEvent() | SequenceEndEvent():
                self._end()

    def _error(self, line: int, what: str) -> ParseError:
        key = f"{self._key[0]}: " if self._key else ""
        return ParseError(f"{self._name}:{line}: {key}{what}")

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], LocatedMapping) and not self._key

    def _begin(self, value: LocatedMapping | LocatedList, event: Any, line: int) -> None:
        if event.tag is not None:
            raise self._error(line, "found a tag, expected a plain mapping or list")
        if len(self._open) >= _DEEPEST:
            raise self._error(line, f"found more than {_DEEPEST} levels, expected fewer")
        if self._awaits_key():
            raise self._error(line, "found a mapping or list as a key, expected text")
        self._place(value, line)
        self._open.append((value, event.anchor))

    def _end(self) -> None:
        value, anchor = self._open.pop()
        if anchor is not None:
            self._anchors[anchor] = value
        if self._open:
            self._open[-1][0].size += value.size
        if isinstance(value, LocatedMapping) and "<<" in value:
            self._merge(value)

    def _merge(self, value: LocatedMapping) -> None:
        line = value.lines.pop("<<")
        source = value.pop("<<")
        for one in source if isinstance(source, LocatedList) else (source,):
            if not isinstance(one, LocatedMapping):
                raise self._error(line, "<<: found no mapping, expected one to merge")
            for key in one.keys() - value.keys():
                value[key], value.lines[key] = one[key], one.lines[key]

    def _place_alias(self, anchor: str, line: int) -> None:
        # The anchor's name is not quoted: it may be a password that begins with `*`.
        if anchor not in self._anchors:
            raise self._error(line, "found an alias (`*`), expected its anchor (`&`) further up")
        value = self._anchors[anchor]
        size = getattr(value, "size", 1)
        self._aliased += size
        if self._aliased > _MOST_ALIASED:
            raise self._error(line, "found aliases of aliases that stand for too many values")
        if self._awaits_key():
            if not isinstance(value, str):
                raise self._error(line, "found an alias of no text as a key, expected text")
            self._take_key(value, line)
            return
        self._place(value, line)
        if self._open:
            self._open[-1][0].size += size

    def _place_scalar(self, event: Any, line: int) -> None:
        text: str = event.value
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._error(line, "found a tag, expected a plain value")
        if self._awaits_key():
            value: Any = text
            self._take_key(text, line)
        else:
            # Some parsers say `!!str` for text that is merely quoted; a style tells the same.
            plain = event.tag is None and not event.style
            value = _resolve(text) if plain else text
            self._place(value, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _take_key(self, text: str, line: int) -> None:
        mapping = self._open[-1][0]
        assert isinstance(mapping, LocatedMapping)
        if text in mapping:
            raise self._error(
                line, f"found key {text!r} again, expected it once; it stands at line "
                f"{mapping.lines[text]} already"
            )  # fmt: skip
        self._key = (text, line)

    def _place(self, value: Any, line: int) -> None:
        if not self._open:
            self.root = value
            return
        container = self._open[-1][0]
        if isinstance(container, LocatedList):
            container.append(value)
            container.lines.append(line)
        else:
            assert self._key is not None
            key, key_line = self._key
            container[key] = value
            container.lines[key] = key_line
            self._key = None
        container.size += 1


def _resolve(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "-+.0123456789":
        if _INTEGER.fullmatch(text) and len(text) < 20:
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text) and "inf" not in str(float(text)):
            return float(text)
    return text


# --- decoding -----------------------------------------------------------------------------------


def decode(document: Document, kind: Any, *, at: Sequence[Key] = ()) -> Any:
    """What stands under `at`, as the given type, strictly: msgspec's conversion.

    Raises ParseError with a line for each problem: file, line, key, found and expected. Values
    under the keys `password` and `login` are never quoted.
    """
    value = document.root
    for step in at:
        value = value[step]
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        problems = list(islice(_problems(document, value, kind, tuple(at)), MOST_PROBLEMS + 1))
        if len(problems) > MOST_PROBLEMS:
            problems[-1] = f"{document.name}: and more; the first {MOST_PROBLEMS} are shown"
        raise ParseError("\n".join(problems)) from None  # its own message says less


def _problems(document: Document, value: Any, kind: Any, at: tuple[Key, ...]) -> Iterator[str]:
    """One after the other: what is wrong is taken out of a copy, and the rest tried again."""
    value = copy.deepcopy(value)
    removed: set[tuple[Key, ...]] = set()
    while True:
        try:
            msgspec.convert(value, kind)
            return
        except msgspec.ValidationError as error:
            place = _culprit(value, kind, str(error))
            wrong = place.path
            if (unknown := _unknown_key(error)) is not None:
                yield _unknown(document, at, place, unknown)
                wrong = (*place.path, unknown)
            elif str(error).startswith("Object missing required field"):
                yield from _missing(document, at, place, removed)
            else:
                yield _mismatch(document, at, place)
            removed.add(wrong)
            if not _remove(value, wrong):
                return


@dataclass(frozen=True)
class _Place:
    path: tuple[Key, ...]
    value: Any
    kind: Any


_STEPS = re.compile(r"\.(\w+)|\[(\d+)\]|\[(\.\.\.)\]")


def _unknown_key(error: msgspec.ValidationError) -> str | None:
    found = re.match(r"Object contains unknown field `([^`]*)`", str(error))
    return found.group(1) if found else None


def _culprit(value: Any, kind: Any, message: str) -> _Place:
    """The value that a ValidationError speaks of, with its type, by the path in the message."""
    path: list[Key] = []
    _, _, dollar = message.rpartition(" - at `$")
    for name, index, any_key in _STEPS.findall(dollar if " - at `$" in message else ""):
        kind = _arm(kind, value)
        if any_key:
            step, kind = _bad_key(value, get_args(kind)[1])
        elif name:
            step, kind = name, _field_types(kind)[name]
        else:
            step, kind = int(index), _item_type(kind, int(index))
        path.append(step)
        value = value[step]
    return _Place(tuple(path), value, kind)


def _bad_key(value: Any, kind: Any) -> tuple[Key, Any]:
    """msgspec does not say which value of a mapping is wrong, only that one is."""
    for key, item in value.items():
        try:
            msgspec.convert(item, kind)
        except msgspec.ValidationError:
            return key, kind
    raise LookupError("every value of the mapping is right")


def _arms(kind: Any) -> tuple[Any, ...]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _arms(get_args(kind)[0])
    if origin in (Union, UnionType):
        return tuple(arm for part in get_args(kind) for arm in _arms(part))
    return (kind,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _arm(kind: Any, value: Any) -> Any:
    """The member of a union that the value was tried as."""
    for arm in _arms(kind):
        origin = get_origin(arm)
        if isinstance(value, dict) and (_is_struct(arm) or origin is dict):
            return arm
        if isinstance(value, list) and origin in (list, tuple):
            return arm
    return _arms(kind)[0]


def _field_types(kind: Any) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _item_type(kind: Any, index: int) -> Any:
    items = get_args(kind)
    return items[0] if len(items) == 1 or items[-1] is Ellipsis else items[index]


def _remove(value: Any, path: tuple[Key, ...]) -> bool:
    """Takes the key at `path` out, or the list that the item is in; False where that is all."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    if not path:
        return False
    for step in path[:-1]:
        value = value[step]
    del value[path[-1]]
    return True


def _unknown(document: Document, at: tuple[Key, ...], place: _Place, key: str) -> str:
    known = list(_field_types(_arm(place.kind, place.value)))
    inside = (*at, *place.path)
    prefix = f"{show_path(inside)}: " if inside else ""
    where = document.where((*inside, key))
    return (
        f"{where}: {prefix}found key {key!r}, expected one of {', '.join(known)}"
        f"{nearest(key, known)}"
    )


def _missing(
    document: Document, at: tuple[Key, ...], place: _Place, removed: set[tuple[Key, ...]]
) -> Iterator[str]:
    """A message for each required key that was never there."""
    inside = (*at, *place.path)
    found = ", ".join(place.value) or "no key at all"
    for field in msgspec.structs.fields(_arm(place.kind, place.value)):
        key = field.encode_name
        if field.required and key not in place.value and (*place.path, key) not in removed:
            yield document.problem(
                inside,
                f"key {key!r} is missing: found {found}, expected it too, with "
                f"{_expected(field.type)}",
            )


def _mismatch(document: Document, at: tuple[Key, ...], place: _Place) -> str:
    path = (*at, *place.path)
    secret = any(step in _NEVER_SHOWN for step in path)
    found = "a value that is not shown" if secret else show(place.value)
    expected = _expected(place.kind) + _hint(place, secret=secret)
    return document.problem(path, f"found {found}, expected {expected}")


def show(value: Any) -> str:
    """A value of a file in a message, cut short where it is long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str() if len(value) > 60:
            return repr(value[:60] + "…")
        case _:
            return repr(value)


_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    date: "a date such as 2026-01-15",
    NoneType: "nothing",
}


def _expected(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        for extra in get_args(kind)[1:]:
            if isinstance(extra, msgspec.Meta) and extra.description:
                return extra.description
        return _expected(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        arms = [arm for arm in get_args(kind) if arm not in (NoneType, msgspec.UnsetType)]
        return " or ".join(dict.fromkeys(map(_expected, arms)))
    choices = _choices(kind)
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if get_origin(kind) in (list, tuple):
        return f"a list: {_expected(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return "a mapping"
    if _is_struct(kind):
        return f"a mapping with keys of {', '.join(_field_types(kind))}"
    return _NAMES.get(kind, "something else")


def _choices(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return [str(arm) for arm in get_args(kind)] if get_origin(kind) is Literal else []


def _hint(place: _Place, *, secret: bool) -> str:
    if secret or not isinstance(place.value, str):
        return ""
    arms = _arms(place.kind)
    if bool in arms and place.value.lower() in ("yes", "no", "on", "off", "y", "n"):
        return "; YAML 1.2 takes yes, no, on and off for text"
    return nearest(place.value, [choice for arm in arms for choice in _choices(arm)])
