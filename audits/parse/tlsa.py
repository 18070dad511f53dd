"""TLSA records, what SMTP makes of them, and whether a served chain matches one, sans-IO."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from audits.facts.dane import TlsaRecord
from audits.facts.tls import Certificate, CertificateChain
from audits.parse.x509 import matches

DANE_TA = 2
DANE_EE = 3
FULL = 0

# RFC 6698 sections 2.1.1 to 2.1.3, in the words of RFC 7218 section 2.
_USAGES = ("PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE")
_SELECTORS = ("Cert", "SPKI")
_DIGEST_OCTETS = {1: 32, 2: 64}


def parse_tlsa(rdata: bytes) -> TlsaRecord:
    """One TLSA record from its RDATA (RFC 6698 section 2.1): three octets, and the data."""
    if len(rdata) < 3:
        fault = f"it has {len(rdata)} octets, fewer than its three parameters take"
        usage, selector, matching = rdata.ljust(3, b"\0")
        return TlsaRecord(usage, selector, matching, "", fault)
    return tlsa_record(rdata[0], rdata[1], rdata[2], rdata[3:])


def tlsa_record(usage: int, selector: int, matching: int, data: bytes) -> TlsaRecord:
    """One TLSA record from its fields."""
    return TlsaRecord(
        usage, selector, matching, data.hex(), _fault(usage, selector, matching, len(data))
    )


def _fault(usage: int, selector: int, matching: int, octets: int) -> str | None:
    if usage >= len(_USAGES):
        return f"usage {usage} is not assigned"
    if selector >= len(_SELECTORS):
        return f"selector {selector} is not assigned"
    if matching > max(_DIGEST_OCTETS):
        return f"matching type {matching} is not assigned"
    wanted = _DIGEST_OCTETS.get(matching)
    if wanted is not None and octets != wanted:
        return f"matching type {matching} takes {wanted} octets, not {octets}"
    return None if octets else "it has no data"


def unusable(record: TlsaRecord) -> str | None:
    """Why SMTP senders ignore a record; None where they use it (RFC 7672 section 3.1.3)."""
    if record.malformed is not None:
        return record.malformed
    if record.usage not in (DANE_TA, DANE_EE):
        return f"usage {record.usage} ({_USAGES[record.usage]}) is not for SMTP"
    return None


def usable(records: Sequence[TlsaRecord]) -> Iterator[tuple[int, TlsaRecord]]:
    """The records that SMTP senders use, each with its place."""
    return ((i, record) for i, record in enumerate(records) if unusable(record) is None)


class Match(Struct, frozen=True):
    """Whether one record fits a served chain.

    certificate: place of the certificate whose digest it has; None where none has.
    fault: why the chain is not authenticated by it all the same; None where it is.
    """

    certificate: int | None
    fault: str | None


def match(record: TlsaRecord, chain: CertificateChain, names: Sequence[str], at: datetime) -> Match:
    """What a usable record makes of a chain, for a sender that checks it at a moment.

    Usage 3 looks at the first certificate only, and neither at names nor at dates (RFC 7672 section
    3.1.1). Usage 2 wants the trust anchor among those served above the first, signatures down from
    it to the first, that one for one of `names`, and all in their dates (section 3.1.2).
    """
    if chain.leaf is None:
        return Match(None, chain.malformed or "no certificate was served")
    if record.usage == DANE_EE:
        same = has_data_of(record, chain.leaf)
        return Match(0, None) if same else Match(None, "it is not of the served certificate")
    anchors = [
        place
        for place, certificate in enumerate(chain.certificates)
        if place > 0 and has_data_of(record, certificate)
    ]
    if not anchors:
        return Match(None, "it is of no certificate served above the first")
    path = _path(chain, anchors)
    if path is None:
        return Match(anchors[0], "the served chain does not lead to it")
    return Match(path[-1], _path_fault(chain, path, names, at))


def has_data_of(record: TlsaRecord, certificate: Certificate) -> bool:
    """Whether a record's data are those of a certificate (RFC 6698 section 2.1.4).

    Full data (matching type 0) are compared by their digest, which is what facts hold.
    """
    whole = record.selector == 0
    if record.matching == FULL:
        digest = hashlib.sha256(bytes.fromhex(record.data)).hexdigest()
        return digest == (certificate.sha256 if whole else certificate.spki_sha256)
    if record.matching == 1:
        return record.data == (certificate.sha256 if whole else certificate.spki_sha256)
    return record.data == (certificate.sha512 if whole else certificate.spki_sha512)


def _path(chain: CertificateChain, anchors: Sequence[int]) -> list[int] | None:
    """Places from the first certificate up to the nearest anchor, by signature."""
    path = [0]
    while path[-1] not in anchors:
        issuer = chain.issuers[path[-1]]
        if issuer is None or issuer in path:
            return None
        path.append(issuer)
    return path


def _path_fault(
    chain: CertificateChain, path: Sequence[int], names: Sequence[str], at: datetime
) -> str | None:
    leaf = chain.certificates[0]
    if not any(matches(leaf, name) for name in names):
        return f"the served certificate is not for {' or '.join(names)}"
    for place in path:
        certificate = chain.certificates[place]
        if at > certificate.not_after:
            return f"certificate {place} expired on {certificate.not_after:%Y-%m-%d}"
        if at < certificate.not_before:
            return f"certificate {place} begins only on {certificate.not_before:%Y-%m-%d}"
    return None
