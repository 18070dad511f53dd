"""Two real resolvers: what only one of them refuses is unknown, what both refuse is bogus."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.lab.lab import BOGUS, DISPUTED, GOOD, IPV4_NETWORK, RESOLVER, SECOND_RESOLVER, Lab
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

_POLICY = {
    "id": "two",
    "version": 1,
    "title": "What two resolvers say",
    "audits": dict.fromkeys(("dane-dnssec-secure", "dane-tlsa-published", "dnssec-valid")),
}


def _run(lab: Lab, fleet: Path, first: int, second: int | None) -> Run:
    path = fleet / "mailproof.yaml"
    settings = YAML(typ="safe").load(path.read_text())
    settings["resolver"]["addresses"] = [f"{IPV4_NETWORK}.{first}"]
    if second is not None:
        settings["resolver"]["second"] = {"addresses": [f"{IPV4_NETWORK}.{second}"]}
    # JSON is YAML.
    path.write_text(json.dumps(settings))
    (fleet / "policies/two.yaml").write_text(json.dumps(_POLICY))
    declared = {name: {"sends": True, "receives": True} for name in (GOOD, BOGUS, DISPUTED)}
    (fleet / "inventory/domains.yaml").write_text(json.dumps(declared))
    return perform(lab, fleet, "--policy", "policies/two.yaml")


@pytest.mark.parametrize(
    ("first", "second"), [(RESOLVER, SECOND_RESOLVER), (SECOND_RESOLVER, RESOLVER)]
)
def test_zone_that_one_resolver_refuses_is_unknown(
    lab: Lab, fleet: Path, first: int, second: int
) -> None:
    run = _run(lab, fleet, first, second)
    assert run.outcomes(DISPUTED, "dnssec-valid") == {"unknown"}
    ((reason, detail),) = run.silences(DISPUTED, "dnssec-valid")
    assert reason == "unvalidated"
    assert detail.startswith("the two resolvers disagree on SOA disputed.example: ")
    assert f"SERVFAIL from {IPV4_NETWORK}.{SECOND_RESOLVER}:53" in detail
    assert run.outcomes(GOOD) == {"pass"}
    assert run.outcomes(BOGUS, "dnssec-valid") == {"fail"}


def test_resolver_that_is_mistaken_is_believed_where_it_is_alone(lab: Lab, fleet: Path) -> None:
    run = _run(lab, fleet, SECOND_RESOLVER, None)
    assert run.outcomes(DISPUTED, "dnssec-valid") == {"fail"}
