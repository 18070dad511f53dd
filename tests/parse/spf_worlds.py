"""Small random worlds for SPF: zones that include each other, fall silent, and hold faults."""

from ipaddress import ip_address

from hypothesis import strategies as st
from msgspec import Struct

from tests.parse.spf_zone import TIMEOUT

NAMES = tuple(f"{label}.example.com" for label in ("a", "b", "c", "mail", "gone"))
DOMAIN = "example.com"
FOUR = ("192.0.2.1", "192.0.2.130", "198.51.100.7")
SIX = ("2001:db8::1", "2001:db8:0:1::1", "2001:db8:ffff::7")
CLIENTS = FOUR + SIX

Found = dict[str, list[str]]


class SpfWorld(Struct, frozen=True):
    """A zone, and mail that is to be judged. silent: names that nobody answers for."""

    zone: dict[str, Found]
    silent: frozenset[str]
    client: str
    sender: str
    helo: str

    @property
    def mapping(self) -> dict[str, dict[str, list[str] | str]]:
        """As tests.parse.spf_zone.Zone takes it."""
        return {**self.zone, **{name: {TIMEOUT: TIMEOUT} for name in self.silent}}


_lengths4 = st.sampled_from(["", "/32", "/24", "/25", "/0", "/8"])
_lengths6 = st.sampled_from(["", "", "//128", "//64", "//32", "//0"])
_specs = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(
        [
            "%{d}",
            "%{o}",
            "%{d2}",
            "a.%{d}",
            "%{l}.example.com",
            "%{ir}.%{v}.list.example.com",
            "%{i}.list.example.com",
            "%{h}",
            "%{s}.example.com",
            "%{L}.%{o}",
            "%{p}.list.example.com",
            "%{p2}",
            "%{l1r-}.example.com",
            "%{d}.",
        ]
    ),
)
_qualifiers = st.sampled_from(["", "", "", "+", "-", "~", "?"])
_faults = st.sampled_from(
    [
        "ipv4:192.0.2.1",
        "ip4:192.0.2.256",
        "ip4:192.0.2.1/33",
        "ip4:192.0.2.0/024",
        "ip6:2001:db8::/129",
        "a:%{c}.example.com",
        "a:%{d",
        "a:museum",
        "include",
        "include:",
        "exists:example.123",
        "all:x",
        "mx/33",
        "a/24/64",
        "redirect=",
        "foo=%abc",
        "1=x",
        "-",
    ]
)


def _mechanism() -> st.SearchStrategy[str]:
    dual = st.builds("{}{}".format, _lengths4, _lengths6)
    spec = st.one_of(st.just(""), _specs.map(":{}".format))
    networks = st.one_of(
        st.builds("ip4:{}{}".format, st.sampled_from(FOUR), _lengths4),
        st.builds("ip6:{}{}".format, st.sampled_from(SIX), st.sampled_from(["", "/64", "/32"])),
    )
    looked_up = st.one_of(
        st.builds("a{}{}".format, spec, dual),
        st.builds("mx{}{}".format, spec, dual),
        st.builds("include:{}".format, _specs),
        st.builds("exists:{}".format, _specs),
        st.builds("ptr{}".format, st.one_of(st.just(""), st.sampled_from(NAMES).map(":{}".format))),
    )
    terms = st.one_of(networks, looked_up, looked_up, st.just("all"))
    return st.builds("{}{}".format, _qualifiers, terms)


def _modifier() -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("redirect={}".format, _specs),
        st.builds("exp={}".format, st.sampled_from(NAMES)),
        st.just("foo=%{d}bar"),
    )


@st.composite
def spf_texts(draw: st.DrawFn) -> str:
    """A record, mostly well-formed."""
    terms = draw(st.lists(_mechanism(), max_size=5))
    if draw(st.integers(0, 2)) == 0:
        terms.insert(draw(st.integers(0, len(terms))), draw(_modifier()))
    if draw(st.integers(0, 11)) == 0:
        terms.insert(draw(st.integers(0, len(terms))), draw(_faults))
    if draw(st.integers(0, 24)) == 0:
        terms = terms * 4
    return " ".join([draw(st.sampled_from(["v=spf1", "v=spf1", "v=spf1", "V=SPF1"])), *terms])


@st.composite
def _found(draw: st.DrawFn) -> Found:
    exchanges = st.lists(st.sampled_from((*NAMES, DOMAIN)), max_size=2, unique=True)
    found: Found = {
        "A": draw(st.lists(st.sampled_from(FOUR), max_size=2, unique=True)),
        "AAAA": draw(st.lists(st.sampled_from(SIX), max_size=2, unique=True)),
        "MX": draw(exchanges),
        "TXT": draw(st.lists(spf_texts(), min_size=draw(st.integers(0, 5)) > 0, max_size=1)),
    }
    if draw(st.integers(0, 30)) == 0:
        found["MX"] = [f"h{i}.example.com" for i in range(11)]
    if draw(st.integers(0, 15)) == 0:
        found["TXT"].append(draw(st.sampled_from(["v=spf1 -all", "v=spf10 x", "other"])))
    return {rdtype: values for rdtype, values in found.items() if values}


@st.composite
def spf_worlds(draw: st.DrawFn) -> SpfWorld:
    """A zone of a few names, and mail of example.com."""
    zone = {name: draw(_found()) for name in NAMES[:-1] if draw(st.integers(0, 9))}
    zone[DOMAIN] = {**draw(_found()), "TXT": [draw(spf_texts())]}
    silent = frozenset(n for n in NAMES[:-1] if draw(st.integers(0, 19)) == 0)
    client = draw(st.sampled_from(CLIENTS))
    pointers = draw(st.lists(st.sampled_from((*NAMES, DOMAIN)), max_size=2, unique=True))
    if pointers:
        zone[ip_address(client).reverse_pointer] = {"PTR": pointers}
    sender = draw(st.sampled_from(["user@example.com", "some-body.else@example.com", ""]))
    return SpfWorld(zone, silent, client, sender, draw(st.sampled_from((DOMAIN, *NAMES))))
