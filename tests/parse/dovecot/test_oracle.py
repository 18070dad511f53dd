"""Our values against those of Dovecot's own doveconf, where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from audits.facts.fact import Silence
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.dovecot.document import Section, Setting, read_document
from audits.parse.dovecot.reading import read_dovecot
from audits.parse.dovecot.scope import Scope
from tests.misconfigurations import Case, cases
from tests.parse.dovecot.configs import SOUND

DOVECONF = shutil.which("doveconf", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(DOVECONF is None, reason="doveconf is not installed")


def doveconf(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert DOVECONF is not None
    return subprocess.run(
        [DOVECONF, *options, "-c", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def printed(text: str) -> dict[str, str]:
    """What `doveconf -n` prints, by path; sections without a name are counted."""
    found: dict[str, str] = {}
    path: list[str] = []
    count = 0
    for line in text.splitlines():
        bare = line.strip()
        if bare == "}":
            path.pop()
        elif bare.endswith(" {"):
            name, _, argument = bare.removesuffix(" {").partition(" ")
            count += name in ("passdb", "userdb")
            path.append(f"{name} {argument}".strip() + (f" {count}" if name == "passdb" else ""))
        elif bare and not bare.startswith("#"):
            name, _, value = bare.partition(" = ")
            found["/".join([*path, name.removesuffix(" =")])] = unquoted(value)
    return found


def unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def ours(tree: ConfigTree, path: str) -> dict[str, str]:
    """Our tree the same way, through the printer's own form: a section is one for each place."""
    found: dict[str, str] = {}
    count = 0

    def walk(section: Section, at: list[str]) -> None:
        nonlocal count
        for item in section.items:
            if isinstance(item, Setting):
                value = f"<{item.file}" if item.file else item.value
                found["/".join([*at, item.name])] = value
                continue
            count += item.name in ("passdb", "userdb")
            named = f"{item.name} {item.argument}".strip()
            walk(item, [*at, named + (f" {count}" if item.name == "passdb" else "")])

    walk(read_document(tree, path, path).root, [])
    return found


@pytest.mark.parametrize(
    "extra",
    [
        "",
        "login_greeting = a \\\n   b   c # d\n",
        "login_greeting = 'a # b'\nmail_plugins = acl\n"
        "protocol imap {\n  mail_plugins = $mail_plugins quota\n}\n",
        "local 192.0.2.1 {\n  ssl_min_protocol = TLSv1\n  protocol submission {\n    ssl = no\n"
        "  }\n}\n",
        "remote 10.0.0.0/8 {\n  disable_plaintext_auth = no\n}\n",
        "local_name mx1.example.net {\n  ssl_cert = </etc/dovecot/other.pem\n}\n",
        "service/imap-login/inet_listener/imap/port = 0\n",
        "passdb {\n  driver = static\n  args = nopassword=y\n}\n",
        "!include conf.d/*.conf\n!include_try nothing/*.conf\n",
        "plugin {\n  quota = maildir:User quota\n}\n",
        "ssl = no\nssl = yes\n",
    ],
)
def test_values_are_those_that_doveconf_prints(tmp_path: Path, extra: str) -> None:
    conf = tmp_path / "dovecot.conf"
    conf.write_text(SOUND + extra)
    part = tmp_path / "conf.d/10-auth.conf"
    part.parent.mkdir()
    part.write_text("auth_mechanisms = plain login\nauth_verbose = yes\n")
    done = doveconf(conf, "-nP")
    assert done.returncode == 0, done.stderr
    theirs = printed(done.stdout)
    tree = ConfigTree({str(p): ConfigText(str(p), p.read_text()) for p in (conf, part)})
    mine = ours(tree, str(conf))
    assert len(theirs) >= 7
    assert {name: mine.get(name) for name in theirs} == theirs


IN_2_3 = [
    case
    for case in cases("wrong", Mta.DOVECOT) + cases("right", Mta.DOVECOT)
    if "dovecot_config_version" not in case.text("dovecot.conf")
]


@pytest.mark.parametrize("case", IN_2_3, ids=str)
def test_values_of_every_case_are_those_that_doveconf_prints(tmp_path: Path, case: Case) -> None:
    tree = {}
    for path, text in case.texts.items():
        file = tmp_path / path.removeprefix("/etc/dovecot/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        tree[str(file)] = ConfigText(str(file), text)
    first = tmp_path / "dovecot.conf"
    done = doveconf(first, "-nP")
    assert done.returncode == 0, done.stderr
    theirs = printed(done.stdout)
    mine = ours(ConfigTree(tree), str(first))
    assert theirs
    assert {name: mine.get(name) for name in theirs} == theirs


@pytest.mark.parametrize(
    "extra",
    [
        "ssl_min_protcol = TLSv1.2\n",
        "ssl = maybe\n",
        "disable_plaintext_auth = nope\n",
        "passdb {\n driver = pam\n",
        "}\n",
        "ssl\n",
        "passdb { driver = static }\n",
        "service auth {\n inet_listener x {\n  port = y\n }\n}\n",
        "= x\n",
        "port = 25\n",
    ],
)
def test_what_doveconf_refuses_is_a_fatal_problem_at_its_line(tmp_path: Path, extra: str) -> None:
    conf = tmp_path / "dovecot.conf"
    conf.write_text(SOUND + extra)
    done = doveconf(conf, "-n")
    assert done.returncode != 0
    line = re.search(r"(?:line |conf:)(\d+)", done.stderr)
    tree = ConfigTree({str(conf): ConfigText(str(conf), conf.read_text())})
    found = read_dovecot(tree, str(conf), None)
    assert not isinstance(found, Silence)
    fatal = [problem for problem in found.program.problems if problem.fatal]
    assert fatal
    assert line is None or int(line[1]) == fatal[0].place.line


def test_built_in_values_are_those_of_doveconf(tmp_path: Path) -> None:
    conf = tmp_path / "dovecot.conf"
    conf.write_text("")
    names = ("ssl", "disable_plaintext_auth", "auth_mechanisms", "auth_failure_delay", "listen")
    document = read_document(ConfigTree({"/x": ConfigText("x", "")}), "/x", "x")
    scope = Scope(document, (2, 3, 19), (document.root,))
    theirs = printed(doveconf(conf, *names).stdout)
    assert {name: scope.value(name) for name in names} == theirs
