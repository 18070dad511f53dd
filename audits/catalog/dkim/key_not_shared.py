"""No DKIM key is shared between senders or between organizations.

## Rationale
Whoever holds the private key signs for every domain that publishes its public half. One leak, or
one former provider, then forges all of them, and no one can be cut off alone.

## Remediation
Let each sender make its own pair for each organization, under a selector of its own, and publish
the public halves:

    esp2026._domainkey.example.net   3600  IN  CNAME  example-net.dkim.provider.example.
    esp2026._domainkey.example.org   3600  IN  CNAME  example-org.dkim.provider.example.

## Limits
Compared are the keys that this run saw, under the selectors that the inventory declares.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dkim import DkimKeyOwners, KeyPlace
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Doc("NIST SP 800-177r1", "4-5"), Doc("NIST SP 800-177r1", "4-10"), Rfc(6376)),
    frameworks=(
        Doc("NIST SP 800-177r1", "4-5"),
        Doc("NIST SP 800-177r1", "4-10"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dkim: DkimKeys, owners: DkimKeyOwners, *, same_sender_ok: bool = True) -> Verdict:
    """same_sender_ok: one sender may use one key for several names of one organization."""
    violations: list[Violation] = []
    unsure: list[Evidence] = []
    own: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        for i, key in enumerate(selector.keys):
            if key.key_sha256 is None:
                continue
            digest = cite(dkim, f"/selectors/{place}/keys/{i}/key_sha256")
            own.append(digest)
            shared = _shared(owners, key.key_sha256)
            if shared is None:
                continue
            here = (dkim.subject.name, selector.selector)
            places = owners.shared[shared].places
            ours = next((p for p in places if (p.domain, p.selector) == here), None)
            if ours is None:
                continue
            others = [each for each in places if each != ours]
            apart = [each for each in others if not same_sender_ok or _apart(ours, each)]
            cited = (digest, cite(owners, f"/shared/{shared}/places"))
            if apart:
                message = f"the key of selector {selector.selector} is also {_named(apart)}"
                violations.append(Violation(message, cited))
            elif any(_unknown(ours, each) for each in others):
                unsure += cited
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    if unsure:
        detail = "whether the domains that share a key are of one organization was not observed"
        return Undecided(Reason.NOT_COLLECTED, detail, tuple(unsure))
    return Pass(tuple(own)) if own else NotApplicable("no key is in force")


def _shared(owners: DkimKeyOwners, digest: str) -> int | None:
    return next((i for i, each in enumerate(owners.shared) if each.key_sha256 == digest), None)


def _apart(ours: KeyPlace, other: KeyPlace) -> bool:
    """Another sender for certain, or another organization for certain."""
    if ours.owner != other.owner:
        return True
    known = ours.organizational is not None and other.organizational is not None
    return known and ours.organizational != other.organizational


def _unknown(ours: KeyPlace, other: KeyPlace) -> bool:
    return ours.domain != other.domain and None in (ours.organizational, other.organizational)


def _named(places: list[KeyPlace]) -> str:
    first, *rest = places
    more = f" and of {len(rest)} more" if rest else ""
    return f"that of {first}{more}"
