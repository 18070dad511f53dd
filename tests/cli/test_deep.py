"""`--deep`: the run is told to find out everything, and nothing else about it changes."""

from pathlib import Path

from msgspec.structs import replace

from audits.cli.start import scaffold
from audits.cli.workspace import read_workspace


def test_deep_asks_for_all_of_tls_and_of_relaying(tmp_path: Path) -> None:
    scaffold(tmp_path)
    config = tmp_path / "mailproof.yaml"
    workspace = read_workspace(config, None, None, None, no_waivers=False)
    before, deep = workspace.settings, workspace.deep.settings
    assert (before.probe.tls, before.probe.relay_forms) == ("policy", "usual")
    assert deep == replace(before, probe=replace(before.probe, tls="all", relay_forms="all"))
    assert workspace.deep.fleet == workspace.fleet
