"""Zones of octoDNS: records as mappings and lists, escaped semicolons, what is passed over."""

import json
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.parse.config_tree import ConfigText
from audits.parse.dns_message import Response
from audits.parse.octodns import read_octodns
from audits.parse.zone import Zone, ZoneSet


def zone(text: str) -> Zone:
    return read_octodns(ConfigText("z.yaml", text), "example.net")


def answer(found: Zone, name: str, rdtype: str) -> list[str]:
    said = ZoneSet([found]).answer(name, rdtype)
    assert isinstance(said, Response)
    return [said.rcode, *(str(rdata) for rdata in said.rdatas)]


APEX = """\
? ''
: - type: MX
    values:
    - exchange: mx1.example.net.
      preference: 10
    - {value: mx2.example.net., priority: 20}
  - type: TXT
    ttl: 60
    value: v=spf1 -all
  - {type: ALIAS, value: www.example.net.}
"""


def test_lists_of_values_have_their_own_lines() -> None:
    found = zone(APEX)
    assert [(e.rdtype, str(e.rdata), e.ttl, e.place.line) for e in found.entries] == [
        ("MX", "10 mx1.example.net.", 3600, 4),
        ("MX", "20 mx2.example.net.", 3600, 6),
        ("TXT", '"v=spf1 -all"', 60, 9),
    ]
    assert found.problems == []


def test_type_for_its_providers_is_passed_over_with_a_note() -> None:
    assert zone(APEX).notes == ["z.yaml:10: ALIAS of example.net is passed over"]


def test_escaped_semicolon_is_one() -> None:
    found = zone("_dmarc: {type: TXT, value: 'v=DMARC1\\; p=none'}\n")
    assert answer(found, "_dmarc.example.net", "TXT") == ["NOERROR", '"v=DMARC1; p=none"']


def test_long_text_is_cut_to_strings() -> None:
    found = zone(f"k: {{type: TXT, value: '{'a' * 300}'}}\n")
    assert answer(found, "k.example.net", "TXT") == ["NOERROR", f'"{"a" * 255}" "{"a" * 45}"']


def test_records_with_fields() -> None:
    found = zone(
        "_25._tcp.mx1:\n  type: TLSA\n  value: {certificate_usage: 3, selector: 1, "
        "matching_type: 1, certificate_association_data: abcd}\n"
        "_submission._tcp:\n  type: SRV\n  values:\n"
        "  - {priority: 0, weight: 1, port: 587, target: mx1.example.net.}\n"
        "c: {type: CAA, value: {flags: 0, tag: issue, value: ca.example.org}}\n"
    )
    assert found.problems == []
    assert answer(found, "_submission._tcp.example.net", "SRV") == [
        "NOERROR",
        "0 1 587 mx1.example.net.",
    ]
    assert answer(found, "c.example.net", "CAA") == ["NOERROR", '0 issue "ca.example.org"']


def test_name_without_final_dot_is_a_problem_with_its_line() -> None:
    found = zone("a: {type: A, value: 192.0.2.1}\nwww:\n  type: CNAME\n  value: mx1\n")
    assert [(p.place.line, "without a final dot" in p.message) for p in found.problems] == [
        (4, True)
    ]
    assert answer(found, "a.example.net", "A") == ["NOERROR", "192.0.2.1"]


def test_file_that_is_no_yaml_is_silent_as_a_whole() -> None:
    found = zone("a: {type: A\nb: [\n")
    assert found.whole is not None
    assert found.problems[0].place.line >= 1


@settings(
    max_examples=int(os.environ.get("MAILPROOF_EXAMPLES", "300")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.sampled_from(["A", "TXT", "MX", "x.", "1.2.3.4"])),
        lambda inner: st.one_of(
            st.lists(inner),
            st.dictionaries(st.sampled_from(["type", "value", "values", "ttl", "a", ""]), inner),
        ),
    )
)
def test_any_document_gives_a_zone(value: object) -> None:
    found = zone(json.dumps(value))
    ZoneSet([found]).answer("a.example.net", "TXT")
