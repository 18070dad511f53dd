"""Zone files that are wrong in one thing, and some that only look so.

Each case of tests/data/mta/zones.yaml is judged by every audit of the baseline that zone files can
decide, with the network off.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.catalog import load
from audits.collect.candidate.assembly import OFFLINE, CandidateFiles, offline
from audits.collect.collector import Origin
from audits.collect.plan import STATED, plan
from audits.collect.stages import Collection, Population
from audits.evaluate.coverage import coverable, separated
from audits.evaluate.engine import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.declared import DeclaredHost, DeclaredSelector, DeclaredSender, FleetScope
from audits.facts.fact import AnyObservation, Fact, Observed, kind_of
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.parse.config_tree import ConfigText
from audits.parse.zone import ZoneSet
from audits.parse.zone_file import read_zone_file
from audits.policy_file import read_policy
from audits.settings import LimitSettings
from audits.subject import Role, Subject, Vantage
from tests.build import AS_OF, PROVENANCE, domain, host, policy

DATA = Path(__file__).parent / "data/mta/zones.yaml"
ORIGIN = Origin("here", lambda: AS_OF)
HOST = "mx1.example.net"
APEX = "$TTL 60\n@ SOA ns1.example.net. host.example.net. 1 1 1 1 1\n@ NS ns1.example.net.\n"


@dataclass(frozen=True)
class Case:
    """A zone. fails: audits with the place of their first evidence."""

    row: int
    name: str
    zone: str
    parked: bool
    selectors: tuple[str, ...]
    fails: dict[str, str]

    def results(self) -> list[Result]:
        def include(beside: str, name: str) -> ConfigText:
            raise AssertionError(name)

        zone = read_zone_file(ConfigText("db", self.zone), "example.net", include)
        other = read_zone_file(
            ConfigText("other", f"{APEX}@ MX 5 mx\nmx A 9.9.9.12\n"), "example.org", include
        )
        back = read_zone_file(
            ConfigText("back", f"{APEX}9 PTR {HOST}.\n"), "9.9.9.in-addr.arpa", include
        )
        files = CandidateFiles(ZoneSet([zone, other, back]), {}, Path())
        kinds = {kind_of(fact) for fact in files.kinds}
        chosen = [
            audit
            for name in read_policy("baseline", base=Path()).audit_ids()
            if coverable(audit := load()[name], kinds) and audit.facts() - STATED.keys()
        ]
        snapshot = self._declared()
        snapshot.add([files.records(ORIGIN)])
        facts: set[type[Fact]] = {fact for audit in chosen for fact in audit.facts()}
        _collect(snapshot, files, facts)
        kept, _ = separated(evaluate(snapshot, policy(chosen), load()))
        return kept

    def _declared(self) -> Snapshot:
        sender = DeclaredSender(HOST, ("9.9.9.9",))
        active = not self.parked
        mail = domain(
            sends=active,
            receives=active,
            mx=None,
            submission=(HOST,) if active else (),
            senders=(HOST,) if active else (),
            sending=(sender,) if active else (),
            dkim=tuple(DeclaredSelector(s, "self", None, True) for s in self.selectors),
        )
        roles = (Role.MX, Role.MSA, Role.RELAY)
        facts: list[Fact] = [
            FleetScope(Vantage("here"), (HOST,), None),
            mail,
            host(HOST, roles=roles, addresses=("9.9.9.9",), sends_from=("9.9.9.9",)),
        ]
        header = Header(SCHEMA, "test", "here", AS_OF, "0")
        return Snapshot(header, (Observed(fact, PROVENANCE) for fact in facts))


class Nobody:
    """Watches nothing."""

    def stage(self, name: str, total: int) -> None: ...

    def done(self, subject: Subject) -> None: ...

    def seen(self, observations: Sequence[AnyObservation]) -> None: ...


def _collect(snapshot: Snapshot, files: CandidateFiles, facts: set[type[Fact]]) -> None:
    chosen = plan(facts, OFFLINE)
    domains = [o for o in snapshot if isinstance(o, Observed) and o.key[0] == "declared.domain"]
    hosts = [o for o in snapshot if isinstance(o, Observed) and isinstance(o.fact, DeclaredHost)]
    population: Any = Population(tuple(domains), tuple(hosts), {o.fact.subject: o for o in hosts})
    collectors = offline(chosen, files, ORIGIN)
    with asyncio.Runner() as loop:
        Collection(snapshot, chosen, collectors, population, LimitSettings(), ORIGIN, Nobody()).run(
            loop
        )


def cases(part: str) -> list[Any]:
    document = YAML(typ="safe", pure=True).load(DATA)
    return [
        pytest.param(case(document["sound"], raw), id=f"{raw['row']}-{raw['name']}")
        for raw in document[part]
    ]


def case(sound: str, raw: dict[str, Any]) -> Case:
    without = raw.get("without")
    kept = [
        line
        for line in sound.splitlines(keepends=True)
        if without is None or not re.search(without, line)
    ]
    return Case(
        row=raw["row"],
        name=raw["name"],
        zone=raw.get("zone", "".join(kept) + raw.get("extra", "")),
        parked=raw.get("parked", False),
        selectors=tuple(raw.get("selectors", ["s1", "s2"])),
        fails=dict(raw.get("fails", {})),
    )


WRONG, RIGHT = cases("wrong"), cases("right")


@pytest.mark.parametrize("found", WRONG)
def test_misconfiguration_is_found_at_its_line(found: Case) -> None:
    assert _failed(found) == found.fails
    assert found.fails


@pytest.mark.parametrize("found", RIGHT)
def test_correct_zone_is_not_flagged(found: Case) -> None:
    said = {
        result.audit: [violation.message for violation in result.violations]
        or [unseen.detail for unseen in result.unknown]
        for result in found.results()
        if result.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    }
    assert said == {}


def _failed(found: Case) -> dict[str, str]:
    return {
        result.audit: str(result.violations[0].evidence[0].place or "none")
        for result in found.results()
        if result.outcome is Outcome.FAIL
    }
