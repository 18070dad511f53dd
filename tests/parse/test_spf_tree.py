"""What an SPF tree means as a whole."""

from audits.facts.fact import Silence
from audits.facts.pointer import pointer_value
from audits.parse.spf_tree import (
    Place,
    authorised_addresses,
    authorising_terms,
    distinct_nodes,
    effective_all,
)
from tests.catalog.spf.trees import SILENT, spf


def test_overlapping_networks_are_counted_once() -> None:
    tree = spf(
        "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.7 ip6:2001:db8::/64 include:a.example -all",
        a="v=spf1 ip4:192.0.2.128/25 ip4:198.51.100.1 -ip4:203.0.113.0/24 -all",
    )
    assert authorised_addresses(tree) == (257, 2**64)


def test_authorising_terms_stand_in_order_of_evaluation() -> None:
    tree = spf("v=spf1 a include:x.example mx -all ptr", x="v=spf1 ip4:192.0.2.1 ~ip4:192.0.2.2")
    assert [term.text for _, term in authorising_terms(tree)] == ["a", "ip4:192.0.2.1", "mx"]


def test_place_leads_to_the_term_in_the_fact() -> None:
    tree = spf("v=spf1 mx redirect=x.example", x="v=spf1 ip4:192.0.2.1 ?all")
    place = effective_all(tree)
    assert place == Place(1, 1)
    assert isinstance(place, Place)
    term = pointer_value(tree, place.pointer)
    assert getattr(term, "text", None) == "?all"


def test_silent_redirect_gives_its_silence() -> None:
    assert effective_all(spf("v=spf1 redirect=x.example", x=SILENT)) == SILENT
    assert isinstance(effective_all(spf("v=spf1 redirect=%{d}.x.example")), Silence)


def test_circle_ends() -> None:
    tree = spf("v=spf1 include:x.example -all", x="v=spf1 include:example.net include:x.example +a")
    assert {term.text for _, term in authorising_terms(tree)} == {"+a"}
    assert [node.name for _, node in distinct_nodes(tree)] == ["example.net", "x.example"]
