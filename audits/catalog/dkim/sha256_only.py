"""DKIM keys allow signatures with SHA-256 and none with SHA-1.

## Rationale
SHA-1 has collisions, and receivers must not accept signatures made with it. A key whose `h` names
only SHA-1 verifies nothing; one that names it beside SHA-256 lets old signers go on.

## Remediation
Publish the key without `h`, or with `h=sha256`, and let every signer use `rsa-sha256`:

    s2026._domainkey   3600  IN  TXT  ( "v=DKIM1; k=rsa; h=sha256; p=MIIBIjANBgkqhkiG9w0BAQE"
                                        "FAAOCAQ8AMIIBCgKCAQEA..." )

## Limits
The DNS shows what a key allows, and not what signers use.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
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
    severity=Severity.MEDIUM,
    references=(Rfc(8301, "3.1"), Rfc(6376, "3.6.1")),
    frameworks=(
        Doc("BSI TR-03182-P", "05-M"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dkim: DkimKeys) -> Verdict:
    if not dkim.selectors:
        return NotApplicable("the inventory declares no active selector")
    violations: list[Violation] = []
    good: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        for i, key in enumerate(selector.keys):
            if key.revoked:
                continue
            named = f"selector {selector.selector} has h={':'.join(key.hashes)}"
            hashes = cite(dkim, f"/selectors/{place}/keys/{i}/hashes")
            if not key.hashes:
                good.append(cite(dkim, f"/selectors/{place}/keys/{i}"))
            elif "sha1" in key.hashes:
                violations.append(Violation(f"{named}, which allows SHA-1", (hashes,)))
            elif "sha256" not in key.hashes:
                violations.append(Violation(f"{named}, which leaves out SHA-256", (hashes,)))
            else:
                good.append(hashes)
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    return Pass(tuple(good)) if good else NotApplicable("no key is in force")
