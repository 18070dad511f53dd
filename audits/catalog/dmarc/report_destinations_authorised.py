"""DMARC reports are sent to destinations that take them.

## Rationale
Receivers send reports about one organization to another only where that one says in its DNS that it
wants them; else anybody could have a stranger flooded. Without that word, or without a server for
the mail, reports are dropped and nobody hears of it.

## Remediation
Let the destination publish, for each domain that it takes reports about, or for all with `*`:

    example.net._report._dmarc.reports.example   3600  IN  TXT  "v=DMARC1"

Where the service is gone, or its domain has no mail server, name another mailbox in `rua`.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dmarc import DmarcDestination, DmarcDestinations


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(
        Rfc(9990),
        Rfc(7489, "7.1"),
        Rfc(9989, "11.6"),
        Doc("Internet.nl", "dmarc-policy"),
    ),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(mailboxes: DmarcDestinations) -> Verdict:
    if not mailboxes.destinations:
        return NotApplicable("the DMARC record names no mailbox for reports")
    violations = tuple(
        violation
        for place, destination in enumerate(mailboxes.destinations)
        for violation in (
            *_authorisation(mailboxes, place, destination),
            *_mail_server(mailboxes, place, destination),
        )
    )
    if violations:
        return Fail(violations)
    for place, destination in enumerate(mailboxes.destinations):
        for silence in destination.silences:
            if not _settled(mailboxes, destination):
                return undecided(mailboxes, f"/destinations/{place}/name", silence)
    names = range(len(mailboxes.destinations))
    return Pass(tuple(cite(mailboxes, f"/destinations/{place}/name") for place in names))


def _authorisation(
    mailboxes: DmarcDestinations, place: int, destination: DmarcDestination
) -> Iterator[Violation]:
    """Certain only where the destination is known to be of another organization."""
    asked = destination.authorisation
    if asked is None or asked.records or destination.organizational is None:
        return
    at = f"/destinations/{place}"
    name = asked.answer.name
    if asked.texts:
        message = f"{destination.name}: the TXT at {name} is no DMARC record: {asked.texts[0]}"
        cited = cite(mailboxes, f"{at}/authorisation/texts/0")
    else:
        message = f"{destination.name} does not say that it takes the reports: no TXT at {name}"
        cited = cite(mailboxes, f"{at}/authorisation/answer/rcode")
    yield Violation(message, (cited, cite(mailboxes, f"{at}/uris/0/uri")))


def _mail_server(
    mailboxes: DmarcDestinations, place: int, destination: DmarcDestination
) -> Iterator[Violation]:
    at = f"/destinations/{place}"
    uri = cite(mailboxes, f"{at}/uris/0/uri")
    mx = destination.mx
    if mx is None:
        if not destination.silences:
            yield Violation(f"{destination.name} is no domain name", (uri,))
    elif not mx.exchanges:
        cited = (cite(mailboxes, f"{at}/mx/answer/rcode"), uri)
        if mx.answer.rcode == "NXDOMAIN":
            yield Violation(f"{destination.name} does not exist (NXDOMAIN)", cited)
        else:
            # Mail may still reach an address of the name itself (RFC 5321 section 5.1).
            yield Violation(f"{destination.name} has no MX record", cited, Severity.LOW)
    elif "." in mx.exchanges:
        cited = (cite(mailboxes, f"{at}/mx/exchanges"), uri)
        yield Violation(f"{destination.name} takes no mail: it has a null MX", cited)


def _settled(mailboxes: DmarcDestinations, destination: DmarcDestination) -> bool:
    """All that matters was answered: an authorisation is enough, whoever it comes from."""
    asked = destination.authorisation
    authorised = asked is not None and bool(asked.records)
    own = destination.organizational == mailboxes.organizational
    return destination.mx is not None and (own or authorised)
