"""Our values against those of Postfix's own postconf, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from audits.facts.mta import Mta
from audits.parse.postfix.defaults import FROM_THE_MACHINE, defaults, version_of
from audits.parse.postfix.main_cf import parse_main_cf
from audits.parse.postfix.master_cf import parse_master_cf
from audits.parse.postfix.scope import Scope
from tests.misconfigurations import Case, cases
from tests.parse.postfix.configs import MAIN_CF, MASTER_CF

POSTCONF = shutil.which("postconf", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(POSTCONF is None, reason="postconf is not installed")


def postconf(folder: Path, *options: str) -> str:
    assert POSTCONF is not None
    done = subprocess.run(
        [POSTCONF, "-c", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout


def folded(text: str) -> str:
    return " ".join(text.replace(" ,", ",").split())


def printed(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): folded(value) for name, _, value in pairs}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.joinpath("main.cf").write_text(MAIN_CF)
    tmp_path.joinpath("master.cf").write_text(MASTER_CF)
    return tmp_path


def test_built_in_values_are_those_of_the_installed_version(folder: Path) -> None:
    folder.joinpath("main.cf").write_text("")
    version = version_of(postconf(folder, "-h", "mail_version"))
    if version[:2] != (3, 7):
        pytest.skip("the table is that of Postfix 3.7")
    ours = {name: folded(value) for name, value in defaults(version).items()}
    theirs = printed(postconf(folder, "-d"))
    assert {n: v for n, v in theirs.items() if n not in FROM_THE_MACHINE} == ours


@pytest.mark.parametrize(
    "extra",
    [
        "",
        "mynetworks = 127.0.0.0/8\n\n# more\n    [::]/0\n",
        "smtpd_banner = ${mail_name?{a $mydestination}:{b}} ${{$compatibility_level} "
        "<level {3.6} ? {old} : {new}} $$x\n",
        "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = $mua_recipient_restrictions\n"
        "mua_recipient_restrictions = permit_sasl_authenticated,\n  reject\n",
        "mydestination = $myhostname, localhost.$mydomain\nmydomain = example.net\n",
    ],
)
def test_expanded_values_are_those_of_postconf(folder: Path, extra: str) -> None:
    folder.joinpath("main.cf").write_text(MAIN_CF + extra)
    entries = {e.name: e for e in parse_main_cf(MAIN_CF + extra, "main.cf")}
    scope = Scope(entries, (3, 7))
    theirs = printed(postconf(folder, "-nx"))
    theirs.pop("config_directory")
    assert len(theirs) >= 8
    assert {name: folded(scope.value(name)) for name in theirs} == theirs


def test_overrides_are_those_of_postconf(folder: Path) -> None:
    services = parse_master_cf(MASTER_CF, "master.cf")
    ours = {
        f"{service.name}/{service.type}/{override.name}": override.value
        for service in services
        for override in service.overrides
    }
    assert printed(postconf(folder, "-P")) == ours


@pytest.mark.parametrize(
    "found", cases("wrong", Mta.POSTFIX) + cases("right", Mta.POSTFIX), ids=str
)
def test_values_of_every_misconfiguration_are_those_of_postconf(
    found: Case, tmp_path: Path
) -> None:
    """After expansion, for every parameter that postconf prints of the same files."""
    for name in ("main.cf", "master.cf"):
        tmp_path.joinpath(name).write_text(found.text(name))
    theirs = printed(postconf(tmp_path, "-nx"))
    assert theirs.pop("config_directory") == str(tmp_path)
    entries = {entry.name: entry for entry in parse_main_cf(found.text("main.cf"), "main.cf")}
    scope = Scope(entries, version_of(postconf(tmp_path, "-dh", "mail_version")))
    assert theirs
    assert {name: folded(scope.value(name)) for name in theirs} == theirs
