"""No domain that sends mail is on a list of domains.

## Rationale
Receivers that use such a list refuse mail in which the domain stands, as its sender or in a link,
whichever host it comes from.

## Remediation
Find out first why: a page that was broken into, a form that anybody can send from, mail that nobody
asked for. Ask for removal once it has ended, on the list's own pages. To be asked at all, a list
has to be named in `mailproof.yaml`:

    reputation: {domain_zones: [dbl.example.org]}

## Limits
Only lists that the configuration names are asked, about the domain itself and none above it; look
at their terms of use. A list that refuses to answer, or does not list `test` as RFC 5782 asks of
it, leaves the result unknown. Addresses are the subject of `sender-not-blocklisted`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.reputation import DomainListings


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(5782, "4"), Rfc(5782, "5"), Doc("M3AAWG Blocklist Help", "1.0.1")),
)
def evaluate(listings: DomainListings, *, ignored_codes: tuple[str, ...] = ()) -> Verdict:
    """ignored_codes: answers of a list that are no complaint, such as 127.0.1.102."""
    violations = []
    for i, one in enumerate(listings.lists):
        codes = one.complaints(ignored_codes)
        if codes:
            message = f"{listings.subject} is listed by {one.zone} ({', '.join(codes)})"
            violations.append(Violation(message, (cite(listings, f"/lists/{i}/codes"),)))
    if violations:
        return Fail(tuple(violations))
    for i, one in enumerate(listings.lists):
        if one.silence is not None:
            return undecided(listings, f"/lists/{i}/zone", one.silence)
    return Pass(tuple(cite(listings, f"/lists/{i}/zone") for i, _ in enumerate(listings.lists)))
