"""The file of waivers: what it may say, held against the audits and the inventory."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from audits.document import read_document
from audits.errors import ParseError, PolicyError, UsageError
from audits.evaluate.waiver import MAX_DAYS, Waiver
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.parse.located_yaml import Document, decode, nearest
from audits.selector import read_selection, unmatched
from audits.settings import Text


class WaiverEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A failure that somebody accepts. scope: a selector. expires: the last day, in UTC.

    owner: who answers for the risk; approved_by: somebody else.
    """

    id: Text
    audit: Text
    scope: Text
    reason: Text
    risk: Text
    owner: Text
    approved_by: Text
    approved_on: date
    expires: date
    ticket: int | Text | None = None


def read_waivers(
    path: Path,
    *,
    audits: Collection[str],
    domains: Iterable[DeclaredDomain],
    hosts: Iterable[DeclaredHost],
    max_days: int = MAX_DAYS,
) -> tuple[Waiver, ...]:
    """The waivers in a file, which is a list of them.

    audits: the ids that exist; domains, hosts: the whole inventory, for scopes that name nobody.
    Raises PolicyError with a line for every problem.
    """
    document = read_document(path, PolicyError)
    if document.root is None:
        return ()
    if not isinstance(document.root, list):
        raise PolicyError(f"{document.where()}: found no list, expected a list of waivers")
    known = (tuple(sorted(audits)), tuple(domains), tuple(hosts))
    problems: list[str] = []
    first: dict[str, int] = {}
    waivers: list[Waiver] = []
    for place in range(len(document.root)):
        try:
            entry: WaiverEntry = decode(document, WaiverEntry, at=(place,))
        except ParseError as error:
            problems.append(str(error))
            continue
        before = first.setdefault(entry.id, place)
        if before != place:
            message = f"found {entry.id!r} again, expected it once; it stands at line "
            message += f"{document.line((before, 'id'))} already"
            problems.append(document.problem((place, "id"), message))
        waiver = _waiver(document, place, entry, problems)
        if waiver is not None:
            problems += _strangers(document, place, waiver, *known)
            problems += _wrong_days(document, place, waiver, max_days)
            waivers.append(waiver)
    if problems:
        raise PolicyError("\n".join(problems))
    return tuple(waivers)


def _waiver(
    document: Document, place: int, entry: WaiverEntry, problems: list[str]
) -> Waiver | None:
    try:
        scope = read_selection(entry.scope)
    except UsageError as error:
        problems.append(document.problem((place, "scope"), str(error)))
        return None
    return Waiver(
        id=entry.id,
        audit=entry.audit,
        scope=scope,
        reason=entry.reason,
        risk=entry.risk,
        owner=entry.owner,
        approved_by=entry.approved_by,
        approved_on=entry.approved_on,
        expires=entry.expires,
        ticket=None if entry.ticket is None else str(entry.ticket),
        where=document.where((place,)),
    )


def _strangers(
    document: Document,
    place: int,
    waiver: Waiver,
    audits: Sequence[str],
    domains: Sequence[DeclaredDomain],
    hosts: Sequence[DeclaredHost],
) -> Iterable[str]:
    """What the waiver speaks of and does not exist; and an owner who approves the own risk."""
    if waiver.audit not in audits:
        message = f"found {waiver.audit!r}, expected an audit that exists"
        yield document.problem((place, "audit"), message + nearest(waiver.audit, audits))
    subjects = [str(declared.subject) for declared in (*domains, *hosts)]
    for selector in unmatched(waiver.scope, domains, hosts):
        message = f"found {selector.text!r}, which names nothing in the inventory, expected a "
        message += f"domain, host, group or role of it{nearest(selector.pattern, subjects)}"
        yield document.problem((place, "scope"), message)
    if waiver.approved_by.casefold() == waiver.owner.casefold():
        message = f"found the owner, {waiver.owner!r}, expected somebody else"
        yield document.problem((place, "approved_by"), message)


def _wrong_days(document: Document, place: int, waiver: Waiver, max_days: int) -> Iterable[str]:
    days = (waiver.expires - waiver.approved_on).days
    if not 0 <= days <= max_days:
        message = f"found {waiver.expires.isoformat()}, expected a day from the approval on "
        message += f"{waiver.approved_on.isoformat()} to {max_days} days after it"
        yield document.problem((place, "expires"), message)
