"""Scopes of a policy, checked against the inventory before anything is asked."""

from pathlib import Path

import pytest

from audits.cli.start import scaffold
from audits.cli.workspace import Workspace, read_workspace
from audits.errors import PolicyError


def scoped(folder: Path, scope: str) -> Workspace:
    """The sample fleet, with one rule for that scope."""
    scaffold(folder)
    policy = folder / "policies" / "ours.yaml"
    rule = f"audits:\n  spf-published: {{severity: low, scope: '{scope}'}}\n"
    policy.write_text(policy.read_text("utf-8").replace("audits:\n", rule, 1), "utf-8")
    return read_workspace(folder / "mailproof.yaml", None, None, None, no_waivers=False)


def test_scope_that_names_nothing_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as raised:
        scoped(tmp_path, "group:custmers,example.net")
    assert "ours.yaml:9: spf-published: scope: found 'group:custmers', which names nothing" in str(
        raised.value
    )


@pytest.mark.parametrize("scope", ["group:customers", "!group:parked", "role:mailstore"])
def test_scope_of_the_inventory_or_of_a_role_that_no_host_has_holds(
    tmp_path: Path, scope: str
) -> None:
    rule = scoped(tmp_path, scope).policy.rules[-1]
    assert rule.scope is not None
    assert rule.scope.text == scope
