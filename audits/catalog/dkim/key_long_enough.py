"""Every DKIM key is long enough to resist factoring, and short enough to be verified.

## Rationale
An RSA key of 512 bits is factored within hours on rented machines; 1024 bits are in reach of those
with means. The factors are the private key, and with it anybody signs as the domain. Receivers need
not verify keys of more than 4096 bits.

## Remediation
Make a key of 2048 bits under a new selector, publish it, sign with it, and take the old one out of
the DNS once the last mail signed with it has arrived:

    opendkim-genkey --bits=2048 --selector=s2026 --domain=example.net

Then set the new selector in `domains.yaml`.
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
    severity=Severity.CRITICAL,
    references=(Rfc(8301, "3.2"),),
    frameworks=(
        Doc("NIST SP 800-177r1", "4-3"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(
    dkim: DkimKeys,
    *,
    min_rsa_bits: int = 2048,
    hard_floor: int = 1024,
    max_rsa_bits: int = 4096,
) -> Verdict:
    """hard_floor: below it a key is critical, between it and min_rsa_bits high."""
    if not dkim.selectors:
        return NotApplicable("the inventory declares no active selector")
    violations: list[Violation] = []
    good: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        for i, key in enumerate(selector.keys):
            if key.bits is None:
                continue
            bits = cite(dkim, f"/selectors/{place}/keys/{i}/bits")
            message = f"selector {selector.selector} has an RSA key of {key.bits} bits"
            if key.algorithm != "rsa" or min_rsa_bits <= key.bits <= max_rsa_bits:
                good.append(bits)
            elif key.bits > max_rsa_bits:
                expected = f"at most {max_rsa_bits} bits"
                violations.append(Violation(message, (bits,), Severity.MEDIUM, expected))
            else:
                severity = Severity.HIGH if key.bits >= hard_floor else None
                expected = f"at least {min_rsa_bits} bits"
                violations.append(Violation(message, (bits,), severity, expected))
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    return Pass(tuple(good)) if good else NotApplicable("no key under a declared selector is read")
