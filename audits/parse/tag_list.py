"""Tag lists, `name=value; name=value`, as DKIM defines them and DMARC borrows them."""

import re
from collections.abc import Iterable

from msgspec import Struct

from audits.facts.dns import Tag

# RFC 6376 section 3.2: tag-name = ALPHA *ALNUMPUNC; ALNUMPUNC = ALPHA / DIGIT / "_"
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# RFC 6376 section 3.2: tag-value = [ tval *( 1*(WSP / FWS) tval ) ]; tval = 1*VALCHAR;
# VALCHAR = %x21-3A / %x3C-7E
_TAG_VALUE = re.compile(r"[\x21-\x3A\x3C-\x7E \t\r\n]*")

FOLDING_WHITE_SPACE = " \t\r\n"


class TagList(Struct, frozen=True):
    """The tags that could be read, in order, and the first deviation from the grammar."""

    tags: tuple[Tag, ...]
    malformed: str | None

    def value(self, name: str) -> str | None:
        """The value of the first tag of that name, or None."""
        return next((tag.value for tag in self.tags if tag.name == name), None)


def tag_list(text: str, white_space: str = FOLDING_WHITE_SPACE) -> TagList:
    """The tags of `text` (RFC 6376 section 3.2); names as published, values trimmed.

    `white_space`: what may stand around names and values. A name given twice is malformed.
    """
    tags: list[Tag] = []
    faults: list[str] = []
    specs = text.split(";")
    if len(specs) > 1 and not specs[-1].strip(white_space):
        specs.pop()
    for spec in specs:
        name, equals, value = (part.strip(white_space) for part in spec.partition("="))
        if not equals or not _TAG_NAME.fullmatch(name):
            faults.append(f"{quoted(spec.strip(white_space))} is not a tag")
            continue
        if not _TAG_VALUE.fullmatch(value):
            faults.append(f"tag {name}: character outside printable ASCII")
        if any(tag.name == name for tag in tags):
            faults.append(f"tag {name} is given twice")
        tags.append(Tag(name, value))
    return TagList(tuple(tags), first(faults))


def first(faults: Iterable[str]) -> str | None:
    """The first fault, or None where there is none."""
    return next(iter(faults), None)


def quoted(text: str) -> str:
    """`text` between double quotes for a message, cut at 60 characters."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
