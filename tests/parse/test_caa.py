"""CAA: the climb, properties, who may issue."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.caa import caa_record, climb, organization, permitted
from audits.parse.caa_issuer import ISSUERS, issuer_domains


def test_climb_goes_up_to_the_top_level_and_not_to_the_root() -> None:
    assert list(climb("mx1.mail.example.net")) == [
        "mx1.mail.example.net",
        "mail.example.net",
        "example.net",
        "net",
    ]


@pytest.mark.parametrize(
    ("value", "issuer", "parameters"),
    [
        (b"letsencrypt.org", "letsencrypt.org", {}),
        (b"LetsEncrypt.ORG", "letsencrypt.org", {}),
        (b" ca.example ; account=230123", "ca.example", {"account": "230123"}),
        (b"ca.example;a=1; b = 2;", "ca.example", {"a": "1", "b": "2"}),
        (b";", "", {}),
        (b"", "", {}),
        (b"; policy=ev", "", {"policy": "ev"}),
    ],
)
def test_issue_value_names_an_issuer(value: bytes, issuer: str, parameters: dict[str, str]) -> None:
    record = caa_record(0, b"Issue", value)
    assert (record.tag, record.issuer, record.malformed) == ("issue", issuer, None)
    assert {tag.name: tag.value for tag in record.parameters} == parameters


@pytest.mark.parametrize(
    ("flags", "tag", "value", "fault"),
    [
        (0, b"issue", b"https://ca.example", "begins with no domain name"),
        (0, b"issue", b"%%%%%", "begins with no domain name"),
        (0, b"issue", b"ca.example; %%%%%", "is no parameter"),
        (0, b"issue", b"ca.example account=1", "begins with no domain name"),
        (0, b"issue", b"ca\xe4.example", "begins with no domain name"),
        (0, b"iodef", b"security@example.net", "no mailto, http or https URL"),
        (128, b"tbs", b"Unknown", "critical property tbs is unknown"),
        (0, b"is sue", b"x", "is no property tag"),
    ],
)
def test_fault_is_told_and_a_malformed_issue_names_nobody(
    flags: int, tag: bytes, value: bytes, fault: str
) -> None:
    record = caa_record(flags, tag, value)
    assert record.malformed is not None
    assert fault in record.malformed
    assert record.issuer in ("", None)


def test_unknown_property_without_critical_flag_does_no_harm() -> None:
    assert caa_record(0, b"tbs", b"Unknown").malformed is None


def test_wildcards_are_governed_by_issuewild_where_there_is_one() -> None:
    issue = caa_record(0, b"issue", b"a.example")
    wild = caa_record(0, b"issuewild", b"b.example")
    nobody = caa_record(0, b"issuewild", b";")
    assert permitted([issue], wildcard=True) == frozenset({"a.example"})
    assert permitted([issue, wild], wildcard=True) == frozenset({"b.example"})
    assert permitted([issue, wild], wildcard=False) == frozenset({"a.example"})
    assert permitted([issue, nobody], wildcard=True) == frozenset()
    assert permitted([wild], wildcard=False) is None
    assert permitted([], wildcard=False) is None
    assert permitted([caa_record(0, b"iodef", b"mailto:a@b.example")], wildcard=False) is None


def test_critical_property_that_is_unknown_lets_nobody_issue() -> None:
    held = [caa_record(0, b"issue", b"a.example"), caa_record(128, b"tbs", b"x")]
    assert permitted(held, wildcard=False) == frozenset()
    known = [caa_record(128, b"issue", b"a.example")]
    assert permitted(known, wildcard=False) == frozenset({"a.example"})


def test_organization_of_an_issuer_leads_to_its_names() -> None:
    assert organization("CN=R11,O=Let's Encrypt,C=US") == "Let's Encrypt"
    assert organization("CN=DigiCert TLS,O=DigiCert\\, Inc.,C=US") == "DigiCert, Inc."
    assert organization("CN=private") is None
    assert organization("garbage") is None
    assert issuer_domains("Let's Encrypt") == ("letsencrypt.org",)
    assert issuer_domains("Ours", ("Ours=CA.example.net",)) == ("ca.example.net",)
    assert issuer_domains("Ours") == ()
    assert all(domains for domains in ISSUERS.values())


@settings(max_examples=300)
@given(st.integers(0, 255), st.binary(max_size=40), st.binary(max_size=200))
def test_any_octets_are_a_record_or_malformed(flags: int, tag: bytes, value: bytes) -> None:
    record = caa_record(flags, tag, value)
    assert record.malformed is None or record.malformed
