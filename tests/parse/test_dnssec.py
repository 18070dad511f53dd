"""Keys and delegations from real DNSSEC records."""

import dns.dnssec
import dns.name
import dns.rdata
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM
from hypothesis import given
from hypothesis import strategies as st

from audits.parse.dnssec import ds_record, key_tag, nsec3_parameters, rsa_bits, zone_key

P256 = ec.generate_private_key(ec.SECP256R1()).public_key()
P384 = ec.generate_private_key(ec.SECP384R1()).public_key()
RSA = rsa.generate_private_key(65537, 1024).public_key()
EDWARDS = ed25519.Ed25519PrivateKey.generate().public_key()


@pytest.mark.parametrize(
    ("public", "algorithm", "bits"),
    [
        (P256, Algorithm.ECDSAP256SHA256, 256),
        (P384, Algorithm.ECDSAP384SHA384, 384),
        (EDWARDS, Algorithm.ED25519, 256),
        (RSA, Algorithm.RSASHA256, 1024),
        (RSA, Algorithm.RSASHA1NSEC3SHA1, 1024),
    ],
)
def test_key_has_the_size_and_tag_that_dnspython_gives(
    public: dns.dnssec.PublicKey, algorithm: Algorithm, bits: int
) -> None:
    rdata = dns.dnssec.make_dnskey(public, algorithm, flags=257)
    key = zone_key(rdata)
    assert (key.flags, key.algorithm, key.bits) == (257, algorithm, bits)
    assert key.key_tag == dns.dnssec.key_id(rdata)


def test_ds_record_keeps_its_fields() -> None:
    rdata = dns.dnssec.make_dnskey(P256, Algorithm.ECDSAP256SHA256, flags=257)
    ds = dns.dnssec.make_ds(dns.name.from_text("example.net"), rdata, DSDigest.SHA256)
    record = ds_record(ds)
    assert (record.key_tag, record.algorithm, record.digest_type) == (key_tag(rdata), 13, 2)
    assert record.digest == ds.digest.hex()


def test_salt_of_nsec3_is_hex_and_none_is_empty() -> None:
    for text, expected in (("1 0 10 AABB", (10, "aabb")), ("1 0 0 -", (0, ""))):
        rdata = dns.rdata.from_text("IN", "NSEC3PARAM", text)
        assert isinstance(rdata, NSEC3PARAM)
        found = nsec3_parameters(rdata)
        assert (found.iterations, found.salt) == expected


@given(st.binary(max_size=300))
def test_any_octets_as_a_key_have_a_size_and_a_tag(key: bytes) -> None:
    assert rsa_bits(key) >= 0
    for algorithm in (1, 8, 13, 200):
        rdata = DNSKEY(1, 48, 257, 3, algorithm, key)
        found = zone_key(rdata)
        assert found.bits >= 0
        assert 0 <= found.key_tag <= 0xFFFF
