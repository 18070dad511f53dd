"""Our evaluation of SPF beside those of pyspf and spftrace, on random worlds.

`MAILPROOF_EXAMPLES` says how many. Where one of them differs, `EXPLAINED` says why; whatever it
does not explain fails.
"""

import os
import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import Struct

from audits.facts.spf import SpfCheck
from audits.parse.spf_eval import answered, check_host
from tests.parse.spf_oracles import pyspf_result, spftrace_result
from tests.parse.spf_worlds import DOMAIN, SpfWorld, spf_worlds
from tests.parse.spf_zone import Zone

EXAMPLES = int(os.environ.get("MAILPROOF_EXAMPLES", "200"))
ORACLES: Mapping[str, Callable[[SpfWorld], str]] = {
    "pyspf": pyspf_result,
    "spftrace": spftrace_result,
}


class Difference(Struct, frozen=True):
    """One way in which another tool differs. why: with the clause that decides.

    theirs: how their result then ends; empty for any. where: what the world has to hold.
    """

    tool: str
    why: str
    theirs: str
    where: Callable[[SpfWorld, SpfCheck], bool]


def _texts(world: SpfWorld) -> str:
    return "\n".join(text for found in world.zone.values() for text in found.get("TXT", ()))


def _repeats_a_modifier(world: SpfWorld, ours: SpfCheck) -> bool:
    return any(line.count(" foo=") > 1 for line in _texts(world).splitlines())


def _leads_to_itself(world: SpfWorld, ours: SpfCheck) -> bool:
    return any(
        f"{term}{target}" in text
        for name, found in world.zone.items()
        for text in found.get("TXT", ())
        for target in (name, "%{")
        for term in ("include:", "redirect=")
    )


def _names_the_client(world: SpfWorld, ours: SpfCheck) -> bool:
    return re.search(r"%\{[pP]", _texts(world)) is not None


def _matches_by_mx(world: SpfWorld, ours: SpfCheck) -> bool:
    return any(re.match(r"[+?~-]?mx", s.term) and s.result == "match" for s in ours.steps)


def _asks_for_silent_names(world: SpfWorld, ours: SpfCheck) -> bool:
    return bool(world.silent) and re.search(r"ptr|%\{[pP]", _texts(world)) is not None


def _is_over_the_void_limit(world: SpfWorld, ours: SpfCheck) -> bool:
    return " is void look-up " in ours.why


EXPLAINED = (
    Difference(
        "pyspf",
        "takes an unknown modifier that repeats for an error; RFC 7208 section 6 has it ignored "
        "however often it appears",
        "permerror",
        _repeats_a_modifier,
    ),
    Difference(
        "pyspf",
        "takes a record that leads to its own name for an error even where the term is never "
        "reached; RFC 7208 section 4.6.2 evaluates from left to right, as far as a match",
        "permerror",
        _leads_to_itself,
    ),
    Difference(
        "pyspf",
        "expands the macros of all terms before it tries the first, so that void look-ups for "
        "%{p} count where the term is never reached; RFC 7208 section 4.6.2, as above",
        "permerror",
        _names_the_client,
    ),
    Difference(
        "pyspf",
        "asks for the addresses of every MX host before it compares the first, so that void ones "
        "and silence count behind a match; RFC 7208 section 5.4 leaves the order open",
        "error",
        _matches_by_mx,
    ),
    Difference(
        "pyspf",
        "makes a temperror of silence about a name of the client's address; RFC 7208 section 5.5 "
        "has that name skipped",
        "temperror",
        _asks_for_silent_names,
    ),
    Difference(
        "spftrace",
        "counts the same void look-up once however often it is made, and does not look up PTR "
        "names that can't match; RFC 7208 section 4.6.4 leaves both open, and a receiver that "
        "counts each gives a permanent error",
        "",
        _is_over_the_void_limit,
    ),
)


def evaluated(world: SpfWorld) -> SpfCheck:
    asking = check_host(world.client, world.sender, world.helo)
    return answered(asking, Zone(world.mapping).answer)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 200,
    suppress_health_check=list(HealthCheck),
)
@given(spf_worlds())
def test_others_agree_or_it_is_known_why_not(world: SpfWorld) -> None:
    ours = evaluated(world)
    for tool, result in ORACLES.items():
        theirs = result(world)
        assert theirs == ours.result or any(
            known.tool == tool and theirs.endswith(known.theirs) and known.where(world, ours)
            for known in EXPLAINED
        ), f"{tool} says {theirs}, we say {ours.result}: {ours.why}"


def _world(record: str, *silent: str, **zone: dict[str, list[str]]) -> SpfWorld:
    names = {f"{label}.{DOMAIN}": found for label, found in zone.items()}
    pointers = {"1.2.0.192.in-addr.arpa": {"PTR": [f"a.{DOMAIN}"]}}
    whole = {**names, **pointers}
    whole[DOMAIN] = {"TXT": [record], "MX": [f"b.{DOMAIN}", f"c.{DOMAIN}"]}
    return SpfWorld(whole, frozenset(silent), "192.0.2.1", f"user@{DOMAIN}", DOMAIN)


@pytest.mark.parametrize(
    ("world", "ours", "pyspf", "spftrace"),
    [
        (_world("v=spf1 foo=a foo=b -all"), "fail", "permerror", "fail"),
        (_world("v=spf1 ip4:192.0.2.1 include:example.com -all"), "pass", "permerror", "pass"),
        (
            _world("v=spf1 a:g.example.com a:h.example.com ip4:192.0.2.1 exists:%{p}.example.com"),
            "pass",
            "permerror",
            "pass",
        ),
        (
            _world("v=spf1 mx -all", "c.example.com", b={"A": ["192.0.2.1"]}),
            "pass",
            "temperror",
            "pass",
        ),
        (_world("v=spf1 ptr -all", "a.example.com"), "fail", "temperror", "fail"),
        (
            _world("v=spf1 a:g.example.com a:g.example.com a:g.example.com -all"),
            "permerror",
            "permerror",
            "fail",
        ),
    ],
    ids=[
        "repeated-modifier",
        "inclusion-of-itself",
        "expansion-ahead-of-time",
        "every-mx-host-first",
        "silent-pointer",
        "repeated-void-look-up",
    ],
)
def test_differences_are_as_explained(
    world: SpfWorld, ours: str, pyspf: str, spftrace: str
) -> None:
    assert evaluated(world).result == ours
    assert (pyspf_result(world), spftrace_result(world)) == (pyspf, spftrace)
