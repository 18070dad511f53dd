"""Every key in a service's certificate chain is strong.

## Rationale
Who can compute a short key is the host from then on, in every handshake, without a trace.

## Remediation
Make a new key and order the certificate for it; a renewal often keeps the old key.

    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out mx1.key
    certbot certonly --key-type ecdsa --elliptic-curve secp256r1 -d mx1.example.net

With RSA take 3072 bits: `certbot certonly --key-type rsa --rsa-key-size 3072 -d mx1.example.net`.
Where DANE is published, publish the digest of the new key before it is used.

## Limits
A root that is served along is not judged: it is trusted by itself, not by its strength. Keys that
are long enough but known to somebody else are not looked up.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.tls import Certificate, CertificateChain

# OpenSSL has two names for P-256, and uses one or the other.
_CURVES = (
    "prime256v1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Doc("NCSC-NL TLS guidelines 2025-05", "3.3.2"), Doc("BSI TR-03116-4", "6.1.4")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.2"),
        Doc("BSI TR-03116-4", "6.1.4"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
)
def evaluate(
    chain: CertificateChain,
    *,
    min_rsa_bits: int = 2048,
    warn_rsa_bits: int = 2048,
    curves: tuple[str, ...] = _CURVES,
) -> Verdict:
    """warn_rsa_bits: RSA keys below it are a violation of low severity."""
    allowed = {curve.lower() for curve in curves}
    seen = []
    violations = []
    unknown = None
    for place, held in enumerate(chain.certificates):
        if place > 0 and held.self_issued:
            continue
        evidence = cite(chain, f"/certificates/{place}/key_type", _key(held))
        seen.append(evidence)
        if held.key_type == "other":
            unknown = unknown or f"{held.subject} has a key of a type that is not known here"
        elif _too_weak(held, min_rsa_bits, allowed):
            violations.append(Violation(f"{held.subject} has {_key(held)}", (evidence,)))
        elif held.key_type == "rsa" and held.key_bits < warn_rsa_bits:
            message = f"{held.subject} has {_key(held)}, less than {warn_rsa_bits}"
            violations.append(Violation(message, (evidence,), Severity.LOW))
    if violations:
        return Fail(tuple(violations))
    if unknown is None and (chain.malformed is not None or not seen):
        unknown = chain.malformed or "no certificate was served"
    if unknown is not None:
        return Undecided(Reason.PROTOCOL, unknown, (cite(chain, "/certificates"),))
    return Pass(tuple(seen))


def _too_weak(held: Certificate, min_rsa_bits: int, allowed: set[str]) -> bool:
    match held.key_type:
        case "rsa":
            return held.key_bits < min_rsa_bits
        case "ec":
            return (held.curve or "").lower() not in allowed
        case "ed25519" | "ed448":
            return False
        case _:
            return True


def _key(held: Certificate) -> str:
    match held.key_type:
        case "ec":
            return f"an EC key on {held.curve or 'a curve without name'}"
        case "ed25519" | "ed448":
            return f"an {held.key_type.capitalize()} key"
        case _:
            article = "an" if held.key_type in ("rsa", "other") else "a"
            return f"{article} {held.key_type.upper()} key of {held.key_bits} bits"
