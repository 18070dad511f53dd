"""No certificate of a service is signed with MD5 or SHA-1.

## Rationale
For both, two different contents with one digest can be made. Who gets one of a pair signed holds a
certificate for the other. Clients of today refuse them, each in its own words.

## Remediation
Have the certificate issued again; public authorities have signed with SHA-256 since 2016. A private
authority is told by its configuration, in OpenSSL:

    [ca]
    default_md = sha256

An intermediate that was signed with SHA-1 is replaced as well, by the one that its CA offers today.

## Limits
A self-signed root that is served along is not judged: it is trusted by itself. SHA-224 is a finding
of low severity.
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
from audits.facts.tls import CertificateChain

_BROKEN = ("md2", "md4", "md5", "sha1")
_SHORT = ("sha224",)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Doc("NCSC-NL TLS guidelines 2025-05", "3.3.5"), Doc("BSI TR-03116-4", "table 32")),
    frameworks=(Doc("NCSC-NL TLS guidelines 2025-05", "3.3.5"), Doc("BSI TR-03116-4", "table 32")),
)
def evaluate(chain: CertificateChain) -> Verdict:
    seen = []
    violations = []
    for place, held in enumerate(chain.certificates):
        if place > 0 and held.self_issued:
            continue
        evidence = cite(chain, f"/certificates/{place}/signature_algorithm")
        seen.append(evidence)
        signature = held.signature_algorithm.replace("-", "").lower()
        message = f"{held.subject or 'a certificate'} is signed with {held.signature_algorithm}"
        if any(digest in signature for digest in _BROKEN):
            violations.append(Violation(message, (evidence,)))
        elif any(digest in signature for digest in _SHORT):
            violations.append(Violation(message, (evidence,), Severity.LOW))
    if violations:
        return Fail(tuple(violations))
    if chain.malformed is not None or not seen:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    return Pass(tuple(seen))
