"""MTA-STS records and policies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.mta_sts import sts_policy, sts_record, sts_records

GOOD = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n"


def test_only_records_with_the_version_count() -> None:
    texts = ["v=STSv1; id=1", "v=STSv1;id=2;", "v=STSv2; id=1", "v=stsv1; id=1", "junk", "v=STSv1"]
    assert [record.id for record in sts_records(texts)] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("v=STSv1; id=20160831085700Z;", None),
        ("v=STSv1; id=1; ext=abc", None),
        ("v=STSv1; ext=abc;id=1 ", None),
        ("v=STSv1;", "id is missing"),
        ("v=STSv1; id=", 'id "" is not 1 to 32 letters and digits'),
        ("v=STSv1; id=a-b", 'id "a-b" is not 1 to 32 letters and digits'),
        (
            f"v=STSv1; id={'1' * 33}",
            f'id "{"1" * 33}" is not 1 to 32 letters and digits',
        ),
        ("v=STSv1; id=1; id=2", "id is given more than once"),
        ("v=STSv1; id=1; x", '"x" is not a field'),
        ("v=STSv1; id=1; x=a b", 'field x: "a b" is not a value'),
    ],
)
def test_record_faults_are_named(text: str, fault: str | None) -> None:
    assert sts_record(text).malformed == fault


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_accepted(end: str) -> None:
    policy = sts_policy(GOOD.replace("\n", end))
    assert policy.malformed is None
    assert policy.version == "STSv1"
    assert policy.mode == "enforce"
    assert policy.mx == ("mail.example.com", "*.example.net")
    assert policy.max_age_s == 604800


def test_mixed_line_ends_and_a_missing_last_one_are_accepted() -> None:
    text = "version: STSv1\r\nmode:none \nmax_age:\t86400"
    assert sts_policy(text).malformed is None


def test_the_first_of_a_repeated_field_counts_and_unknown_fields_are_ignored() -> None:
    policy = sts_policy("mode: testing\n" + GOOD + "max_age: 1\nfoo: b\u00e4r baz\n")
    assert policy.malformed is None
    assert (policy.mode, policy.max_age_s) == ("testing", 604800)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "version is missing"),
        (GOOD.replace("\n", "\r"), "line 1: a lone CR"),
        (GOOD.replace("mode: enforce", "mode: Enforce"), 'mode "Enforce" is none of '),
        (GOOD.replace("STSv1", "STSv2"), 'version "STSv2" is not STSv1'),
        (GOOD.replace("mode: enforce\n", ""), "mode is missing"),
        (GOOD.replace("max_age: 604800\n", ""), "max_age is missing"),
        (GOOD.replace("604800", "31557601"), "max_age 31557601 is over 31557600"),
        (GOOD.replace("604800", "12345678901"), 'max_age "12345678901" is not 1 to 10 digits'),
        (GOOD.replace("604800", "-1"), 'max_age "-1" is not 1 to 10 digits'),
        (GOOD.replace("604800", "1 week"), 'max_age "1 week" is not 1 to 10 digits'),
        (GOOD.replace("mx:", "nmx:"), "mx is missing"),
        (GOOD.replace("mail.example.com", "192.0.2.1"), 'mx "192.0.2.1" is not a host pattern'),
        (GOOD.replace("mail.example.com", "2001:db8::1"), 'mx "2001:db8::1" is not a host'),
        (GOOD.replace("*.example.net", "*"), 'mx "*" is not a host pattern'),
        (GOOD.replace("*.example.net", "mx*.example"), 'mx "mx*.example" is not a host pattern'),
        (GOOD.replace("*.example.net", "a.*.example"), 'mx "a.*.example" is not a host pattern'),
        (GOOD.replace("mail", "b\u00fccher"), 'mx "b\u00fccher.example.com" is not a host pattern'),
        (GOOD + "\n", 'line 6: "" is not `key: value`'),
        ("<html>\n" + GOOD, 'line 1: "<html>" is not `key: value`'),
        (GOOD.replace("mode: enforce", "mode:"), "line 2: mode has no value"),
        (GOOD.replace("enforce", "enf\x00rce"), "line 2: a control or undecodable character"),
    ],
)
def test_policy_faults_are_named(body: str, fault: str) -> None:
    malformed = sts_policy(body).malformed
    assert malformed is not None
    assert malformed.startswith(fault)


def test_a_policy_of_mode_none_needs_no_mx() -> None:
    assert sts_policy("version: STSv1\nmode: none\nmax_age: 0\n").malformed is None


def test_patterns_are_lower_cased_and_kept_when_wrong() -> None:
    assert sts_policy("mx: *.Example.NET\nmx: 192.0.2.1\n").mx == ("*.example.net", "192.0.2.1")


@settings(max_examples=200)
@given(st.text())
def test_any_record_text_gives_a_value(text: str) -> None:
    assert sts_record("v=STSv1;" + text).text


@settings(max_examples=200)
@given(st.one_of(st.text(), st.text(alphabet="versionmdax_ge: STv1\r\n\t0123456789*.")))
def test_any_body_gives_a_value(body: str) -> None:
    policy = sts_policy(body)
    assert policy.malformed is None or policy.malformed
