"""Every published DKIM key can be used.

## Rationale
A key record that receivers can't read, or that is not meant for mail, fails every signature made
with it. Most such records were cut or escaped by a form of the DNS provider. Worse is a key whose
private half anybody has: published by mistake, taken from an example, or factored at once.

## Remediation
Publish the record again as the signing host prints it, as one TXT record of strings that are joined
without anything between them:

    s2026._domainkey   3600  IN  TXT  ( "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOC"
                                        "AQ8AMIIBCgKCAQEA..." )

An Ed25519 key is published as its 32 octets in base64, without ASN.1 around them:

    e2026._domainkey   3600  IN  TXT  "v=DKIM1; k=ed25519; p=<44 characters>"

Where a private key was published, or can be had from the public one, make a new pair under a new
selector, sign with it, and delete the old record.
"""

from collections.abc import Iterator

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
from audits.facts.dns import DkimKey, DkimKeys
from audits.parse.dkim import key_fault

# With a tiny exponent a signature can be forged where padding is not checked to its end
# (CVE-2006-4339); every signing tool makes keys with this one.
_USUAL_EXPONENT = 65537


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.CRITICAL,
    references=(Rfc(6376, "3.6.1"), Rfc(6376, "3.6.2.2"), Rfc(8463, "4.2")),
    frameworks=(
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
    usable: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        keys = tuple(
            cite(dkim, f"/selectors/{place}/keys/{i}") for i, _ in enumerate(selector.keys)
        )
        if len(keys) > 1:
            message = f"selector {selector.selector} has {len(keys)} TXT records"
            violations.append(Violation(message, keys, Severity.HIGH))
        for key, cited in zip(selector.keys, keys, strict=True):
            if key.revoked:
                continue
            faults = [
                Violation(f"selector {selector.selector}: {fault}", (cited,), severity)
                for fault, severity in _faults(key)
            ]
            violations += faults
            usable += [] if faults else [cited]
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    if not usable:
        return NotApplicable("no key is in force under a declared selector")
    return Pass(tuple(usable))


def _faults(key: DkimKey) -> Iterator[tuple[str, Severity | None]]:
    """What is wrong with a key; severity None where others have its private half."""
    fault = key_fault(key)
    if fault is not None:
        yield fault, None if key.private else Severity.HIGH
    if key.weakness is not None:
        yield key.weakness, None
    if key.exponent is not None and key.exponent < _USUAL_EXPONENT:
        yield (
            f"the public exponent is {key.exponent}, which careless verifiers fall for",
            Severity.MEDIUM,
        )
    for tag in key.tags:
        if tag.name == "k" and tag.value != tag.value.lower():
            yield f"k={tag.value} is not in lower case, which some receivers refuse", Severity.LOW
