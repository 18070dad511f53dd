"""A domain that has forged mail rejected signs its own with DKIM keys that verify.

## Rationale
SPF breaks when mail is forwarded; only a signature survives. With `p=reject` and no usable key,
every forwarded message of the domain is refused.

## Remediation
Publish a working key under each selector that signs, and sign all mail, before the policy is
`reject`; until then take it back:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@example.net"

## Limits
The DNS shows keys and not whether mail is signed with them.
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
from audits.facts.dns import DkimKeys, DmarcWalk
from audits.facts.fact import Reason
from audits.parse.dkim import selector_fault
from audits.parse.dmarc_policy import effective_policy, policy_places


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(9989, "7.4"), Rfc(9989, "8")),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk, dkim: DkimKeys) -> Verdict:
    effective = effective_policy(dmarc)
    if effective is None or effective.level != "reject":
        return NotApplicable("the DMARC policy in effect is not reject")
    policy = tuple(cite(dmarc, *place) for place in policy_places(dmarc, effective))
    if not dkim.selectors:
        return _none_declared(dkim, policy)
    violations = []
    for place, selector in enumerate(dkim.selectors):
        fault = selector_fault(selector)
        if fault is not None:
            at = f"/selectors/{place}"
            cited = cite(dkim, f"{at}/{'keys/0' if selector.keys else 'answer/rcode'}")
            message = f"p=reject, and selector {selector.selector} {fault}"
            violations.append(Violation(message, (cited, *policy)))
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    keys = range(len(dkim.selectors))
    return Pass((*policy, *(cite(dkim, f"/selectors/{place}/keys/0") for place in keys)))


def _none_declared(dkim: DkimKeys, policy: tuple[Evidence, ...]) -> Verdict:
    found = dkim.domainkey
    if found is not None and found.rcode == "NXDOMAIN":
        message = f"p=reject, and the domain has no DKIM key: {found.name} does not exist"
        return Fail((Violation(message, (cite(dkim, "/domainkey/rcode"), *policy)),))
    return Undecided(Reason.NOT_DECLARED, "the inventory declares no active selector", policy)
