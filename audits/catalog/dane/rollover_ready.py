"""A second TLSA record stands by for the next key of an MX host.

## Rationale
With one record, the change of a key needs DNS and server to switch in the same moment, which caches
do not allow: mail is refused for as long as the TTL. A record of the next key, or of the authority
that will certify it, makes the change safe at any time.

## Remediation
Make the next key now, keep it offline, and publish its record beside the present one; or publish
the key of the issuing authority as usage 2, for every issuer that it may choose:

    _25._tcp.mx1.example.net.  3600  IN  TLSA  3 1 1 <digest of the key in use>
    _25._tcp.mx1.example.net.  3600  IN  TLSA  3 1 1 <digest of the next key>

Switch keys two TTLs after the record was published.

## Limits
Of a host with two certificates the record of the one that was not served is taken for a next key.
"""

from audits.evaluate.audit import Doc, EachService, Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.fact import Observation, Observed
from audits.facts.tls import CertificateChain
from audits.parse.tlsa import DANE_EE, has_data_of, usable


@audit(
    to=Target.MX_HOST,
    severity=Severity.INFO,
    references=(Rfc(7671, "8.1"),),
    frameworks=(Doc("Internet.nl", "dane-rollover"),),
)
def evaluate(tlsa: TlsaSet, chains: EachService[Observation[CertificateChain]]) -> Verdict:
    records = [record for _, record in usable(tlsa.records)]
    if not records:
        return NotApplicable(f"senders can use no TLSA record at {tlsa.name}")
    fault = _fault(records, chains)
    seen = (cite(tlsa, "/records"),)
    return Pass(seen) if fault is None else Fail((Violation(fault, seen),))


def _fault(
    records: list[TlsaRecord], chains: EachService[Observation[CertificateChain]]
) -> str | None:
    of_keys = [record for record in records if record.usage == DANE_EE]
    if not of_keys:
        return f"only {_shown(records)}: it fails once another authority issues the certificate"
    if len(of_keys) < len(records):
        return None
    if len(records) == 1:
        return f"the only TLSA record is {_shown(records)}"
    leaves = [
        chain.fact.leaf
        for chain in chains
        if isinstance(chain, Observed) and chain.fact.subject.port == SMTP
    ]
    served = [leaf for leaf in leaves if leaf is not None]
    in_use = [r for r in records if any(has_data_of(r, leaf) for leaf in served)]
    if len(in_use) == len(records):
        return f"all {len(records)} TLSA records are of the key in use: {_shown(records)}"
    return None


def _shown(records: list[TlsaRecord]) -> str:
    return ", ".join(record.parameters for record in records)
