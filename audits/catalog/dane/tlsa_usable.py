"""SMTP senders can use every TLSA record of an MX host.

## Rationale
SMTP has no use for the usages 0 and 1, which ask for a certificate authority that nobody has agreed
on: senders ignore such records, and where there are no others they encrypt without authenticating
anybody. So it is with digests of a wrong length and parameters that do not exist. Every sender that
does DANE knows SHA-256 of a key.

## Remediation
Replace the record by the SHA-256 digest of the host's key, or of the key of the authority that
issues its certificates:

    _25._tcp.mx1.example.net.  3600  IN  TLSA  3 1 1 <SHA-256 of the public key>

## Limits
It looks at each record alone; `dane-tlsa-matches-certificate` compares them with the certificate.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dane import TlsaSet
from audits.parse.tlsa import FULL, unusable, usable

_RECOMMENDED = ("3 1 1", "2 1 1")


@audit(
    to=Target.MX_HOST,
    severity=Severity.MEDIUM,
    references=(Rfc(7672, "3.1.3"), Rfc(6698, "2.1")),
)
def evaluate(tlsa: TlsaSet) -> Verdict:
    if not tlsa.records:
        return NotApplicable(f"there is no TLSA record at {tlsa.name}")
    violations = tuple(_violations(tlsa))
    if violations:
        return Fail(violations)
    return Pass(tuple(cite(tlsa, f"/records/{i}") for i, _ in enumerate(tlsa.records)))


def _violations(tlsa: TlsaSet) -> Iterator[Violation]:
    for place, record in enumerate(tlsa.records):
        seen = (cite(tlsa, f"/records/{place}"),)
        fault = unusable(record)
        if fault is not None:
            yield Violation(f"senders ignore TLSA {record.parameters}: {fault}", seen)
        elif record.matching == FULL:
            message = f"TLSA {record.parameters} holds all of a certificate or key, not its digest"
            yield Violation(message, seen, Severity.LOW)
    found = [record.parameters for _, record in usable(tlsa.records)]
    if found and not set(found).intersection(_RECOMMENDED):
        message = f"no TLSA record is 3 1 1 or 2 1 1, only {', '.join(dict.fromkeys(found))}"
        yield Violation(message, (cite(tlsa, "/records"),), Severity.LOW)
