"""DMARC records and the DNS tree walk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.facts.dns import Answer, DmarcStep
from audits.parse.dmarc import (
    dmarc_record,
    dmarc_records,
    organizational_domain,
    report_uris,
    walk_domains,
    walk_ends,
)


@pytest.mark.parametrize(
    ("text", "is_record"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1", True),
        ("v = DMARC1 ; p = reject", True),
        ("V=DMARC1;p=none", True),
        ("v\t=\tDMARC1;p=none", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC10; p=none", False),
        ("v=DMARC1 p=none", False),
        ("v=DMARC1, p=none", False),
        (" v=DMARC1; p=none", False),
        ("p=none; v=DMARC1", False),
        ("v=spf1 -all", False),
        ("", False),
    ],
)
def test_the_version_decides_what_is_a_record(text: str, is_record: bool) -> None:
    assert bool(dmarc_records([text])) is is_record


VALID = [
    "v=DMARC1; p=reject; foo=bar",
    "v=DMARC1; rua=mailto:a@b.example; p=reject",
    "v=DMARC1; p=REJECT; SP=None; np=quarantine; adkim=s; aspf=R; t=y; psd=u;",
    "v=DMARC1; p=none; pct=50; rf=afrf; ri=86400",
    "v=DMARC1; p=none; rua=mailto:a@b.example!10m , https://x.example/r; fo=1:d:s",
    "v=DMARC1;p=none;",
    "v=DMARC1",
    "v=DMARC1; rua=mailto:a@b.example",
]

INVALID = [
    ("v=DMARC1; p=block", 'tag p: "block" is not allowed'),
    ("v=DMARC1; p=none; sp=", "tag sp has no value"),
    ("v=DMARC1; p=none; p=reject", "tag p is given twice"),
    ("v=DMARC1; p=none; P=reject", "tag p is given twice"),
    ("v=DMARC1; p=none; t=1", 'tag t: "1" is not allowed'),
    ("v=DMARC1; p=none; psd=x", 'tag psd: "x" is not allowed'),
    ("v=DMARC1; p=none; fo=2", 'tag fo: "2" is not allowed'),
    ("v=DMARC1; p=none; adkim=strict", 'tag adkim: "strict" is not allowed'),
    ("v=DMARC1; p=none; rua=a@b.example", 'tag rua: "a@b.example" is not allowed'),
    ("v=DMARC1; p=none; rua=mailto:b.example", 'tag rua: "mailto:b.example" is not allowed'),
    (
        "v=DMARC1; p=none; rua=mailto:a@b.example,",
        'tag rua: "mailto:a@b.example," is not allowed',
    ),
    ("v=DMARC1; p=none quarantine", 'tag p: "none quarantine" is not allowed'),
    ("v=DMARC1; none", '"none" is not a tag'),
    ("v=DMARC1; p=none\x00", "tag p: character outside printable ASCII"),
    ("v=DMARC1;; p=none", '"" is not a tag'),
]


@pytest.mark.parametrize("text", VALID)
def test_valid_records_have_no_fault(text: str) -> None:
    assert dmarc_record(text).malformed is None


@pytest.mark.parametrize(("text", "fault"), INVALID)
def test_faults_are_named(text: str, fault: str) -> None:
    assert dmarc_record(text).malformed == fault


def test_only_the_tag_itself_gives_its_value() -> None:
    record = dmarc_record("v=DMARC1; sp=none; P = Reject")
    assert record.value("p") == "Reject"
    assert record.value("np") is None


def test_a_walk_asks_every_parent_up_to_the_top_level() -> None:
    assert walk_domains("a.mail.example.com") == (
        "a.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    )
    assert walk_domains("com") == ("com",)


def test_a_long_name_jumps_to_seven_labels() -> None:
    names = walk_domains("a.b.c.d.e.f.g.h.i.j.k.example.com")
    assert names == (
        "a.b.c.d.e.f.g.h.i.j.k.example.com",
        "g.h.i.j.k.example.com",
        "h.i.j.k.example.com",
        "i.j.k.example.com",
        "j.k.example.com",
        "k.example.com",
        "example.com",
        "com",
    )
    assert len(walk_domains("1.2.3.4.5.6.7.8")) == 8
    assert len(walk_domains("1.2.3.4.5.6.7")) == 7


def _walk(domain: str, zone: dict[str, list[str]]) -> list[DmarcStep]:
    steps = []
    for name in walk_domains(domain):
        texts = tuple(zone.get(name, ()))
        records = dmarc_records(texts)
        steps.append(DmarcStep(Answer(f"_dmarc.{name}", "NOERROR", False, (), 60), texts, records))
        if walk_ends(records):
            break
    return steps


@pytest.mark.parametrize(
    ("domain", "zone", "queries", "expected"),
    [
        ("a.example.com", {}, 3, "a.example.com"),
        (
            "a.b.example.com",
            {"b.example.com": ["v=DMARC1; p=none"], "example.com": ["v=DMARC1; p=reject"]},
            4,
            "example.com",
        ),
        ("x.agency.gov", {"gov": ["v=DMARC1; p=none; psd=y"]}, 3, "agency.gov"),
        (
            "agency.gov",
            {"gov": ["v=DMARC1; psd=y"], "agency.gov": ["v=DMARC1; p=none"]},
            2,
            "agency.gov",
        ),
        (
            "a.b.example.com",
            {"b.example.com": ["v=DMARC1; psd=n"], "example.com": ["v=DMARC1"]},
            2,
            "b.example.com",
        ),
        ("bank.example", {"bank.example": ["v=DMARC1; psd=y"]}, 1, "bank.example"),
        (
            "mail.x.example",
            {
                "mail.x.example": ["v=DMARC1; p=none; psd=n", "v=DMARC1; p=reject"],
                "x.example": ["v=DMARC1; p=reject", "verification=1"],
            },
            3,
            "x.example",
        ),
        ("a.b.giant.bank.example", {"bank.example": ["v=DMARC1; psd=y"]}, 4, "giant.bank.example"),
    ],
)
def test_the_walk_gives_the_organizational_domain(
    domain: str, zone: dict[str, list[str]], queries: int, expected: str
) -> None:
    steps = _walk(domain, zone)
    assert len(steps) == queries
    assert organizational_domain(domain, steps) == expected


@settings(max_examples=200)
@given(st.text())
def test_any_text_gives_a_value(text: str) -> None:
    record = dmarc_record("v=DMARC1;" + text)
    assert record.value("v") == "DMARC1"


@settings(max_examples=100)
@given(st.from_regex(r"[a-z0-9.\\-]{1,80}", fullmatch=True))
def test_no_name_takes_more_than_eight_queries(name: str) -> None:
    assert len(walk_domains(name)) <= 8


@pytest.mark.parametrize(
    ("tags", "addresses"),
    [
        ("rua=mailto:a@b.example", ["a@b.example"]),
        (
            "rua=MAILTO:a@b.example!10m , mailto:c@d.example?subject=x",
            ["a@b.example", "c@d.example"],
        ),
        ("ruf=mailto:f@b.example; rua=mailto:a%2Cb@b.example", ["a,b@b.example", "f@b.example"]),
        ("rua=https://b.example/r,mailto:nobody,a@b.example", []),
        ("psd=y; ruf=mailto:f@b.example; rua=mailto:a@b.example", ["a@b.example"]),
        ("p=none", []),
    ],
)
def test_reports_go_to_the_addresses_of_mailto_uris(tags: str, addresses: list[str]) -> None:
    found = report_uris(dmarc_record(f"v=DMARC1; {tags}"))
    assert [address for _, address in found] == addresses
