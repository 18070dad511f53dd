"""check_host as a trace: what it asked, what it counted, and what decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.fact import Reason
from audits.facts.spf import SpfCheck, SpfResult
from audits.parse.spf import address_parts, ipv4_prefix_length, spf_record
from audits.parse.spf_cost import worst_case
from audits.parse.spf_eval import answered, check_host
from audits.parse.spf_macro import can_be_asked, expanded, target_name
from tests.parse.spf_zone import TIMEOUT, Zone

CLIENT = "192.0.2.1"
DOMAIN = "example.net"


def check(zone: Zone, client: str = CLIENT, sender: str = f"user@{DOMAIN}") -> SpfCheck:
    return answered(check_host(client, sender, "helo.example.net"), zone.answer)


def test_trace_holds_terms_answers_and_counts_in_order() -> None:
    zone = Zone(
        {
            DOMAIN: {"TXT": ["v=spf1 a:gone.example include:p.example -all"]},
            "p.example": {"TXT": ["v=spf1 mx ?all"], "MX": ["m.example"]},
            "m.example": {"A": [CLIENT]},
        }
    )
    seen = check(zone)
    assert (seen.result, seen.lookups, seen.voids) == (SpfResult.PASS, 3, 1)
    assert seen.why == "include:p.example matches"
    shown = [(s.path, s.term, s.target, s.lookups, s.voids, s.result) for s in seen.steps]
    inside = ("include:p.example",)
    assert shown == [
        ((), "", "", 0, 0, "pass"),
        ((), "a:gone.example", "gone.example", 1, 1, "no match"),
        ((), "include:p.example", "p.example", 2, 1, "match"),
        (inside, "", "", 2, 1, "pass"),
        (inside, "mx", "p.example", 3, 1, "match"),
    ]
    void, mx, address = [seen.steps[i].queries for i in (1, 4, 4)]
    assert (void[0].rcode, void[0].void) == ("NXDOMAIN", True)
    assert (mx[0].rdtype, mx[0].values) == ("MX", ("m.example",))
    assert (address[1].name, address[1].values) == ("m.example", (CLIENT,))
    assert seen.steps[4].way == " (by include:p.example)"


def test_run_of_networks_that_do_not_match_is_one_step() -> None:
    networks = " ".join(f"ip4:198.51.100.{n}" for n in range(200))
    seen = check(Zone({DOMAIN: {"TXT": [f"v=spf1 {networks} ip4:{CLIENT} -all"]}}))
    assert [(s.term, s.more) for s in seen.steps] == [
        ("", 0),
        ("ip4:198.51.100.0", 199),
        (f"ip4:{CLIENT}", 0),
    ]
    assert seen.result is SpfResult.PASS


def test_what_is_hostile_is_cut() -> None:
    texts = [f"v=spf1 exists:{'x' * 60}.example {'y' * 60_000}=z -all"]
    seen = check(Zone({DOMAIN: {"TXT": texts}}))
    assert all(len(v) <= 300 for s in seen.steps for q in s.queries for v in q.values)
    assert all(len(s.term) <= 300 for s in seen.steps)


def test_error_in_an_included_record_names_the_way_to_it() -> None:
    zone = Zone(
        {
            DOMAIN: {"TXT": ["v=spf1 include:p.example -all"]},
            "p.example": {"TXT": ["v=spf1 include:q.example -all"]},
        }
    )
    seen = check(zone)
    assert seen.result is SpfResult.PERMERROR
    assert seen.why == ("include:q.example (by include:p.example): q.example has no SPF record")
    assert [s.result for s in seen.steps] == [*["permerror"] * 4, "none"]


def test_silence_is_a_temporary_error_with_its_reason() -> None:
    zone = Zone(
        {DOMAIN: {"TXT": ["v=spf1 exists:s.example -all"]}, "s.example": {TIMEOUT: TIMEOUT}}
    )
    seen = check(zone)
    assert seen.result is SpfResult.TEMPERROR
    assert seen.silence is not None
    assert seen.silence.reason is Reason.DNS_TIMEOUT


def test_bounce_is_judged_by_its_helo_name() -> None:
    zone = Zone({"helo.example.net": {"TXT": ["v=spf1 a -all"], "A": [CLIENT]}})
    assert check(zone, sender="").result is SpfResult.PASS


def test_address_literal_has_no_policy_and_nobody_is_asked() -> None:
    zone = Zone({})
    assert answered(check_host(CLIENT, "", "[192.0.2.1]"), zone.answer).result is SpfResult.NONE
    assert zone.asked == []


def test_ipv4_in_an_ipv6_address_is_ipv4() -> None:
    zone = Zone({DOMAIN: {"TXT": [f"v=spf1 ip4:{CLIENT} -all"]}})
    assert check(zone, f"::ffff:{CLIENT}").result is SpfResult.PASS


@pytest.mark.parametrize(
    ("term", "parts"),
    [
        ("a", ("", 32, 128)),
        ("mx/24", ("", 24, 128)),
        ("a//64", ("", 32, 64)),
        ("a:b.example/24//64", ("b.example", 24, 64)),
        ("a:foo:bar/baz.example", ("foo:bar/baz.example", 32, 128)),
    ],
)
def test_domain_and_prefix_lengths_are_told_apart(term: str, parts: tuple[str, int, int]) -> None:
    read = spf_record(f"v=spf1 {term}").terms[0]
    assert address_parts(read) == parts
    assert ipv4_prefix_length(read) == parts[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%{d2}", "example.net"),
        ("%{d1r}", "mail"),
        ("%{l-}", "some.body+x"),
        ("%{l1r-}", "some"),
        ("%{L}", "some-body%2Bx"),
        ("%%%_%-", "% %20"),
        ("%{d99999999999999999999999}", "mail.example.net"),
    ],
)
def test_macro_is_transformed(text: str, value: str) -> None:
    assert expanded(text, {"d": "mail.example.net", "l": "some-body+x"}) == value


def test_long_name_loses_labels_at_its_left() -> None:
    name = target_name(".".join(["label"] * 60))
    assert len(name) <= 253
    assert can_be_asked(name)
    assert target_name("x" * 300) == ""


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120))
def test_any_text_is_evaluated_within_bounds(text: str) -> None:
    zone = Zone({DOMAIN: {"TXT": [f"v=spf1 {text}", text]}})
    for client in (CLIENT, "2001:db8::1"):
        seen = check(zone, client)
        assert seen.lookups <= 11
        assert len(seen.steps) <= 250
    for family in (4, 6):
        assert answered(worst_case(DOMAIN, family), zone.answer).family == family


@given(st.lists(st.sampled_from(["include:%{d}", "a", "redirect=%{d}", "include:a.%{d}"])))
def test_no_record_makes_a_receiver_go_on_for_ever(terms: list[str]) -> None:
    texts = ["v=spf1 " + " ".join(terms)]
    zone = Zone({DOMAIN: {"TXT": texts}, f"a.{DOMAIN}": {"TXT": texts}})
    check(zone)
    answered(worst_case(DOMAIN, 4), zone.answer)
    assert len(zone.asked) < 200
