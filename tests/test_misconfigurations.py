"""Configurations of mail programs that are wrong in one thing, and some that only look so.

Each case of tests/data/mta is judged by every audit of configurations, offline.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.catalog import load
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Silence
from audits.facts.mta import MtaListeners, MtaPrograms, TrustedNetworks
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.postfix.defaults import version_of
from audits.parse.postfix.main_cf import parse_main_cf
from audits.parse.postfix.reading import read_postfix
from audits.parse.postfix.scope import Scope
from audits.subject import MailHost, Role
from tests.build import judge, roles

DATA = Path(__file__).parent / "data/mta"
HOST = MailHost("mx1.example.net")
ROLES = (Role.MX, Role.MSA, Role.RELAY)
POSTCONF = shutil.which("postconf", path="/usr/sbin:/usr/bin:/sbin:/bin")

# A host that sends without DANE and MTA-STS is not misconfigured: that audit is about more.
AUDITS = [
    audit
    for audit in load().values()
    if audit.facts() & {MtaListeners, MtaPrograms, TrustedNetworks}
    and audit.id != "outbound-tls-authenticated"
]


@dataclass(frozen=True)
class Case:
    """A configuration. fails: audits with the place of their first evidence, `none` without one."""

    row: int
    name: str
    main: str
    master: str
    files: dict[str, str]
    version: str | None
    roles: tuple[Role, ...]
    fails: dict[str, str]
    open: frozenset[str]

    def results(self) -> dict[str, Result]:
        texts = {
            "/etc/postfix/main.cf": ConfigText("main.cf", self.main),
            "/etc/postfix/master.cf": ConfigText("master.cf", self.master),
        }
        texts |= {path: ConfigText(path, text) for path, text in self.files.items()}
        found = read_postfix(ConfigTree(texts), "/etc/postfix", self.version)
        assert not isinstance(found, Silence)
        facts: tuple[Fact, ...] = (
            roles(HOST.name, *self.roles),
            MtaPrograms(HOST, (found.program,)),
            MtaListeners(HOST, found.listeners),
            TrustedNetworks(HOST, found.networks, found.networks_open),
        )
        return {audit.id: judge(audit, HOST, *facts) for audit in AUDITS}


def case(sound: dict[str, str], raw: dict[str, Any]) -> Case:
    without = tuple(raw.get("without", "").split())
    kept = [
        line
        for line in sound["main"].splitlines(keepends=True)
        if not without or line.split(" = ")[0] not in without
    ]
    return Case(
        row=raw["row"],
        name=raw["name"],
        main=raw.get("main", "".join(kept)) + raw.get("extra", ""),
        master=raw.get("master", sound["master"]),
        files=dict(raw.get("files", {})),
        version=raw.get("version"),
        roles=tuple(map(Role, raw["roles"])) if "roles" in raw else ROLES,
        fails=dict(raw.get("fails", {})),
        open=frozenset(raw.get("open", ())),
    )


def cases(part: str) -> list[Any]:
    document = YAML(typ="safe", pure=True).load(DATA / "postfix.yaml")
    found = [case(document["sound"], raw) for raw in document[part]]
    return [pytest.param(each, id=f"{each.row}-{each.name}") for each in found]


WRONG, RIGHT = cases("wrong"), cases("right")


@pytest.mark.parametrize("found", WRONG)
def test_misconfiguration_is_found_where_it_stands(found: Case) -> None:
    results = found.results()
    failed = {
        name: str(result.violations[0].evidence[0].place or "none")
        for name, result in results.items()
        if result.outcome is Outcome.FAIL
    }
    assert failed == found.fails
    unknown = {name for name, result in results.items() if result.outcome is Outcome.UNKNOWN}
    assert unknown >= found.open
    assert found.fails or found.open


@pytest.mark.parametrize("found", RIGHT)
def test_correct_configuration_is_not_flagged(found: Case) -> None:
    results = found.results()
    failed = {
        name: [violation.message for violation in result.violations]
        for name, result in results.items()
        if result.outcome is Outcome.FAIL
    }
    assert failed == {}
    assert {result.outcome for result in results.values()} <= {
        Outcome.PASS,
        Outcome.NOT_APPLICABLE,
        Outcome.UNKNOWN,
    }


@pytest.mark.skipif(POSTCONF is None, reason="postconf is not installed")
@pytest.mark.parametrize("found", WRONG + RIGHT)
def test_values_are_those_that_postconf_prints(found: Case, tmp_path: Path) -> None:
    """After expansion, for every parameter that postconf prints of the same files."""
    assert POSTCONF is not None
    tmp_path.joinpath("main.cf").write_text(found.main)
    tmp_path.joinpath("master.cf").write_text(found.master)
    done = subprocess.run(
        [POSTCONF, "-c", str(tmp_path), "-nx"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    pairs = [line.partition("=") for line in done.stdout.splitlines()]
    theirs = {name.strip(): " ".join(value.split()) for name, _, value in pairs}
    assert theirs.pop("config_directory") == str(tmp_path)
    entries = {entry.name: entry for entry in parse_main_cf(found.main, "main.cf")}
    version = subprocess.check_output(
        [POSTCONF, "-c", str(tmp_path), "-dh", "mail_version"], text=True, timeout=30
    )
    scope = Scope(entries, version_of(version))
    assert theirs
    assert {name: " ".join(scope.value(name).split()) for name in theirs} == theirs
