"""Small random worlds for SPF: zones that include each other, fall silent, and hold faults."""

from ipaddress import ip_address
from random import Random

from hypothesis import strategies as st
from msgspec import Struct

from tests.parse.spf_zone import TIMEOUT

DOMAIN = "example.com"
GONE = f"gone.{DOMAIN}"
NAMES = (*(f"{label}.{DOMAIN}" for label in ("a", "b", "c", "mail")), DOMAIN)
TARGETS = (*NAMES, GONE)
FOUR = ("192.0.2.1", "192.0.2.130", "198.51.100.7")
SIX = ("2001:db8::1", "2001:db8:0:1::1", "2001:db8:ffff::7")

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


_LENGTHS_4 = ("", "/32", "/24", "/25", "/0", "/8")
_LENGTHS_6 = ("", "", "//128", "//64", "//32", "//0")
_MACROS = (
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
)
_FAULTS = (
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
)
_QUALIFIERS = ("", "", "", "+", "-", "~", "?")


def random_world(dice: Random) -> SpfWorld:
    """A zone of a few names, and mail of example.com."""
    zone = {name: _found(dice) for name in NAMES[:-1] if dice.random() < 0.9}
    zone[DOMAIN] = {**_found(dice), "TXT": [spf_text(dice)]}
    silent = frozenset(name for name in NAMES[:-1] if dice.random() < 0.05)
    client = dice.choice((*FOUR, *SIX))
    pointers = dice.sample(TARGETS, dice.randint(0, 2))
    if pointers:
        zone[ip_address(client).reverse_pointer] = {"PTR": pointers}
    sender = dice.choice((f"user@{DOMAIN}", f"some-body.else@{DOMAIN}", ""))
    return SpfWorld(zone, silent, client, sender, dice.choice(TARGETS))


def spf_text(dice: Random) -> str:
    """A record, mostly well-formed."""
    terms = [_mechanism(dice) for _ in range(dice.randint(0, 5))]
    if dice.random() < 0.3:
        terms.insert(dice.randint(0, len(terms)), _modifier(dice))
    if dice.random() < 0.08:
        terms.insert(dice.randint(0, len(terms)), dice.choice(_FAULTS))
    if dice.random() < 0.04:
        terms *= 4
    return " ".join([dice.choice(("v=spf1", "v=spf1", "v=spf1", "V=SPF1")), *terms])


def _mechanism(dice: Random) -> str:
    spec = dice.choice(("", f":{_spec(dice)}"))
    lengths = dice.choice(_LENGTHS_4) + dice.choice(_LENGTHS_6)
    term = dice.choice(
        (
            f"ip4:{dice.choice(FOUR)}{dice.choice(_LENGTHS_4)}",
            f"ip6:{dice.choice(SIX)}{dice.choice(('', '/64', '/32'))}",
            f"a{spec}{lengths}",
            f"mx{spec}{lengths}",
            f"include:{_spec(dice)}",
            f"exists:{_spec(dice)}",
            dice.choice(("ptr", f"ptr:{dice.choice(TARGETS)}")),
            "all",
        )
    )
    return dice.choice(_QUALIFIERS) + term


def _spec(dice: Random) -> str:
    return dice.choice(TARGETS) if dice.random() < 0.7 else dice.choice(_MACROS)


def _modifier(dice: Random) -> str:
    return dice.choice((f"redirect={_spec(dice)}", f"exp={dice.choice(TARGETS)}", "foo=%{d}bar"))


def _found(dice: Random) -> Found:
    found: Found = {
        "A": dice.sample(FOUR, dice.randint(0, 2)),
        "AAAA": dice.sample(SIX, dice.randint(0, 2)),
        "MX": dice.sample(TARGETS, dice.randint(0, 2)),
        "TXT": [spf_text(dice)] if dice.random() < 0.85 else [],
    }
    if dice.random() < 0.03:
        found["MX"] = [f"h{i}.{DOMAIN}" for i in range(11)]
    if dice.random() < 0.06:
        found["TXT"].append(dice.choice(("v=spf1 -all", "v=spf10 x", "other")))
    return {rdtype: values for rdtype, values in found.items() if values}


def spf_worlds() -> st.SearchStrategy[SpfWorld]:
    """Random worlds. Hypothesis draws the seed alone: ten times as fast as every choice."""
    return st.integers(0, 2**64 - 1).map(lambda seed: random_world(Random(seed)))
