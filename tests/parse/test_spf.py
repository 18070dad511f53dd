"""SPF records and the tree of include and redirect."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.facts.dns import Answer, SpfNode, SpfTerm
from audits.parse.spf import MAX_NODES, spf_record, spf_records, spf_targets, spf_tree

VALID = [
    "v=spf1",
    "v=spf1   mx    -all  ",
    "v=SpF1 ~all",
    "V=spf1 -ALL",
    "v=spf1 a mx ptr exists:%{i}.x.example ?all",
    "v=spf1 a/24 a//64 a/24//64 mx:example.com/24//64 -all",
    "v=spf1 a:foo:bar/baz.example.com -all",
    "v=spf1 a:example.com. -all",
    "v=spf1 include:_spf.example.com redirect=x.example",
    "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.1 ip4:0.0.0.0/0 -all",
    "v=spf1 ip6:2001:db8::/32 ip6::: ip6:::ffff:192.0.2.1/128 ip6:2001:db8::/0 -all",
    "v=spf1 exists:%{S}.example.com -all",
    "v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all",
    "v=spf1 exists:%{l1r-}.x.example -all",
    "v=spf1 include:%{d} -all",
    "v=spf1 foo=bar ra=postmaster rp=100 rr=all -all",
    "v=spf1 foo= -all",
    "v=spf1 foo=%%%_%- -all",
    "v=spf1 -all exp=explain._spf.%{d}",
    "v=spf1 redirect=a.example exp=b.example",
    "v=spf1 a:xn--bcher-kva.example -all",
    "v=spf1 a:example.xn--p1ai -all",
    "v=spf1 a:a-b.c-d -all",
]

INVALID = [
    ("v=spf1 ip6 -all", '"ip6": ip6 needs an address'),
    ("v=spf1 -all ip6", '"ip6": ip6 needs an address'),
    ("v=spf1 -all foo=%abc", '"foo=%abc": not a macro-string'),
    ("v=spf1 -all exp=%{r}.x", '"exp=%{r}.x": not a domain-spec'),
    ("v=spf1 redirect=a.b -all redirect=a.b", '"redirect=a.b": modifier redirect is given twice'),
    ("v=spf1 exp=a.b exp=c.d", '"exp=c.d": modifier exp is given twice'),
    ("v=spf1 ip4:1.2.3.4/032", '"ip4:1.2.3.4/032": not an IPv4 network'),
    ("v=spf1 ip4:1.2.3.4/33", '"ip4:1.2.3.4/33": prefix length 33 is over 32'),
    ("v=spf1 ip4:1.2.3", '"ip4:1.2.3": not an IPv4 network'),
    ("v=spf1 ip4:01.2.3.4", '"ip4:01.2.3.4": not an IPv4 network'),
    ("v=spf1 ip4:1.2.3.256", '"ip4:1.2.3.256": not an IPv4 network'),
    ("v=spf1 ip4:1.2.3.4:8080", '"ip4:1.2.3.4:8080": not an IPv4 network'),
    ("v=spf1 ip6:2001:db8::/129", '"ip6:2001:db8::/129": prefix length 129 is over 128'),
    ("v=spf1 ip6:2001:db8::g", '"ip6:2001:db8::g": not an IPv6 network'),
    ("v=spf1 ip6:1.2.3.4", '"ip6:1.2.3.4": not an IPv6 network'),
    ("v=spf1 a/33", '"a/33": prefix length 33 is over 32'),
    ("v=spf1 a/024", '"a/024": "/024" is not a prefix length'),
    ("v=spf1 a//129", '"a//129": prefix length 129 is over 128'),
    ("v=spf1 a:example.com/024", '"a:example.com/024": "com/024" is not a top-level label'),
    ("v=spf1 a:", '"a:": the domain is missing'),
    ("v=spf1 a:/24", '"a:/24": the domain is missing'),
    ("v=spf1 a:%{r}.x", '"a:%{r}.x": not a domain-spec'),
    ("v=spf1 a:%{d0}.x", '"a:%{d0}.x": not a domain-spec'),
    ("v=spf1 a:%{x}.x", '"a:%{x}.x": not a domain-spec'),
    ("v=spf1 a:%{d.x", '"a:%{d.x": not a domain-spec'),
    ("v=spf1 a:example.123", '"a:example.123": "123" is not a top-level label'),
    ("v=spf1 a:example.-x", '"a:example.-x": "-x" is not a top-level label'),
    (
        "v=spf1 a:museum",
        '"a:museum": a single label is no domain-spec, and receivers differ on it',
    ),
    ("v=spf1 include:a..example", '"include:a..example": the domain has an empty label'),
    (
        f"v=spf1 a:{'x' * 64}.example",
        f'"a:{"x" * 55}...": a label is longer than 63 characters',
    ),
    ("v=spf1 a:x.example\rptr -all", '"a:x.example\rptr": not a domain-spec'),
    ("v=spf1 a\t-all", '"a\t-all": not a term of SPF'),
    ("v=spf1 a:bücher.example -all", '"a:bücher.example": not a domain-spec'),
    ("v=spf1 all:x.example", '"all:x.example": all takes no value'),
    ("v=spf1 all/8", '"all/8": all takes no value'),
    ("v=spf1 -all.", '"-all.": not a term of SPF'),
    ("v=spf1 include", '"include": include needs a domain'),
    ("v=spf1 exists:x.example/24", '"exists:x.example/24": "example/24" is not a top-level label'),
    ("v=spf1 ptr/24", '"ptr/24": ptr takes no prefix length'),
    ("v=spf1 -redirect=x.example", '"-redirect=x.example": not a term of SPF'),
    ("v=spf1 redirect=", '"redirect=": the domain is missing'),
    ("v=spf1 ipv4:192.0.2.1", '"ipv4:192.0.2.1": unknown mechanism "ipv4"'),
    ("v=spf1 =x", '"=x": not a term of SPF'),
    ("v=spf1 --all", '"--all": not a term of SPF'),
]


@pytest.mark.parametrize("text", VALID)
def test_valid_records_have_no_fault(text: str) -> None:
    assert spf_record(text).malformed is None


@pytest.mark.parametrize(("text", "fault"), INVALID)
def test_syntax_errors_are_named(text: str, fault: str) -> None:
    assert spf_record(text).malformed == fault


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["v=spf10 -all", "v=spf1 mx"], 1),
        ([" v=spf1 -all"], 0),
        (["v=spf1\t-all"], 0),
        (["v=spf1", "v=spf1 -all"], 2),
        (["v=spf1-all", "spf2.0/pra -all", "google-site-verification=x"], 0),
        (["v=\u017fpf1 -all"], 0),
    ],
)
def test_only_exact_versions_are_records(texts: list[str], count: int) -> None:
    assert len(spf_records(texts)) == count


def test_terms_are_taken_apart() -> None:
    record = spf_record("v=spf1 A:Mail.Example/24 ~include:x.example mx/30 foo=b=c bad/ -all")
    assert record.terms == (
        SpfTerm("A:Mail.Example/24", "+", "a", "Mail.Example/24"),
        SpfTerm("~include:x.example", "~", "include", "x.example"),
        SpfTerm("mx/30", "+", "mx", "/30"),
        SpfTerm("foo=b=c", "", "foo", "b=c"),
        SpfTerm("-all", "-", "all", ""),
    )
    assert record.malformed == '"bad/": unknown mechanism "bad"'


def _targets(*texts: str) -> list[str]:
    return [target for _, target in spf_targets(spf_records(texts))]


def test_redirect_is_followed_only_without_all_in_any_position() -> None:
    assert _targets("v=spf1 redirect=x.example include:y.example") == ["x.example", "y.example"]
    assert _targets("v=spf1 redirect=x.example -all") == []
    assert _targets("v=spf1 ?all redirect=x.example") == []


def test_names_with_macros_and_doubled_records_are_not_followed() -> None:
    assert _targets("v=spf1 include:%{d}.x.example include:Y.Example. -all") == ["y.example"]
    assert _targets("v=spf1 include:a.example", "v=spf1 -all") == []


def _found(zone: dict[str, str]) -> dict[str, SpfNode]:
    return {
        name: SpfNode(name, (), Answer(name, "NOERROR", False, (), 60), spf_records([text]), None)
        for name, text in zone.items()
    }


def test_the_tree_is_depth_first_and_repeats_a_repeated_include() -> None:
    zone = {
        "d.example": "v=spf1 include:a.example include:b.example -all",
        "a.example": "v=spf1 include:c.example -all",
        "b.example": "v=spf1 include:c.example -all",
        "c.example": "v=spf1 ip4:192.0.2.1 -all",
    }
    nodes = spf_tree("d.example", _found(zone))
    assert [node.name[0] for node in nodes] == ["d", "a", "c", "b", "c"]
    assert nodes[2].path == ("include:a.example", "include:c.example")


def test_a_loop_ends_at_the_name_that_closes_it() -> None:
    zone = {
        "d.example": "v=spf1 include:a.example -all",
        "a.example": "v=spf1 redirect=d.example",
    }
    nodes = spf_tree("d.example", _found(zone))
    assert [node.name for node in nodes] == ["d.example", "a.example", "d.example"]
    assert nodes[-1].path == ("include:a.example", "redirect=d.example")


def test_a_tree_that_branches_without_end_is_bounded() -> None:
    zone = {
        f"n{i}.example": f"v=spf1 include:n{i + 1}.example include:n{i + 2}.example -all"
        for i in range(60)
    }
    nodes = spf_tree("n0.example", _found(zone))
    assert len(nodes) == MAX_NODES
    assert max(len(node.path) for node in nodes) == 10


@settings(max_examples=200)
@given(st.text())
def test_any_text_after_the_version_gives_a_value(text: str) -> None:
    record = spf_record("v=spf1 " + text)
    assert list(spf_targets((record,))) == list(spf_targets((record,)))


TOKENS = ["a", "mx", ":", "/", "%", "{", "}", "d", "r", "=", ".", "-all", " ", "ip4:", "1", "é"]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(TOKENS)).map("".join))
def test_any_mix_of_spf_tokens_gives_a_value(text: str) -> None:
    record = spf_record("v=spf1 " + text)
    assert record.malformed is None or record.malformed
