"""Our values against those that Exim itself prints of the same files, where it is unpacked.

It looks its compiled-in account up before anything else; a mount namespace of its own gives it one.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.exim.config import Config, parse_config
from audits.parse.exim.debian import assembled
from audits.parse.exim.defaults import DEFAULTS, MAIN_OPTIONS, SWITCHES, default
from audits.parse.exim.source import read_source
from tests.lab.servers.unpacked import program
from tests.misconfigurations import Case, cases
from tests.parse.exim.configs import SOUND, reading

EXIM = program("usr/sbin/exim4")
_ACCOUNT = {
    "passwd": "Debian-exim:x:64801:64801::/nonexistent:/usr/sbin/nologin\n",
    "group": "Debian-exim:x:64801:\n",
}
_ALONE = 'mount --bind "$1" /etc/passwd; mount --bind "$2" /etc/group; shift 2; exec "$@"'
CASES = cases("wrong", Mta.EXIM) + cases("right", Mta.EXIM)
MANY = """\
primary_hostname = mx1.example.net
keep_environment =
NUM = 25
VALUE_OF = value of NUM
.ifdef NUM
smtp_banner = first NUM VALUE_OF \\
  # between
    second VALUE\\
third
.else
smtp_banner = none
.endif
.ifndef NOWHERE
no_smtp_enforce_sync
.elifdef NUM
strict_acl_vars
.endif
not_write_rejectlog
syslog_pid = no
NUM == 587
daemon_smtp_ports = <; 25 ; NUM
hide qualify_domain = "quoted \\"\\x41\\101\\\\ text"
hostlist some = 10.0.0.0/8 : \\
   ::::1 : !192.0.2.1
domainlist other = <; a.test ; b.test
smtp_receive_timeout = 300s
.ifdef _HAVE_TLS
tls_advertise_hosts = @[]
.endif
"""

SOUND_REST = (
    SOUND[SOUND.index("begin acl") :]
    .replace("+local_domains", "+other")
    .replace("+relay_to_domains", "b.test")
    .replace("+relay_from_hosts", "+some")
)


@pytest.fixture
def exim(tmp_path: Path) -> "Exim":
    unshare = shutil.which("unshare", path="/usr/bin:/bin")
    if not EXIM.exists() or os.geteuid() != 0 or unshare is None:
        pytest.skip("needs root, unshare, and Exim as tests/lab/servers/fetch.sh unpacks it")
    return Exim(tmp_path, unshare)


class Exim:
    """Exim's own reading of a configuration."""

    def __init__(self, folder: Path, unshare: str) -> None:
        self.folder = folder
        self._unshare = unshare
        for name, line in _ACCOUNT.items():
            folder.joinpath(name).write_text(Path("/etc", name).read_text() + line)

    def run(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "exim.conf"
        path.write_text(text)
        accounts = [str(self.folder / name) for name in _ACCOUNT]
        command = [self._unshare, "-m", "sh", "-c", _ALONE, "alone", *accounts]
        command += [str(EXIM), "-C", str(path), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    def values(self, text: str) -> dict[str, str]:
        """Every main option that it prints; a switch as true or false."""
        done = self.run(text, "-bP")
        assert done.returncode == 0, done.stdout + done.stderr
        found = {}
        for line in done.stdout.splitlines():
            name, equals, value = line.partition("=")
            off = not equals and name.startswith("no_")
            told = value.strip() if equals else ("false" if off else "true")
            found[name.strip().removeprefix("no_" if off else "")] = told
        return found


def parsed(text: str, folder: Path | None = None) -> Config:
    files = folder.iterdir() if folder else ()
    tree = ConfigTree({str(f): ConfigText(f.name, f.read_text()) for f in files})
    return parse_config(read_source(tree, "/exim.conf", ConfigText("exim.conf", text), "GnuTLS"))


def differing(
    text: str, theirs: dict[str, str], folder: Path | None = None
) -> dict[str, tuple[str, str]]:
    """Our values that are not theirs; times are printed in another way than they were written."""
    config = parsed(text, folder)
    assert config.options
    return {
        name: (option.value.strip(), theirs[name])
        for name, option in config.options.items()
        if option.value.strip() != theirs[name] and "timeout" not in name
    }


def own_files(case: Case, folder: Path) -> str:
    """The text of a case, with the files that it includes where they really are.

    An Exim with GnuTLS refuses to start where there are options for OpenSSL.
    """
    tree = ConfigTree({path: ConfigText(path, text) for path, text in case.texts.items()})
    generated = assembled(tree, str(Path(case.place).parent))
    text = generated[1].text if generated else case.text("exim4.conf")
    for path, other in case.texts.items():
        if path != case.place:
            real = folder / Path(path).name
            real.write_text(other)
            text = text.replace(path, str(real))
    return re.sub("openssl_options = .*\n", "", text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exim_starts_with_every_case_and_has_our_values(exim: Exim, case: Case) -> None:
    text = own_files(case, exim.folder)
    checked = exim.run(text, "-bV")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert differing(text, exim.values(text), exim.folder) == {}


def test_macros_conditions_continuations_and_quotes_are_as_exim_has_them(exim: Exim) -> None:
    theirs = exim.values(MANY)
    assert differing(MANY, theirs) == {}
    lists = {f"{k}list {n}": each.option.value for (k, n), each in parsed(MANY).lists.items()}
    printed = [
        line
        for name in ("+some", "+other")
        for line in exim.run(MANY, "-bP", name).stdout.splitlines()
    ]
    assert [f"{name} = {value}" for name, value in lists.items()] == printed


def test_logical_lines_are_those_that_exim_keeps(exim: Exim) -> None:
    """It prints definitions of macros too, and the file and line where each file begins."""
    ours = read_source(ConfigTree({}), "/x", ConfigText("x", MANY + SOUND_REST), "GnuTLS").lines
    printed = exim.run(MANY + SOUND_REST, "-bP", "config").stdout.splitlines()
    theirs = [" ".join(line.split()) for line in printed if line.strip() and line[0] != "#"]
    definition = re.compile(r"[A-Z]\w* ==? ")
    assert len(ours) > 60
    assert [" ".join(line.text.split()) for line in ours] == [
        line for line in theirs if not definition.match(line)
    ]


def test_defaults_and_names_are_those_of_4_96(exim: Exim) -> None:
    text = "primary_hostname = mx1.example.net\nkeep_environment =\n"
    if "Exim version 4.96 " not in exim.run(text, "-bV").stdout:
        pytest.skip("the table is that of Exim 4.96")
    theirs = exim.values(text)
    assert theirs.keys() <= MAIN_OPTIONS
    switches = {name for name, value in theirs.items() if value in ("true", "false")}
    assert switches <= SWITCHES
    # A build with GnuTLS has no options for OpenSSL; names of the host are put in.
    others = {"openssl_options", "qualify_domain", "qualify_recipient"}
    ours = {name: default(name, (4, 96)) for name in switches | (DEFAULTS.keys() - others)}
    assert {name: theirs[name] for name in ours} == ours


@pytest.mark.parametrize(
    "broken",
    [
        "domainlist a = b\ndomainlist a = c\n",
        "smtp_banner = a\nsmtp_banner = b\n",
        "smtp_baner = a\n",
        "smtp_enforce_sync = maybe\n",
        "smtp_banner\n",
        ".ifdef A\n",
        ".endif\n",
        ".include /nowhere/at/all\n",
        "begin nothing\n",
        "begin acl\na:\n  acept\n",
        "begin acl\na:\n  accept hots = *\n",
        "begin acl\na:\n  accept hosts *\n",
        "begin acl\naccept\n",
        "begin routers\ndriver = accept\n",
        "begin routers\nr:\n  transport = t\n",
        "A = 1\nA = 2\n",
        "AB = 1\nABC = 2\n",
    ],
)
def test_what_keeps_exim_from_starting_is_a_fatal_problem(exim: Exim, broken: str) -> None:
    text = f"primary_hostname = mx1.example.net\nkeep_environment =\n{broken}"
    assert exim.run(text, "-bV").returncode != 0
    found = reading(text=text)
    fatal = [problem for problem in found.program.problems if problem.fatal]
    assert fatal or found.program.unread
