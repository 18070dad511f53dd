"""Keys and delegations of signed zones from their records (RFC 4034)."""

from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM

from audits.facts.dnssec import DsRecord, Nsec3Parameters, ZoneKey

_RSA = frozenset({1, 5, 7, 8, 10})
# RFC 6605 section 1, RFC 8080 section 1: ECDSA on P-256 and P-384, Ed25519, Ed448.
_CURVE_BITS = {13: 256, 14: 384, 15: 256, 16: 456}


def zone_key(rdata: DNSKEY) -> ZoneKey:
    """One DNSKEY record (RFC 4034 section 2)."""
    algorithm = int(rdata.algorithm)
    bits = rsa_bits(rdata.key) if algorithm in _RSA else _CURVE_BITS.get(algorithm, 0)
    return ZoneKey(int(rdata.flags), algorithm, key_tag(rdata), bits)


def ds_record(rdata: DS) -> DsRecord:
    """One DS record (RFC 4034 section 5)."""
    return DsRecord(rdata.key_tag, int(rdata.algorithm), int(rdata.digest_type), rdata.digest.hex())


def nsec3_parameters(rdata: NSEC3PARAM) -> Nsec3Parameters:
    """One NSEC3PARAM record (RFC 5155 section 4)."""
    return Nsec3Parameters(int(rdata.algorithm), rdata.iterations, rdata.salt.hex())


def rsa_bits(key: bytes) -> int:
    """The size of the modulus of an RSA key (RFC 3110 section 2); 0 where there is none.

    Exponent length in one octet, or in the two that follow a zero; exponent; modulus.
    """
    short = key[:1] != b"\0"
    start = 1 + key[0] if short and key else 3 + int.from_bytes(key[1:3])
    return int.from_bytes(key[start:]).bit_length()


def key_tag(rdata: DNSKEY) -> int:
    """The key tag of a DNSKEY record (RFC 4034 appendix B).

    Of an algorithm 1 key it is taken from the modulus instead (appendix B.1).
    """
    if rdata.algorithm == 1:
        return int.from_bytes(rdata.key[-3:-1])
    wire = rdata.to_wire() or b""
    total = sum(octet if place & 1 else octet << 8 for place, octet in enumerate(wire))
    return (total + (total >> 16 & 0xFFFF)) & 0xFFFF
