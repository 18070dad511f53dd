"""What the lab's own resolver is asked: within the budget, and nothing twice."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.lab.lab import BOGUS, THOUSAND, WHOLE, Lab

pytestmark = pytest.mark.lab

_BUDGET = 40
# The domain's names, and those above it that are asked for DMARC and CAA.
_ABOVE = WHOLE.partition(".")[2] + "."
# Asked once in a run, whatever its size.
_PREFLIGHT = {(".", "SOA"), (f"{BOGUS}.", "A")}


def _run(
    lab: Lab,
    fleet: Path,
    domains: dict[str, object],
    *arguments: str,
    hosts: dict[str, object] | None = None,
) -> "Asked":
    """`mailproof run --stats` on these domains and hosts alone."""
    # JSON is YAML.
    (fleet / "inventory/domains.yaml").write_text(json.dumps(domains))
    (fleet / "inventory/hosts.yaml").write_text(json.dumps(hosts or {}))
    client = lab.auditor.ipv4
    assert client is not None
    before = len(lab.resolver.asked(client))
    done = lab.mailproof("run", "--stats", "--output", "runs", *arguments, cwd=fleet)
    return Asked(done.stdout + done.stderr, lab.resolver.asked(client)[before:], fleet / "runs")


class Asked:
    """What `--stats` says of a run, and what came to the resolver."""

    def __init__(self, said: str, queries: list[tuple[str, str]], runs: Path) -> None:
        self.said = said
        self.queries = Counter(queries)
        self._runs = runs

    def told(self, label: str) -> int:
        """The figure of one line of `--stats`."""
        found = re.search(rf"^ *{re.escape(label)} +([0-9,]+) *$", self.said, re.MULTILINE)
        assert found is not None, self.said
        return int(found[1].replace(",", ""))

    def results(self) -> list[dict[str, object]]:
        (directory,) = self._runs.iterdir()
        lines = (directory / "results.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("declared", [False, True], ids=["hosts of others", "hosts of ours"])
def test_domain_with_everything_costs_forty_queries_at_most_and_none_twice(
    lab: Lab, fleet: Path, declared: bool
) -> None:
    hosts: dict[str, object] = {
        f"mx{number}.{WHOLE}": {"data": {"mail": {"roles": ["mx"]}}} for number in (1, 2)
    }
    selectors = [{"selector": "s1"}, {"selector": "s2"}]
    whole: dict[str, object] = {WHOLE: {"sends": True, "receives": True, "dkim": selectors}}
    asked = _run(lab, fleet, whole, hosts=hosts if declared else None)
    assert max(asked.queries.values()) == 1, asked.queries.most_common(5)
    assert asked.queries.total() == asked.told("DNS queries sent")
    # Addresses of our hosts are judged by themselves: their PTR records, and where those lead.
    of_domain = {each for each in asked.queries.keys() - _PREFLIGHT if each[0].endswith(_ABOVE)}
    assert len(of_domain) <= _BUDGET, sorted(of_domain)
    assert declared or asked.queries.keys() == of_domain | _PREFLIGHT
    kinds = {kind for _, kind in asked.queries}
    assert {"MX", "TXT", "A", "AAAA", "TLSA", "DS", "DNSKEY", "CAA", "SRV"} <= kinds
    assert ("PTR" in kinds) is declared
    decided = {
        result["audit"]: result["outcome"]
        for result in asked.results()
        if result["subject"] == {"type": "domain", "name": WHOLE}
    }
    for audit in (
        "mx-published",
        "spf-syntax-valid",
        "dkim-selectors-published",
        "dmarc-policy-enforced",
        "mta-sts-policy-served",
        "tlsrpt-published",
        "dane-tlsa-published",
        "dnssec-valid",
    ):
        assert decided[audit] == "pass", audit


def test_thousand_domains_behind_one_mx_host_ask_for_it_once(lab: Lab, fleet: Path) -> None:
    policy = {
        "id": "mx",
        "version": 1,
        "title": "MX hosts alone",
        "audits": {"mx-target-resolves": {"params": {"allow_private": ["198.51.100.0/24"]}}},
    }
    (fleet / "policies/mx.yaml").write_text(json.dumps(policy))
    names = [f"d{number}.{THOUSAND}" for number in range(1000)]
    crowd: dict[str, object] = {name: {"sends": False, "receives": True} for name in names}
    asked = _run(lab, fleet, crowd, "--policy", "policies/mx.yaml")
    host = f"mx1.{THOUSAND}."
    assert {query: n for query, n in asked.queries.items() if query[0] == host} == {
        (host, "A"): 1,
        (host, "AAAA"): 1,
    }
    assert max(asked.queries.values()) == 1
    assert asked.told("MX") == 1000
    assert [result["outcome"] for result in asked.results()] == ["pass"] * 1000
