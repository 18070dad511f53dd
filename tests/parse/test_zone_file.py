"""Zone files: records with their places, what a name server would refuse, and what it answers."""

import os

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.facts.fact import Reason, Silence
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText
from audits.parse.dns_message import Response
from audits.parse.zone import Outside, Zone, ZoneSet
from audits.parse.zone_file import read_zone_file

APEX = "@ 3600 IN SOA ns1 host 1 7200 1800 604800 300\n@ 3600 NS ns1\n"


def zone(text: str, files: dict[str, str] | None = None, *, head: str = APEX) -> Zone:
    def include(beside: str, name: str) -> ConfigText | Silence:
        found = (files or {}).get(name)
        if found is None:
            return Silence(Reason.NOT_COLLECTED, f"{name} was not supplied")
        return ConfigText(name, found)

    return read_zone_file(ConfigText("db", head + text), "example.net", include)


def places(found: Zone) -> list[tuple[str, str, int, int]]:
    """Owner, type, line and column of all records below the head."""
    return [(e.name, e.rdtype, e.place.line, e.place.column) for e in found.entries[2:]]


def problems(found: Zone) -> list[tuple[str, int, int]]:
    return [(p.message, p.place.line, p.place.column) for p in found.problems]


def answer(found: Zone, name: str, rdtype: str) -> list[str]:
    said = ZoneSet([found]).answer(name, rdtype)
    assert isinstance(said, Response)
    return [said.rcode, *(str(rdata) for rdata in said.rdatas), *said.alias_chain]


def test_record_knows_line_and_column_of_its_data() -> None:
    found = zone("mx1 600 IN A 192.0.2.1\n\n; comment\n  AAAA 2001:db8::1 ; v6\n")
    assert places(found) == [
        ("mx1.example.net", "A", 3, 14),
        ("mx1.example.net", "AAAA", 6, 8),
    ]
    assert [e.ttl for e in found.entries[2:]] == [600, 600]
    assert problems(found) == []


def test_parentheses_and_quotes_swallow_line_ends_and_semicolons() -> None:
    found = zone('a TXT ( "v=DMARC1;" ; no\n  " p=none" )\nb A 192.0.2.1\n')
    assert places(found) == [("a.example.net", "TXT", 3, 9), ("b.example.net", "A", 5, 5)]
    assert answer(found, "a.example.net", "TXT") == ["NOERROR", '"v=DMARC1;" " p=none"']


def test_origin_ttl_and_generated_records() -> None:
    found = zone("$TTL 1h30m\n$ORIGIN sub\nx A 192.0.2.1\n$GENERATE 1-3/2 h$ A 192.0.2.$\n")
    assert [(e.name, e.ttl, str(e.rdata)) for e in found.entries[2:]] == [
        ("x.sub.example.net", 5400, "192.0.2.1"),
        ("h1.sub.example.net", 5400, "192.0.2.1"),
        ("h3.sub.example.net", 5400, "192.0.2.3"),
    ]


def test_included_file_has_its_own_lines_and_gives_the_owner_back() -> None:
    found = zone("a A 192.0.2.1\n$INCLUDE more sub\n  TXT t\n", {"more": "\nb A 192.0.2.2\n"})
    assert [(e.name, str(e.place)) for e in found.entries[2:]] == [
        ("a.example.net", "db:3"),
        ("b.sub.example.net", "more:2"),
        ("a.example.net", "db:5"),
    ]


def test_file_that_includes_itself_ends() -> None:
    found = zone("$INCLUDE me\n", {"me": "$INCLUDE me\n"})
    assert found.whole is not None
    assert "include one another" in found.problems[0].message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a MX x\n", ("found MX of a.example.net that can't be read: expecting an integer", 3, 6)),
        ("a FOO x\n", ("found 'FOO'", 3, 3)),
        ('a TXT "open\n', ("found a quoted string without end", 3, 7)),
        ("a A ( 192.0.2.1\n", ("found '(' without end", 3, 5)),
        ("a.example.org. A 192.0.2.1\n",
         ("found a.example.org, which is not in the zone example.net", 3, 18)),
        ("$INCLUDE gone\n", ("$INCLUDE gone: gone was not supplied", 3, 10)),
        ("$ODD x\n", ("found the directive $ODD", 3, 1)),
        ("a CH A 192.0.2.1\n", ("found class CH", 3, 3)),
        ("a CNAME b\na A 192.0.2.1\n", ("found CNAME and A at a.example.net", 3, 9)),
    ],
)  # fmt: skip
def test_problem_has_line_and_column(text: str, problem: tuple[str, int, int]) -> None:
    found = zone(text + "z A 192.0.2.9\n")
    assert problems(found) == [problem]
    assert found.problems[0].expected


def test_file_without_soa_and_ns_is_refused() -> None:
    found = zone("a A 192.0.2.1\n", head="")
    assert [p.message for p in found.problems] == [
        "found no SOA record at example.net",
        "found no NS record at example.net",
    ]


def test_only_what_could_not_be_read_is_silent() -> None:
    found = ZoneSet([zone("@ MX abc\n@ TXT t\n")])
    silent = found.answer("example.net", "MX")
    assert isinstance(silent, Silence)
    assert silent.reason is Reason.UNREADABLE
    assert silent.detail.startswith("db:3:6: found MX of example.net")
    assert isinstance(found.answer("example.net", "TXT"), Response)


def test_absent_type_is_no_data_and_absent_name_is_nxdomain() -> None:
    found = zone("a.b A 192.0.2.1\n")
    assert answer(found, "a.b.example.net", "TXT") == ["NOERROR"]
    assert answer(found, "b.example.net", "A") == ["NOERROR"]
    assert answer(found, "c.example.net", "A") == ["NXDOMAIN"]


def test_wildcard_answers_only_below_its_closest_encloser() -> None:
    found = zone("*.w TXT t\nx.w A 192.0.2.1\n")
    assert answer(found, "a.b.w.example.net", "TXT") == ["NOERROR", '"t"']
    assert answer(found, "a.w.example.net", "A") == ["NOERROR"]
    assert answer(found, "y.x.w.example.net", "TXT") == ["NXDOMAIN"]


def test_alias_is_given_and_not_followed() -> None:
    found = zone("a CNAME b\nold DNAME new\n")
    assert answer(found, "a.example.net", "A") == ["NOERROR", "b.example.net"]
    assert answer(found, "x.old.example.net", "A") == ["NOERROR", "x.new.example.net"]


def test_delegated_and_foreign_names_are_outside() -> None:
    found = ZoneSet([zone("sub NS ns.example.org.\n")])
    inside = found.answer("x.sub.example.net", "A")
    assert isinstance(inside, Outside)
    assert "sub.example.net is delegated to ns.example.org (db:3)" in inside.why
    assert found.answer("example.org", "A") == Outside("example.org is in no zone under review")


def test_longest_apex_answers() -> None:
    below = read_zone_file(
        ConfigText("sub", APEX + "x A 192.0.2.7\n"),
        "sub.example.net",
        lambda _, n: ConfigText(n, ""),
    )
    found = ZoneSet([zone("sub NS ns.example.org.\n"), below])
    said = found.answer("x.sub.example.net", "A")
    assert isinstance(said, Response)
    assert str(said.rdatas[0]) == "192.0.2.7"


def test_tlsa_of_the_wrong_length_is_read_for_its_audit() -> None:
    found = zone("_25._tcp.mx1 TLSA 3 1 1 abcd\n")
    assert answer(found, "_25._tcp.mx1.example.net", "TLSA") == ["NOERROR", "\\# 5 030101abcd"]
    assert problems(found) == []


_PIECES = st.sampled_from(
    ['"', "(", ")", ";", "\n", " ", "\t", "\\", "$TTL 1\n", "$GENERATE 1-2 a$ A 192.0.2.$\n",
     "@", "a", "IN", "TXT", "MX", "10", "SOA", "$INCLUDE x", "$ORIGIN", "*", "\u00e9", "\x00"]
)  # fmt: skip


@settings(
    max_examples=int(os.environ.get("MAILPROOF_EXAMPLES", "300")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.one_of(st.text(), st.lists(_PIECES).map("".join), st.lists(_PIECES).map(" ".join)))
def test_any_text_gives_a_zone(text: str) -> None:
    found = zone(text, {"x": "a A 192.0.2.1\n"}, head="")
    for problem in found.problems:
        assert isinstance(problem.place, Place)
    records = tuple(found.records())
    assert msgspec.json.decode(msgspec.json.encode(records), type=type(records)) is not None
    ZoneSet([found]).answer("a.example.net", "TXT")
