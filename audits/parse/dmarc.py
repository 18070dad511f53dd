"""DMARC policy records and the DNS tree walk that finds them (RFC 9989)."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal
from urllib.parse import unquote

from audits.facts.dmarc import ReportUri
from audits.facts.dns import DmarcRecord, DmarcStep, Tag
from audits.parse.tag_list import first, quoted, tag_list

MAX_QUERIES = 8

# RFC 9989 section 4.8: dmarc-version = "v" equals %s"DMARC1"; equals = *WSP "=" *WSP.
# A record that does not begin so is not a DMARC record (section 4.10, step 2).
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_WSP = " \t"

# RFC 9989 section 4.8: dmarc-tag = 1*ALPHA equals 1*dmarc-value
_NAME = re.compile(r"[A-Za-z]+")
_POLICY = re.compile(r"none|quarantine|reject", re.IGNORECASE)
_ALIGNMENT = re.compile(r"[rs]", re.IGNORECASE)
_FAILURE_OPTIONS = re.compile(r"[01ds](?:[ \t]*:[ \t]*[01ds])*", re.IGNORECASE)
# dmarc-uri = URI of RFC 3986 with "," and "!" encoded; the size limit after "!" is obsolete
# (RFC 9990), and receivers ignore it.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[\x21\x23-\x2B\x2D-\x3A\x3D\x3F-\x7E]+")
# RFC 7489 section 6.4: dmarc-uri = URI [ "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] ]
_SIZE_LIMIT = re.compile(r"![0-9]+[kmgt]?\Z", re.IGNORECASE)


def dmarc_records(texts: Iterable[str]) -> tuple[DmarcRecord, ...]:
    """The DMARC records among TXT records; all others are nothing to DMARC."""
    return tuple(dmarc_record(text) for text in texts if _VERSION.match(text))


def dmarc_record(text: str) -> DmarcRecord:
    """One record that begins with its version.

    Unknown tags are kept and no fault; a value outside the grammar of its tag is one, although
    receivers put the default in its place (RFC 9989 sections 4.7 and 4.8).
    """
    parsed = tag_list(text, _WSP)
    tags = tuple(Tag(tag.name.lower(), tag.value) for tag in parsed.tags)
    faults = [] if parsed.malformed is None else [parsed.malformed]
    names = [tag.name for tag in tags]
    faults += [f"tag {name} is given twice" for name in names if names.count(name) > 1]
    faults += [fault for tag in tags[1:] if (fault := _fault(tag)) is not None]
    return DmarcRecord(text, tags, first(faults))


def reporting_uris(record: DmarcRecord) -> tuple[str, ...]:
    """The URIs of `rua` that receivers can send aggregate reports to."""
    uris = (uri.strip(_WSP) for uri in (record.value("rua") or "").split(","))
    return tuple(filter(_uri, uris))


def report_uris(record: DmarcRecord) -> tuple[tuple[ReportUri, str], ...]:
    """The `mailto` URIs of `rua` and `ruf`, and the address that each means; in order.

    A public suffix gets no failure reports: beside `psd=y`, `ruf` is nothing (RFC 9991).
    """
    tags: tuple[Literal["rua", "ruf"], ...] = ("rua",) if _psd(record) == "y" else ("rua", "ruf")
    uris = ((tag, uri.strip(_WSP)) for tag in tags for uri in (record.value(tag) or "").split(","))
    return tuple(
        (ReportUri(tag, uri), _address(uri))
        for tag, uri in uris
        if _uri(uri) and uri.lower().startswith("mailto:")
    )


def _address(uri: str) -> str:
    """Without obsolete size limit and without the header fields behind `?` (RFC 6068)."""
    path = uri.partition(":")[2].partition("?")[0]
    return unquote(_SIZE_LIMIT.sub("", path))


def _fault(tag: Tag) -> str | None:
    if not _NAME.fullmatch(tag.name):
        return f"{quoted(tag.name)} is not a tag name"
    if not tag.value:
        return f"tag {tag.name} has no value"
    legal = _LEGAL.get(tag.name)
    if legal is None or legal(tag.value):
        return None
    return f"tag {tag.name}: {quoted(tag.value)} is not allowed"


def _is(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _uris(value: str) -> bool:
    return all(map(_uri, value.split(",")))


def _uri(text: str) -> bool:
    uri = text.strip(_WSP)
    if not _URI.fullmatch(uri):
        return False
    scheme, _, rest = uri.partition(":")
    return scheme.lower() != "mailto" or bool(re.fullmatch(r"[^@]+@[^@]+", rest))


_LEGAL: dict[str, Callable[[str], bool]] = {
    "p": _is(_POLICY),
    "sp": _is(_POLICY),
    "np": _is(_POLICY),
    "adkim": _is(_ALIGNMENT),
    "aspf": _is(_ALIGNMENT),
    "fo": _is(_FAILURE_OPTIONS),
    "t": _is(re.compile(r"[yn]", re.IGNORECASE)),
    "psd": _is(re.compile(r"[ynu]", re.IGNORECASE)),
    "rua": _uris,
    "ruf": _uris,
}


def walk_domains(domain: str) -> tuple[str, ...]:
    """The domains whose `_dmarc` names a tree walk asks, in order (RFC 9989 section 4.10).

    The domain itself, then each parent up to one label; at most MAX_QUERIES in all, which a
    longer name meets by jumping to its last seven labels.
    """
    labels = domain.split(".")
    longest = min(len(labels) - 1, MAX_QUERIES - 1)
    return (domain, *(".".join(labels[-count:]) for count in range(longest, 0, -1)))


def walk_ends(records: Sequence[DmarcRecord]) -> bool:
    """Whether a walk stops at a name with these records (RFC 9989 section 4.10, steps 2 and 6).

    Several records at one name are discarded, so that the walk goes on.
    """
    return len(records) == 1 and _psd(records[0]) in ("n", "y")


def organizational_domain(domain: str, steps: Sequence[DmarcStep]) -> str:
    """The organizational domain that a walk from `domain` gives (RFC 9989 section 4.10.2)."""
    found = [
        (step.answer.name.removeprefix("_dmarc."), step.records[0])
        for step in steps
        if len(step.records) == 1
    ]
    for name, record in found:
        if _psd(record) == "n":
            return name
        if _psd(record) == "y" and name != domain:
            below = domain.split(".")[-(len(name.split(".")) + 1) :]
            return ".".join(below)
    return min((name for name, _ in found), key=lambda name: name.count("."), default=domain)


def _psd(record: DmarcRecord) -> str:
    return (record.value("psd") or "u").lower()
