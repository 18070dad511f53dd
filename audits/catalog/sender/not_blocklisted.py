"""No address that a host sends from is on a block list.

## Rationale
Receivers that use the list refuse the mail, or put it among spam, for all domains behind that
address at once.

## Remediation
Find out first why: an account that was broken into, a form that anybody can send from, an open
relay. Ask for removal once it has ended, on the list's own pages. To be asked at all, a list has to
be named in `mailproof.yaml`:

    reputation: {zones: [dnsbl.example.org]}

## Limits
Only lists that the configuration names are asked; look at their terms of use. A list that refuses
to answer, or does not answer for its test addresses, leaves the result unknown. Lists of domains
are asked for `sender-domain-not-blocklisted`.
"""

from audits.evaluate.audit import Doc, EachAddress, Rfc, audit
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
from audits.facts.declared import HostRoles
from audits.facts.reputation import Listings


@audit(
    to=Target.OUTBOUND_HOST,
    severity=Severity.HIGH,
    references=(Rfc(5782), Doc("M3AAWG Blocklist Help", "1.0.1")),
)
def evaluate(
    roles: HostRoles, each: EachAddress[Listings], *, ignored_codes: tuple[str, ...] = ()
) -> Verdict:
    """ignored_codes: answers of a list that are no complaint, such as 127.0.0.254."""
    sending = [listings for listings in each if listings.subject.address in roles.outbound]
    asked = [(listings, i, one) for listings in sending for i, one in enumerate(listings.lists)]
    violations = []
    for listings, i, one in asked:
        codes = one.complaints(ignored_codes)
        if codes:
            message = f"{listings.subject} is listed by {one.zone} ({', '.join(codes)})"
            violations.append(Violation(message, (cite(listings, f"/lists/{i}/codes"),)))
    if violations:
        return Fail(tuple(violations))
    for listings, i, one in asked:
        if one.silence is not None:
            return undecided(listings, f"/lists/{i}/zone", one.silence)
    if not asked:
        return NotApplicable("no list was asked about an address that the host sends from")
    return Pass(tuple(cite(listings, f"/lists/{i}/zone") for listings, i, _ in asked))
