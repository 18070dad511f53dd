"""The domain has an Ed25519 key beside its RSA key.

## Rationale
Ed25519 keys are short and strong, and not every receiver knows them; mail that is signed with both
has the better proof where it is understood and the older one everywhere else.

## Remediation
Make an Ed25519 key, publish its 32 octets in base64 under a selector of its own, and let the signer
add a second signature:

    e2026._domainkey   3600  IN  TXT  "v=DKIM1; k=ed25519; p=<44 characters>"
"""

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
from audits.facts.dns import DkimKeys


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.INFO,
    references=(Rfc(8463),),
    frameworks=(Doc("BSI TR-03182-P", "03-M"),),
)
def evaluate(dkim: DkimKeys) -> Verdict:
    found: dict[str, str] = {}
    for place, selector in enumerate(dkim.selectors):
        for i, key in enumerate(selector.keys):
            if key.bits is not None and key.malformed is None:
                found.setdefault(key.algorithm, f"/selectors/{place}/keys/{i}")
    if {"rsa", "ed25519"} <= found.keys():
        return Pass((cite(dkim, found["rsa"]), cite(dkim, found["ed25519"])))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    if not found:
        return NotApplicable("no key that can be read is in force under a declared selector")
    missing = "Ed25519" if "rsa" in found else "RSA"
    message = f"no {missing} key under a declared selector"
    return Fail((Violation(message, tuple(cite(dkim, at) for at in found.values())),))
