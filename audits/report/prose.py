"""The documentation of an audit as paragraphs, items and code: the little markup that it uses."""

import re
from typing import Literal

from msgspec import Struct

from audits.report.sanitise import visible, visible_lines

_CODE = re.compile(r"`([^`]+)`")
_ITEM = re.compile(r"(?:[-*]|\d+\.)\s+")


class Span(Struct, frozen=True):
    """A stretch of a line; code: it stood between backticks."""

    text: str
    code: bool


class Block(Struct, frozen=True):
    """One paragraph, list item or block of code."""

    form: Literal["paragraph", "item", "code"]
    spans: tuple[Span, ...]


Prose = tuple[Block, ...]


def prose(text: str) -> Prose:
    """Blocks of `text`, parted by blank lines; `- ` begins an item, four spaces or ``` code."""
    blocks: list[Block] = []
    for chunk in _chunks(text):
        if chunk[0].startswith(("    ", "```")):
            lines = [line.removeprefix("    ") for line in chunk if not line.startswith("```")]
            blocks.append(Block("code", (Span(visible_lines("\n".join(lines)), True),)))
        else:
            blocks += _flow(chunk)
    return tuple(blocks)


def first_sentence(text: str) -> str:
    """The first sentence of a text in one line, backticks left out: a remedy for the terminal."""
    flat = " ".join(text.split("\n\n")[0].split()).replace("`", "")
    return visible(re.split(r"(?<=[.!?])\s", flat, maxsplit=1)[0].rstrip(":"))


def _chunks(text: str) -> list[list[str]]:
    chunks: list[list[str]] = [[]]
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        if line.strip() or fenced:
            chunks[-1].append(line)
        elif chunks[-1]:
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


def _flow(chunk: list[str]) -> list[Block]:
    """Lines of running text: each item marker begins a block, other lines go on with the last."""
    flowing: list[tuple[Literal["paragraph", "item"], str]] = []
    for line in chunk:
        marker = _ITEM.match(line)
        if marker:
            flowing.append(("item", line[marker.end() :]))
        elif flowing:
            form, so_far = flowing[-1]
            flowing[-1] = (form, f"{so_far} {line.strip()}")
        else:
            flowing.append(("paragraph", line.strip()))
    return [Block(form, _spans(line)) for form, line in flowing]


def _spans(line: str) -> tuple[Span, ...]:
    parts = _CODE.split(line)
    return tuple(
        Span(visible(part, 4000), place % 2 == 1) for place, part in enumerate(parts) if part
    )
