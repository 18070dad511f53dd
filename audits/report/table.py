"""The results as comma-separated values (RFC 4180), safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Final

from audits.report.remark import Remark, Remarks
from audits.subject import Address, Domain, MailHost, Path, Service, Subject, Vantage

COLUMNS: Final = (
    "outcome",
    "severity",
    "audit",
    "subject",
    "domain",
    "host",
    "address",
    "port",
    "step",
    "seen",
    "expected",
    "remedy",
    "evidence",
    "file",
    "line",
    "waiver",
    "waiver_expires",
    "fingerprint",
)
# What a spreadsheet takes for the beginning of a formula, the full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # they are what is looked for


def table(remarks: Remarks) -> Iterator[str]:
    """Lines with CRLF: the header, then every result, worst first; every field is quoted."""
    yield _line(COLUMNS)
    for remark in remarks.all:
        yield _line(_row(remark))


def cell(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(fields: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(cell, fields))
    return out.getvalue()


def _row(remark: Remark) -> tuple[str, ...]:
    return (
        remark.outcome,
        remark.severity,
        remark.audit,
        remark.about,
        *_parts(remark.subject),
        remark.step,
        "; ".join((remark.sentence, *remark.more)),
        remark.expected,
        remark.remedy,
        "; ".join(remark.quotes),
        remark.place.file,
        str(remark.place.line),
        remark.waiver.id if remark.waiver else "",
        remark.waiver.expires if remark.waiver else "",
        remark.fingerprint,
    )


def _parts(subject: Subject) -> tuple[str, str, str, str]:
    """Domain, host, address and port, as far as the subject has them."""
    match subject:
        case Domain(name):
            return name, "", "", ""
        case MailHost(name):
            return "", name, "", ""
        case Address(address):
            return "", "", address, ""
        case Service(host, address, port):
            return "", host, address, str(port)
        case Path(domain, host, address, port):
            return domain, host, address, str(port)
        case Vantage():
            return "", "", "", ""
