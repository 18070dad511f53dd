"""TLS-RPT records (RFC 8460 section 3)."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from audits.facts.dns import TlsRptRecord
from audits.parse.tag_list import first, quoted

# RFC 8460 section 3: records that do not begin with "v=TLSRPTv1;" are discarded.
_CLAIM = "v=TLSRPTv1;"
_WSP = " \t"
# tlsrpt-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,31}")
# tlsrpt-ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
_VALUE = re.compile(r"[\x21-\x3A\x3C\x3E-\x7E]+")
# tlsrpt-uri = URI of RFC 3986 with "!", "," and ";" encoded; mailto and https are defined.
_MAILTO = re.compile(
    r"mailto:[\x22-\x2B\x2D-\x3A\x3C-\x3F\x41-\x7E]+@[\x22-\x2B\x2D-\x3A\x3C-\x7E]+"
)
_HTTPS = re.compile(r"https://[\x22-\x2B\x2D-\x3A\x3C-\x7E]+")


def tlsrpt_records(texts: Iterable[str]) -> tuple[TlsRptRecord, ...]:
    """The TLS-RPT records among TXT records; all others are nothing to TLS-RPT."""
    return tuple(tlsrpt_record(text) for text in texts if text.startswith(_CLAIM))


def tlsrpt_record(text: str) -> TlsRptRecord:
    """One record that begins with its version."""
    faults: list[str] = []
    rua: list[str] = []
    fields = text.split(";")[1:]
    if not fields[-1].strip(_WSP):
        fields.pop()
    for field in fields:
        name, equals, value = field.strip(_WSP).partition("=")
        if name == "rua" and equals:
            rua += [uri.strip(_WSP) for uri in value.split(",")]
        elif not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            faults.append(f"{quoted(field.strip(_WSP))} is not a field")
    faults += [f"rua {quoted(uri)} is no mailto or https URI" for uri in rua if not _is_uri(uri)]
    if not rua:
        faults.append("rua is missing")
    return TlsRptRecord(text, tuple(rua), first(faults))


def mailto_domains(rua: Iterable[str]) -> tuple[str, ...]:
    """The domains of `mailto` URIs, lower case, each once, in order (RFC 6068 section 2)."""
    found: dict[str, None] = {}
    for uri in rua:
        scheme, _, rest = uri.partition(":")
        if scheme.lower() == "mailto":
            mailbox = rest.partition("?")[0]
            found[unquote(mailbox).rpartition("@")[2].lower().removesuffix(".")] = None
    return tuple(found)


def _is_uri(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    uri = scheme.lower() + colon + rest
    return bool(_MAILTO.fullmatch(uri) or _HTTPS.fullmatch(uri))
