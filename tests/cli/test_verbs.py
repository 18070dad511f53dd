"""Verbs that look things up, lay things out, and refuse what is wrong."""

import json
import subprocess
from pathlib import Path

import pytest

from audits.catalog import load
from audits.cli.exits import Exit
from tests.cli.command import COMMAND, environment, mailproof

HOSTS = "mx1.example.net:\n  data:\n    mail:\n      roles: [mx]\n      addresses: [192.0.2.10]\n"
DOMAINS = "example.net:\n  sends: true\n  receives: true\n"
WAIVER = (
    "- id: W-1\n  audit: spf-published\n  scope: domain:example.net\n  reason: r\n  risk: k\n"
    "  owner: us\n  approved_by: them\n  approved_on: 2026-01-01\n  expires: 2026-06-01\n"
)


def waiver(old: str, new: str) -> str:
    """The waiver with one thing changed."""
    assert old in WAIVER
    return WAIVER.replace(old, new)


def fleet(
    folder: Path,
    hosts: str = HOSTS,
    domains: str = DOMAINS,
    config: str = "",
    waivers: str | None = None,
) -> Path:
    """A small fleet repository that no test sends a packet for."""
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts.yaml").write_text(hosts)
    (folder / "inventory" / "domains.yaml").write_text(domains)
    if waivers is not None:
        (folder / "waivers.yaml").write_text(waivers)
        config += "waivers: waivers.yaml\n"
    (folder / "mailproof.yaml").write_text(config)
    return folder


def test_sound_fleet_is_valid(tmp_path: Path) -> None:
    ended = mailproof("validate", cwd=fleet(tmp_path, waivers=WAIVER))
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert "1 domain, 1 host, " in ended.stdout
    assert ended.stdout.endswith(", 1 waiver\n")


@pytest.mark.parametrize("arguments", [["list", "audits"], ["--version"]])
def test_standard_output_that_takes_no_more_is_no_fault_of_ours(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == Exit.OUTPUT
    assert ended.stderr == "mailproof: can't write: No space left on device\n"


@pytest.mark.parametrize("verb", ["validate", "run"])
@pytest.mark.parametrize(
    ("files", "arguments", "place", "words"),
    [
        ({"domains": "example.net:\n  recieves: true\n"}, [], "domains.yaml:2", "recieves"),
        ({"hosts": HOSTS + HOSTS}, [], "hosts.yaml:6", "mx1.example.net"),
        ({"config": "limits: {conect_s: 1}\n"}, [], "mailproof.yaml:1", "conect_s"),
        ({"config": "policies: [absent]\n"}, [], "absent", "absent"),
        ({"waivers": waiver("  approved_by: them\n", "")}, [], "waivers.yaml:1", "approved_by"),
        ({"waivers": waiver("example.net", "o.example")}, [], "waivers.yaml:3", "o.example"),
        ({"waivers": waiver("spf-publ", "spf-pubb")}, [], "waivers.yaml:2", "spf-pubb"),
        ({"waivers": waiver("2026-06-01", "2027-06-01")}, [], "waivers.yaml:9", "365"),
        ({"hosts": "mx1.example.net: [\n"}, [], "hosts.yaml:", "YAML"),
        ({}, ["-l", "nobody.example"], "nobody.example", "names nothing"),
        ({}, ["-l", "role:mxx"], "role:mxx", "expected a role"),
        ({}, ["-c", "absent.yaml"], "absent.yaml", "can't be read"),
    ],
)  # fmt: skip
def test_faulty_input_ends_with_2_and_says_where(
    verb: str,
    files: dict[str, str],
    arguments: list[str],
    place: str,
    words: str,
    tmp_path: Path,
) -> None:
    ended = mailproof(verb, *arguments, cwd=fleet(tmp_path, **files))
    assert ended.returncode == Exit.USAGE, ended.stdout + ended.stderr
    assert place in ended.stderr
    assert words in ended.stderr
    assert not (tmp_path / "runs").exists()


def test_unknown_audit_in_a_policy_is_named_with_its_line(tmp_path: Path) -> None:
    folder = fleet(tmp_path, config="policies: [ours.yaml]\n")
    (folder / "ours.yaml").write_text("id: o\ntitle: O\naudits:\n  spf-publishd:\n")
    ended = mailproof("run", cwd=folder)
    assert ended.returncode == Exit.USAGE
    assert "ours.yaml:4" in ended.stderr
    assert "spf-published" in ended.stderr


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("spf-sintax-valid", "did you mean spf-syntax-valid or"),
        ("relay", "did you mean relay-refused or"),
        ("NO-SUCH-AUDIT", "expected one that exists; `mailproof list audits`"),
    ],
)
def test_audit_that_does_not_exist_is_answered_with_the_nearest(
    asked: str, meant: str, tmp_path: Path
) -> None:
    ended = mailproof("explain", asked, cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert meant in ended.stderr
    assert "`mailproof list audits` names them all" in ended.stderr
    assert len(ended.stderr) < 250


def test_empty_inventory_is_nothing_to_audit(tmp_path: Path) -> None:
    ended = mailproof("run", cwd=fleet(tmp_path, hosts="{}\n", domains="{}\n"))
    assert ended.returncode == Exit.NOTHING, ended.stderr


def test_misspelt_option_is_a_usage_error(tmp_path: Path) -> None:
    assert mailproof("run", "--lmit", "x", cwd=tmp_path).returncode == Exit.USAGE
    assert mailproof("rnu", cwd=tmp_path).returncode == Exit.USAGE


def test_scaffold_is_valid_as_it_is_and_never_overwrites(tmp_path: Path) -> None:
    assert mailproof("init", cwd=tmp_path).returncode == Exit.COMPLETE
    ended = mailproof("validate", cwd=tmp_path)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    before = (tmp_path / "mailproof.yaml").read_bytes()
    again = mailproof("init", cwd=tmp_path)
    assert again.returncode == Exit.USAGE
    assert (tmp_path / "mailproof.yaml").read_bytes() == before


@pytest.mark.parametrize("what", ["audits", "hosts", "domains", "policies", "waivers"])
def test_everything_can_be_listed(what: str, tmp_path: Path) -> None:
    ended = mailproof("list", what, cwd=fleet(tmp_path, waivers=WAIVER))
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    expected = {
        "audits": "relay-refused",
        "hosts": "mx1.example.net",
        "domains": "example.net",
        "policies": "baseline",
        "waivers": "W-1",
    }
    assert expected[what] in ended.stdout


def test_audit_is_explained_with_its_parameters(tmp_path: Path) -> None:
    ended = mailproof("explain", "dmarc-policy-enforced", cwd=fleet(tmp_path))
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    for heading in (
        "## Rationale",
        "## Remediation",
        "## Parameters",
        "`min_policy` = `quarantine`",
    ):
        assert heading in ended.stdout
    assert mailproof("explain", "no-such-audit", cwd=tmp_path).returncode == Exit.USAGE


def test_every_audit_gets_a_page(tmp_path: Path) -> None:
    ended = mailproof("explain", "--all", "-o", "pages", cwd=tmp_path)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert {p.stem for p in (tmp_path / "pages").iterdir()} == {*load(), "README"}


@pytest.mark.parametrize("name", ["inventory", "policy", "waivers", "config", "results"])
def test_every_file_has_a_schema(name: str, tmp_path: Path) -> None:
    assert "properties" in mailproof("schema", name, cwd=tmp_path).stdout
    json.loads(mailproof("schema", name, cwd=tmp_path).stdout)


def test_help_of_every_verb_teaches(tmp_path: Path) -> None:
    for verb in (
        "init", "validate", "list", "explain", "run", "collect", "evaluate", "report", "demo",
        "schema", "doctor",
    ):  # fmt: skip
        ended = mailproof(verb, "--help", cwd=tmp_path)
        assert ended.returncode == Exit.COMPLETE
        assert len(ended.stdout.splitlines()) > 5


def test_doctor_tells_what_can_be_seen_from_here(served_fleet: Path) -> None:
    ended = mailproof("doctor", cwd=served_fleet)
    assert ended.returncode == Exit.COMPLETE, ended.stdout
    for topic in ("resolver", "validation", "port 25", "clock", "source IPv4"):
        assert topic in ended.stdout


def test_doctor_finds_a_second_resolver_that_confirms_nothing(tmp_path: Path) -> None:
    second = "second: {addresses: [127.0.0.1], port: 2}"
    config = f"resolver: {{addresses: [127.0.0.1], port: 1, timeout_s: 0.2, tries: 1, {second}}}\n"
    ended = mailproof("doctor", cwd=fleet(tmp_path, hosts="{}\n", config=config))
    assert ended.returncode == Exit.INCOMPLETE, ended.stdout
    assert "127.0.0.1:2 can't confirm what is bogus" in " ".join(ended.stdout.split())


def test_doctor_finds_a_dead_resolver(tmp_path: Path) -> None:
    config = "resolver: {addresses: [127.0.0.1], port: 1, timeout_s: 0.2, tries: 1}\n"
    ended = mailproof("doctor", cwd=fleet(tmp_path, hosts="{}\n", config=config))
    assert ended.returncode == Exit.INCOMPLETE, ended.stdout
