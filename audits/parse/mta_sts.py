"""MTA-STS: the TXT record that announces a policy, and the policy itself (RFC 8461)."""

import re
from collections.abc import Iterable

from msgspec import Struct

from audits.facts.dns import StsRecord
from audits.parse.tag_list import first, quoted

MAX_AGE_S = 31_557_600

# RFC 8461 section 3.1: records that do not begin with "v=STSv1;" are discarded.
_CLAIM = "v=STSv1;"
_WSP = " \t"
# sts-id = %s"id=" 1*32(ALPHA / DIGIT)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
# sts-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
_EXTENSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,31}")
# sts-ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
_EXTENSION_VALUE = re.compile(r"[\x21-\x3A\x3C\x3E-\x7E]+")

_MODES = ("enforce", "testing", "none")
# RFC 8461 section 3.2: sts-policy-max-age = ... 1*10(DIGIT)
_MAX_AGE = re.compile(r"[0-9]{1,10}", re.ASCII)
# sts-policy-mx-value = ["*."] Domain; Domain is RFC 5321's: sub-domain *("." sub-domain)
_SUB_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_MX = re.compile(rf"(?:\*\.)?{_SUB_DOMAIN}(?:\.{_SUB_DOMAIN})*", re.ASCII)
_NUMERIC_TOP = re.compile(r"(?:.*\.)?[0-9]+", re.ASCII)
# sts-policy-ext-value = sts-policy-vchar [*(%x20 / sts-policy-vchar) sts-policy-vchar]
_CONTROL = re.compile(r"[\x00-\x1F\x7F\uFFFD]")


def sts_records(texts: Iterable[str]) -> tuple[StsRecord, ...]:
    """The MTA-STS records among TXT records; all others are nothing to MTA-STS."""
    return tuple(sts_record(text) for text in texts if text.startswith(_CLAIM))


def sts_record(text: str) -> StsRecord:
    """One record that begins with its version (RFC 8461 section 3.1)."""
    faults: list[str] = []
    ids: list[str] = []
    fields = text.split(";")[1:]
    if not fields[-1].strip(_WSP):
        fields.pop()
    for field in fields:
        name, equals, value = field.strip(_WSP).partition("=")
        if not equals or not _EXTENSION_NAME.fullmatch(name):
            faults.append(f"{quoted(field.strip(_WSP))} is not a field")
        elif name == "id":
            ids.append(value)
            if not _ID.fullmatch(value):
                faults.append(f"id {quoted(value)} is not 1 to 32 letters and digits")
        elif not _EXTENSION_VALUE.fullmatch(value):
            faults.append(f"field {name}: {quoted(value)} is not a value")
    if len(ids) != 1:
        faults.append("id is missing" if not ids else "id is given more than once")
    return StsRecord(text, ids[0] if ids else None, first(faults))


def covers(pattern: str, host: str) -> bool:
    """Whether an `mx` pattern is for that MX host name (RFC 8461 section 4.1).

    `*.` stands for exactly one label, the left-most; anything else is compared as a whole.
    """
    wanted = host.lower().removesuffix(".")
    if pattern.startswith("*."):
        first_label, dot, parent = wanted.partition(".")
        return bool(first_label and dot) and parent == pattern[2:]
    return wanted == pattern


class Policy(Struct, frozen=True):
    """The fields of an MTA-STS policy, as the fact MtaStsPolicy holds them."""

    version: str | None
    mode: str | None
    mx: tuple[str, ...]
    max_age_s: int | None
    malformed: str | None


def sts_policy(body: str) -> Policy:
    """The policy in `body` (RFC 8461 section 3.2).

    Lines end in LF or CRLF. Of a field that is given twice the first counts, except for mx;
    unknown fields are ignored. Patterns in `mx` are lower case.
    """
    faults: list[str] = []
    values: dict[str, str] = {}
    mx: list[str] = []
    for key, value in _fields(body, faults):
        if key == "mx":
            mx.append(value.lower())
        else:
            values.setdefault(key, value)
    max_age = values.get("max_age")
    faults += _value_faults(values, mx)
    return Policy(
        version=values.get("version"),
        mode=values.get("mode"),
        mx=tuple(mx),
        max_age_s=int(max_age) if max_age and _MAX_AGE.fullmatch(max_age) else None,
        malformed=first(faults),
    )


def _fields(body: str, faults: list[str]) -> list[tuple[str, str]]:
    """Key and value of each line; what is no field goes to `faults`."""
    lines = body.split("\n")
    if lines[-1] == "":
        lines.pop()
    fields = []
    for number, line in enumerate(lines, start=1):
        text = line.removesuffix("\r").rstrip(_WSP)
        key, colon, value = text.partition(":")
        if _CONTROL.search(text.replace("\t", " ")):
            reason = "a lone CR" if "\r" in text else "a control or undecodable character"
            faults.append(f"line {number}: {reason}")
        elif not colon or not _EXTENSION_NAME.fullmatch(key):
            faults.append(f"line {number}: {quoted(text)} is not `key: value`")
        elif not value.strip(_WSP):
            faults.append(f"line {number}: {key} has no value")
        else:
            fields.append((key, value.lstrip(_WSP)))
    return fields


def _value_faults(values: dict[str, str], mx: list[str]) -> list[str]:
    faults = [f"{key} is missing" for key in ("version", "mode", "max_age") if key not in values]
    if values.get("version", "STSv1") != "STSv1":
        faults.append(f"version {quoted(values['version'])} is not STSv1")
    mode = values.get("mode")
    if mode is not None and mode not in _MODES:
        faults.append(f"mode {quoted(mode)} is none of {', '.join(_MODES)}")
    if "max_age" in values and (fault := _max_age_fault(values["max_age"])):
        faults.append(fault)
    faults += [
        f"mx {quoted(pattern)} is not a host pattern" for pattern in mx if not _is_mx(pattern)
    ]
    if not mx and mode != "none":
        faults.append("mx is missing")
    return faults


def _max_age_fault(value: str) -> str | None:
    if not _MAX_AGE.fullmatch(value):
        return f"max_age {quoted(value)} is not 1 to 10 digits"
    return f"max_age {value} is over {MAX_AGE_S}" if int(value) > MAX_AGE_S else None


def _is_mx(pattern: str) -> bool:
    """A host name or `*.` and a domain; an IPv4 address has the shape of one and is none."""
    return bool(_MX.fullmatch(pattern)) and not _NUMERIC_TOP.fullmatch(pattern)
