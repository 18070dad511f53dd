"""TLS-RPT records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.tlsrpt import tlsrpt_record, tlsrpt_records


def test_only_records_with_the_version_count() -> None:
    texts = ["v=TLSRPTv1; rua=mailto:a@b.example", "v=tlsrptv1; rua=x", "v=TLSRPTv1", "junk"]
    assert [record.rua for record in tlsrpt_records(texts)] == [("mailto:a@b.example",)]


@pytest.mark.parametrize(
    ("text", "rua", "fault"),
    [
        ("v=TLSRPTv1;rua=mailto:r@x.example;", ("mailto:r@x.example",), None),
        (
            "v=TLSRPTv1; rua=mailto:r@x.example , https://x.example/v1?a=b; ext=1",
            ("mailto:r@x.example", "https://x.example/v1?a=b"),
            None,
        ),
        ("v=TLSRPTv1;", (), "rua is missing"),
        ("v=TLSRPTv1; rua=", ("",), 'rua "" is no mailto or https URI'),
        ("v=TLSRPTv1; rua=tls@x.example", ("tls@x.example",), 'rua "tls@x.example" is no mailto'),
        ("v=TLSRPTv1; rua=http://x/", ("http://x/",), 'rua "http://x/" is no mailto or https URI'),
        ("v=TLSRPTv1; rua=mailto:x", ("mailto:x",), 'rua "mailto:x" is no mailto or https URI'),
        ("v=TLSRPTv1; RUA=mailto:a@b.example", (), "rua is missing"),
        ("v=TLSRPTv1; rua=mailto:a@b.example; x", ("mailto:a@b.example",), '"x" is not a field'),
    ],
)
def test_records_are_taken_apart(text: str, rua: tuple[str, ...], fault: str | None) -> None:
    record = tlsrpt_record(text)
    assert record.rua == rua
    assert (record.malformed or "").startswith(fault or "")
    assert (record.malformed is None) is (fault is None)


@settings(max_examples=200)
@given(st.text())
def test_any_text_gives_a_value(text: str) -> None:
    assert tlsrpt_record("v=TLSRPTv1;" + text).text
