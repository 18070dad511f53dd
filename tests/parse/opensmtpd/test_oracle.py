"""What we accept against what OpenSMTPD itself accepts, by `smtpd -n`, where it is unpacked."""

import subprocess
from pathlib import Path

import pytest

from audits.demo.certificates import Authority
from audits.facts.fact import Silence
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.opensmtpd.reading import read_opensmtpd
from tests.lab.servers.opensmtpd import CURRENT, STABLE
from tests.lab.servers.unpacked import program
from tests.misconfigurations import Case, cases

RELEASES = {"7.4.0": program(f"{CURRENT}/smtpd"), "6.8.0p2": program(f"{STABLE}/smtpd")}
INSTALLED = {version: path for version, path in RELEASES.items() if path.exists()}
pytestmark = pytest.mark.skipif(not INSTALLED, reason="OpenSMTPD is not unpacked")

# So that there is a rule: without one, smtpd refuses to start.
RULE = 'action "l" maildir\naction "r" relay\nmatch for local action "l"\n'

TEXTS = [
    "",
    "foo\n",
    "listen on lo\n",
    "listen on lo auth\n",
    "listen on lo tls\n",
    "listen on lo tls pki nope\n",
    "listen on lo pki nope\n",
    "listen on lo port 587 port 588\n",
    "listen on lo port 0\n",
    "listen on lo port submission\n",
    "listen on lo inet4 hostname mx.example.net no-dsn mask-src\n",
    "listen on lo smtps tls\n",
    "listen on lo nonsense\n",
    'listen on lo ciphers "HIGH"\n',
    'listen on lo port 2525 protocols "TLSv1.3"\n',
    "listen on socket mask-src\n",
    "match for any action l\n",
    'match for any action "nope"\n',
    "match for any from any from local action l\n",
    "match for any for local action l\n",
    "match action l\n",
    "match tag A tag B for any action l\n",
    "match from any reject\n",
    "match from any\n",
    "match from src 0.0.0.0/0 for domain { a.example, b.example } action l # c\n",
    "match from src { 10.0.0.0/8 192.168.0.0/16 } for any action l\n",
    "match !from src 10.0.0.0/8 ! for local action l\n",
    "match from rdns for any action r\n",
    'match from rdns regex ".*" for any action r\n',
    'match from mail-from "@example.net" for any action r\n',
    "match from auth for any action r\n",
    "match from auth alice for any action r\n",
    "match from socket for any action r\n",
    'match mail-from "@x" auth for any \\\n action l\n',
    'match for any auth !tls helo regex ".*" rcpt-to "@b" action l\n',
    "match from nowhere for any action l\n",
    "match from any for domain action l\n",
    'match for domain "a action l\n',
    "table a { 1.2.3.4 }\nmatch from src <a> for any action l\n",
    "match from src <nope> for any action l\n",
    "table a { 1.2.3.4,\n 5.6.7.8 }\n",
    "table a { k = v, a=b }\n",
    "table a 1.2.3.4 }\n",
    'x = "lo port 2525"\nlisten on $x\n',
    'x = "lo"\ny = "25"\nlisten on $x port $y\n',
    "listen on $nope\n",
    "accept from any for any relay\n",
    'action "l" maildir\n',
    "action m nonsense\n",
    'action m relay host smtp://a.example\naction n relay backup mx "x.example"\n',
    'smtp max-message-size 10M\nsmtp ciphers "HIGH"\nqueue compression\nsrs key x\n',
    'filter c proc-exec "x"\nfilter d phase connect match !rdns disconnect "550 x"\n'
    "filter e chain { c, d }\nlisten on lo filter e\nlisten on lo port 2525 filter { c, d }\n",
    "listen on lo filter nope\n",
    'match from any "for" any action l\n',
    "match from any for any action l }\n",
    "match from any for any\naction l\n",
    'x = "r"\nmatch for any action $x\n',
    "action relay relay\n",
    'action "relay" relay\nmatch for any action relay\n',
    'action "relay" relay\nmatch for any action "relay"\n',
    'match for domain "a\nb" action l\n',
    "match for domain tag action l\n",
    "listen on lo tag user\n",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("version", INSTALLED)
def test_file_is_accepted_as_by_smtpd_itself(tmp_path: Path, version: str, text: str) -> None:
    path = tmp_path / "smtpd.conf"
    path.write_text(RULE + text)
    done = subprocess.run(
        [str(INSTALLED[version]), "-n", "-f", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    tree = ConfigTree({str(path): ConfigText("smtpd.conf", RULE + text)})
    found = read_opensmtpd(tree, str(path), version)
    assert not isinstance(found, Silence)
    fatal = [problem for problem in found.program.problems if problem.fatal]
    accepted = done.returncode == 0 and "configuration OK" in done.stderr
    assert (not fatal) == accepted, (done.stderr, fatal)


CASES = [
    case
    for case in cases("wrong", Mta.OPENSMTPD) + cases("right", Mta.OPENSMTPD)
    # Neither release has the grammar before 6.4, nor `egress`, an interface of OpenBSD.
    if "\naccept" not in case.text("smtpd.conf") or case.version
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_is_accepted_as_by_smtpd_itself(tmp_path: Path, case: Case) -> None:
    """By the release that the case is for, else by the newest; its files may be anywhere."""
    version = case.version if case.version in INSTALLED else next(iter(INSTALLED))
    credentials = Authority().issue("mx1.example.net")
    others = {
        "/etc/ssl/mx1.pem": credentials.chain.decode(),
        "/etc/ssl/private/mx1.key": credentials.key.decode(),
        "/etc/mail/logins": "alice secret\n",
        "/etc/mail/relays": "10.0.0.1\n",
        "/etc/aliases": "root: alice\n",
    }
    for path, text in (others | case.texts).items():
        file = tmp_path / path.removeprefix("/etc/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("/etc/", f"{tmp_path}/"))
        file.chmod(0o600)
    done = subprocess.run(
        [str(INSTALLED[version]), "-n", "-f", str(tmp_path / "smtpd.conf")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    fatal = [problem for problem in case.reading().program.problems if problem.fatal]
    accepted = done.returncode == 0 and "configuration OK" in done.stderr
    assert (not fatal) == accepted, (done.stderr, fatal)
