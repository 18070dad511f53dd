"""BIMI assertion records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.bimi import bimi_record, bimi_records

LOGO = "l=https://www.example.net/logo.svg"


@pytest.mark.parametrize(
    "text",
    [
        f"v=BIMI1; {LOGO}",
        f"v=BIMI1;{LOGO};a=https://www.example.net/mark.pem;",
        f"v=BIMI1; {LOGO}; a=; avp=brand; unknown=x",
        "v=BIMI1; l=; a=",
    ],
)
def test_sound_record_has_no_fault(text: str) -> None:
    assert bimi_record(text).malformed is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"v=bimi1; {LOGO}", "the record does not begin with v=BIMI1"),
        (f"v=BIMI2; {LOGO}", "the record does not begin with v=BIMI1"),
        ("v=BIMI1", "tag l is missing"),
        ("v=BIMI1; l=http://x.example/l.svg", 'tag l: "http://x.example/l.svg" is no https URL'),
        (f"v=BIMI1; {LOGO}; a=mark.pem", 'tag a: "mark.pem" is no https URL'),
        (f"v=BIMI1; {LOGO}; {LOGO}", "tag l is given twice"),
    ],
)
def test_fault_is_named(text: str, fault: str) -> None:
    assert bimi_record(text).malformed == fault


def test_empty_tags_decline_a_logo() -> None:
    assert bimi_record("v=BIMI1; l=; a=").declines
    assert bimi_record("v=BIMI1; l=").declines
    assert not bimi_record(f"v=BIMI1; {LOGO}; a=").declines
    assert not bimi_record("v=BIMI1").declines


def test_foreign_text_is_nothing_to_bimi() -> None:
    assert bimi_records(["v=spf1 -all", "bimi", ""]) == ()
    assert len(bimi_records(["v=spf1 -all", " V = bimi1"])) == 1


@settings(max_examples=200)
@given(st.text())
def test_any_text_gives_a_value(text: str) -> None:
    assert bimi_record(text).text == text
