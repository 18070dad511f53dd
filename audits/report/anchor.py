"""Names inside a report: where a host's or a domain's sheet is, and how results group by owner."""

import re
from collections.abc import Callable

from msgspec import Struct

from audits.report.sanitise import visible
from audits.subject import Address, Domain, MailHost, Path, Service, Subject, Vantage

Owner = Domain | MailHost

_UNSAFE = re.compile(r"[^a-z0-9.-]")


class Named(Struct, frozen=True):
    """A name to show, and the sheet inside the report that it leads to; empty where none is."""

    text: str
    anchor: str


def slug(text: str) -> str:
    """An anchor that two different texts never share: `a_b` gives `a_5f_b`."""
    return _UNSAFE.sub(lambda found: f"_{ord(found[0]):x}_", text.lower())


def anchor_of(owner: Owner) -> str:
    return f"{'domain' if isinstance(owner, Domain) else 'host'}-{slug(owner.name)}"


def owner_of(subject: Subject) -> Owner | None:
    """The domain or host in whose sheet a result stands."""
    match subject:
        case Domain() | MailHost():
            return subject
        case Service(host, _, _):
            return MailHost(host)
        case Path(domain, _, _, _):
            return Domain(domain)
        case Address() | Vantage():
            return None


def named(subject: Subject, has_sheet: Callable[[Owner], bool]) -> Named:
    owner = owner_of(subject)
    anchor = anchor_of(owner) if owner is not None and has_sheet(owner) else ""
    return Named(visible(str(subject)), anchor)
