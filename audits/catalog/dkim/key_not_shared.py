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
from audits.facts.declared import DeclaredDomain
from audits.facts.dkim import DkimKeyOwners, KeyPlace
from audits.facts.dns import DkimKeys, DmarcWalk
from audits.facts.fact import Observation, Observed, Reason


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
def evaluate(
    dkim: DkimKeys,
    declared: DeclaredDomain,
    dmarc: Observation[DmarcWalk],
    owners: DkimKeyOwners,
    *,
    same_sender_ok: bool = True,
) -> Verdict:
    """same_sender_ok: one sender may use one key for several names of one organization."""
    organizational = dmarc.fact.organizational if isinstance(dmarc, Observed) else None
    senders = {each.selector: each.owner for each in declared.dkim}
    violations: list[Violation] = []
    unsure: list[Evidence] = []
    own: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        sender = senders.get(selector.selector, "self")
        ours = KeyPlace(dkim.subject.name, organizational, selector.selector, sender)
        for i, key in enumerate(selector.keys):
            if key.key_sha256 is None:
                continue
            digest = cite(dkim, f"/selectors/{place}/keys/{i}/key_sha256")
            own.append(digest)
            shared = owners.index(key.key_sha256)
            if shared is None:
                continue
            cited = (digest, cite(owners, f"/shared/{shared}/places"))
            others = [p for p in owners.shared[shared].places if _name(p) != _name(ours)]
            apart = [each for each in others if not same_sender_ok or _apart(ours, each)]
            if apart:
                message = f"the key of selector {selector.selector} is also that of {apart[0]}"
                count = owners.shared[shared].count
                more = f", and stands in {count} places" if count > 2 else ""
                violations.append(Violation(message + more, cited))
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


def _name(place: KeyPlace) -> tuple[str, str]:
    return place.domain, place.selector


def _apart(ours: KeyPlace, other: KeyPlace) -> bool:
    """Another sender for certain, or another organization for certain."""
    if ours.owner != other.owner:
        return True
    known = ours.organizational is not None and other.organizational is not None
    return known and ours.organizational != other.organizational


def _unknown(ours: KeyPlace, other: KeyPlace) -> bool:
    return ours.domain != other.domain and None in (ours.organizational, other.organizational)
