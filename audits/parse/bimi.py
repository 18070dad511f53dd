"""BIMI assertion records (draft-brand-indicators-for-message-identification)."""

import re
from collections.abc import Iterable

from audits.facts.bimi import BimiRecord
from audits.facts.dns import Tag
from audits.parse.tag_list import first, quoted, tag_list

# Whoever writes this means BIMI, whether or not receivers would take it for that.
_CLAIM = re.compile(r"\s*v\s*=\s*BIMI", re.IGNORECASE)
_VERSION = "BIMI1"
_HTTPS = re.compile(r"https://[^\s/?#]+[^\s]*", re.IGNORECASE)


def bimi_records(texts: Iterable[str]) -> tuple[BimiRecord, ...]:
    """The BIMI records among TXT records, those that are misspelt included."""
    return tuple(bimi_record(text) for text in texts if _CLAIM.match(text))


def bimi_record(text: str) -> BimiRecord:
    """One record: `v=BIMI1` first, a logo at an https URL in `l`, evidence at one in `a`, if any.

    Unknown tags are kept and no fault.
    """
    parsed = tag_list(text)
    tags = tuple(Tag(tag.name.lower(), tag.value) for tag in parsed.tags)
    record = BimiRecord(text, tags, None)
    faults = [
        _version_fault(record),
        parsed.malformed,
        _logo_fault(record),
        _evidence_fault(record),
    ]
    return BimiRecord(text, tags, first(filter(None, faults)))


def _version_fault(record: BimiRecord) -> str | None:
    leading = record.tags[0] if record.tags else Tag("", "")
    if leading == Tag("v", _VERSION):
        return None
    return f"the record does not begin with v={_VERSION}"


def _logo_fault(record: BimiRecord) -> str | None:
    logo = record.value("l")
    if logo is None:
        return "tag l is missing"
    if logo == "" or _HTTPS.fullmatch(logo):
        return None
    return f"tag l: {quoted(logo)} is no https URL"


def _evidence_fault(record: BimiRecord) -> str | None:
    evidence = record.value("a")
    if not evidence or _HTTPS.fullmatch(evidence):
        return None
    return f"tag a: {quoted(evidence)} is no https URL"
