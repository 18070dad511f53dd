"""Configuration read over SSH from a real OpenSSH server."""

import asyncio
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from nornir.core.inventory import (
    ConnectionOptions,
    Defaults,
    Group,
    Host,
    Hosts,
    ParentGroups,
)

from audits.cli.exits import Exit
from audits.collect.live.ssh import SshHost
from audits.collect.live.ssh_certificate import CERTIFICATES_ALONE
from audits.collect.live.ssh_login import ssh_access
from audits.demo.certificates import Authority
from audits.facts.fact import AnyObservation, F, Observed, Reason, Unobserved, kind_of
from audits.facts.host import CertificateFiles, FileModes, ListeningSockets
from audits.facts.mta import MtaListeners, MtaPrograms, Question, TrustedNetworks
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.dkim_signer import KEY_TABLE_PATHS, OPENDKIM_KEYS, RSPAMD_PATHS
from audits.parse.host_command import STAT_FORMAT
from audits.parse.known_hosts import fingerprint, known_keys
from audits.parse.postfix.reading import read_postfix
from audits.secret import secret
from audits.settings import LimitSettings, SshSettings
from audits.subject import MailHost, Role
from tests.build import host, snapshot
from tests.cli.command import mailproof, run_directory
from tests.collect.walking import origin
from tests.lab.conftest import LAB
from tests.lab.network import run, tool
from tests.lab.servers.sshd import PASSWORD, USER, Machine, machine, missing, new_key
from tests.lab.servers.unpacked import program
from tests.servers.smtp import RawServer, raw_server, silence

pytestmark = pytest.mark.lab

NAME = "mx1.example.net"
PROGRAMS = ("exim", "dovecot", "opensmtpd")
KINDS = (MtaPrograms, MtaListeners, TrustedNetworks, ListeningSockets, FileModes, CertificateFiles)
MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx1.example.net
mydestination = example.net
mynetworks = 127.0.0.0/8, cidr:/etc/postfix/trusted
smtpd_tls_chain_files = /etc/postfix/private/mx1.pem
smtpd_tls_security_level = may
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
smtpd_recipient_restrictions = check_client_access hash:/etc/postfix/clients,
  reject_unauth_destination
"""
MASTER_CF = "smtp inet n - y - - smtpd\n"
SECRET = "hunter2-is-the-password"
# Every command that may ever reach a host, up to what it is about.
ENVIRONMENT = "env LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
COMMANDS = {
    "ss -Hltn", "postconf mail_version", "postmulti -l", "exim -bV", "doveconf -n", "smtpd -h",
    "sendmail -d0.1 -bt",
}  # fmt: skip
PARTS = (CERTIFICATES_ALONE, OPENDKIM_KEYS, KEY_TABLE_PATHS, RSPAMD_PATHS)


@pytest.fixture(scope="module", autouse=True)
def runnable() -> None:
    reason = missing()
    if reason and LAB == "required":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def postfix(tmp_path: Path) -> Path:
    """The folder that stands in place of /etc/postfix."""
    folder = tmp_path / "postfix"
    folder.mkdir()
    texts = {
        "main.cf": MAIN_CF,
        "master.cf": MASTER_CF,
        "trusted": "192.0.2.0/28 trusted\n",
        "clients": "198.51.100.7 OK\n",
        "sasl_passwd": f"[relay.example.org]:587 user:{SECRET}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "private").mkdir()
    (folder / "private" / "mx1.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n")
    (folder / "private" / "mx1.pem").chmod(0o644)
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    new_key(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def authorized(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


def settings(tmp_path: Path, known: str, key: Path | None = None, **said: object) -> SshSettings:
    (tmp_path / "known_hosts").write_text(known)
    return msgspec.convert(
        {
            "known_hosts": str(tmp_path / "known_hosts"),
            "user": USER,
            "key": str(key) if key else None,
            "agent": False,
            "connect_s": 4.0,
            "command_s": 4.0,
            **said,
        },
        SshSettings,
    )


def connections(*machines: Machine, password: str | None = None) -> Hosts:
    """Nornir's hosts, one for each machine: mx1.example.net and so on."""
    return Hosts(
        {
            f"mx{number}.example.net": Host(
                name=f"mx{number}.example.net",
                hostname="127.0.0.1",
                port=each.port,
                password=password,
                defaults=Defaults(),
            )
            for number, each in enumerate(machines, 1)
        }
    )


class Seen:
    """What the collector returned about one host."""

    def __init__(self, observations: list[AnyObservation], took_s: float) -> None:
        self._by_kind: Mapping[str, AnyObservation] = {o.key[0]: o for o in observations}
        assert set(self._by_kind) == {kind_of(kind) for kind in KINDS}
        self.took_s = took_s

    def fact(self, kind: type[F]) -> F:
        found = self._by_kind[kind_of(kind)]
        assert isinstance(found, Observed), found
        assert isinstance(found.fact, kind)
        return found.fact

    @property
    def silence(self) -> Unobserved:
        """The one reason why nothing was seen."""
        found = list(self._by_kind.values())
        assert all(isinstance(each, Unobserved) for each in found), found
        only = {(each.reason, each.detail) for each in found if isinstance(each, Unobserved)}
        assert len(only) == 1
        assert isinstance(found[0], Unobserved)
        return found[0]

    def said(self, kind: type[F]) -> Unobserved:
        found = self._by_kind[kind_of(kind)]
        assert isinstance(found, Unobserved), found
        return found

    @property
    def text(self) -> str:
        return repr(self._by_kind)


def look(given: SshSettings, hosts: Hosts, name: str = NAME, *, host_s: float = 30.0) -> Seen:
    """One visit to a host, as a run makes it."""
    limits = LimitSettings(host_s=host_s)
    access = ssh_access(hosts, given, Path("/"), secret)

    async def visit() -> list[AnyObservation]:
        collector = SshHost(origin(), KINDS, given, limits, access)
        seen = snapshot(host(name, roles=(Role.MX,)))
        return list(await collector.collect(MailHost(name), seen))

    begun = time.monotonic()
    observations = asyncio.run(visit())
    return Seen(observations, time.monotonic() - begun)


# --- host keys ----------------------------------------------------------------------------------


def test_known_host_tells_what_its_files_say(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    (program,) = seen.fact(MtaPrograms).programs
    assert (program.mta, program.instance) == ("postfix", "/etc/postfix")
    assert program.version is not None
    assert program.unread == ()
    assert [n.prefix for n in seen.fact(TrustedNetworks).networks] == [
        "127.0.0.0/8",
        "192.0.2.0/28",
    ]
    assert running.port in {socket.port for socket in seen.fact(ListeningSockets).sockets}


def test_same_files_say_the_same_over_ssh_and_from_a_folder(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    texts = {
        f"/etc/postfix/{name}": (postfix / name).read_text()
        for name in ("main.cf", "master.cf", "trusted", "clients")
    }
    tree = ConfigTree({path: ConfigText(path, text) for path, text in texts.items()})
    (program,) = seen.fact(MtaPrograms).programs
    read = read_postfix(tree, "/etc/postfix", program.version)
    assert isinstance(read, Reading)
    assert seen.fact(MtaListeners).listeners == read.listeners
    assert program == read.program
    assert seen.fact(TrustedNetworks).networks == read.networks


def test_unknown_host_key_is_refused(tmp_path: Path, key: Path, authorized: str) -> None:
    with machine(tmp_path / "m", authorized=authorized) as running:
        seen = look(settings(tmp_path, "", key), connections(running))
        log = running.log.read_text()
    assert seen.silence.reason is Reason.DENIED
    assert "is not in known_hosts" in seen.silence.detail
    assert "ssh-keyscan" in seen.silence.detail
    assert shown(running) in seen.silence.detail
    assert "Accepted" not in log
    assert (tmp_path / "known_hosts").read_text() == ""


def test_changed_host_key_is_refused_with_both_fingerprints(
    tmp_path: Path, key: Path, authorized: str
) -> None:
    other = new_key(tmp_path / "other")
    with machine(tmp_path / "m", authorized=authorized) as running:
        known = f"[127.0.0.1]:{running.port} {other}\n"
        seen = look(settings(tmp_path, known, key), connections(running))
        log = running.log.read_text()
    assert seen.silence.reason is Reason.DENIED
    assert "changed" in seen.silence.detail
    assert shown(running) in seen.silence.detail
    assert fingerprint(known_keys(known)[0].blob) in seen.silence.detail
    assert "Accepted" not in log


def test_pinned_host_key_needs_no_known_hosts(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        pins = {NAME: shown(running)}
        given = settings(tmp_path, "", key, fingerprints=pins)
        assert look(given, connections(running)).fact(MtaPrograms).programs


def test_other_key_than_the_pinned_one_is_refused_though_it_is_known(
    tmp_path: Path, key: Path, authorized: str
) -> None:
    pin = "SHA256:" + "A" * 43
    with machine(tmp_path / "m", authorized=authorized) as running:
        given = settings(tmp_path, running.known, key, fingerprints={NAME: pin})
        seen = look(given, connections(running))
    assert seen.silence.reason is Reason.DENIED
    assert f"pinned is {pin}" in seen.silence.detail


def test_host_key_is_asked_for_in_the_kind_that_is_known(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    rsa = tmp_path / "rsa"
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(rsa))
    public = " ".join(rsa.with_suffix(".pub").read_text().split()[:2])
    with machine(
        tmp_path / "m", authorized=authorized, lines=f"HostKey {rsa}", etc={"postfix": postfix}
    ) as running:
        known = f"[127.0.0.1]:{running.port} {public}\n"
        seen = look(settings(tmp_path, known, key), connections(running))
    assert seen.fact(MtaPrograms).programs


def test_missing_known_hosts_is_said(tmp_path: Path, key: Path, authorized: str) -> None:
    with machine(tmp_path / "m", authorized=authorized) as running:
        given = settings(tmp_path, "", key)
        (tmp_path / "known_hosts").unlink()
        seen = look(given, connections(running))
    assert seen.silence.reason is Reason.DENIED
    assert "can't be read: No such file" in seen.silence.detail


def shown(running: Machine) -> str:
    """The fingerprint of a machine's host key."""
    return fingerprint(known_keys(running.known)[0].blob)


# --- logging in ---------------------------------------------------------------------------------


def test_password_is_used_by_its_reference(
    tmp_path: Path, postfix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MX1_SSH", PASSWORD)
    with machine(tmp_path / "m", etc={"postfix": postfix}) as running:
        given = settings(tmp_path, running.known)
        seen = look(given, connections(running, password="env:MX1_SSH"))
    assert seen.fact(MtaPrograms).programs
    assert PASSWORD not in seen.text


def test_wrong_password_is_told_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MX1_SSH", "not the password")
    with machine(tmp_path / "m") as running:
        given = settings(tmp_path, running.known)
        seen = look(given, connections(running, password="env:MX1_SSH"))
    assert seen.silence.reason is Reason.DENIED
    assert "refused password of probe" in seen.silence.detail
    assert "not the password" not in seen.text


def test_missing_secret_is_told_by_its_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MX1_SSH", raising=False)
    with machine(tmp_path / "m") as running:
        given = settings(tmp_path, running.known)
        seen = look(given, connections(running, password="env:MX1_SSH"))
    assert seen.silence.reason is Reason.DENIED
    assert "env:MX1_SSH" in seen.silence.detail


def test_key_with_a_passphrase_is_opened_by_its_reference(
    tmp_path: Path, postfix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_PHRASE", "open sesame")
    locked = tmp_path / "locked"
    public = new_key(locked, "open sesame")
    with machine(tmp_path / "m", authorized=public, etc={"postfix": postfix}) as running:
        given = settings(tmp_path, running.known, locked, key_passphrase="env:KEY_PHRASE")
        assert look(given, connections(running)).fact(MtaPrograms).programs
        without = look(settings(tmp_path, running.known, locked), connections(running))
    assert "key_passphrase" in without.silence.detail


def test_host_that_wants_a_key_and_a_password_gets_both(
    tmp_path: Path, postfix: Path, key: Path, authorized: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MX1_SSH", PASSWORD)
    lines = "AuthenticationMethods publickey,password"
    with machine(
        tmp_path / "m", authorized=authorized, lines=lines, etc={"postfix": postfix}
    ) as running:
        given = settings(tmp_path, running.known, key)
        both = look(given, connections(running, password="env:MX1_SSH"))
        half = look(given, connections(running))
    assert both.fact(MtaPrograms).programs
    assert half.silence.reason is Reason.DENIED


def test_key_that_the_host_does_not_know_is_refused(tmp_path: Path, key: Path) -> None:
    with machine(tmp_path / "m") as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert seen.silence.reason is Reason.DENIED
    assert "refused key key of probe" in seen.silence.detail


@pytest.fixture
def agent(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that has the key."""
    path = tmp_path / "agent"
    running = subprocess.Popen(
        [tool("ssh-agent") or "ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 5
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=dict(os.environ), timeout=5)
        yield
    finally:
        running.kill()
        running.wait()


def test_key_of_the_agent_is_used_and_the_agent_not_forwarded(
    tmp_path: Path, postfix: Path, agent: None, authorized: str
) -> None:
    lines = "AllowAgentForwarding yes"
    bashrc = 'echo "agent=$SSH_AUTH_SOCK tty=$SSH_TTY" >>/home/probe/note\n'
    with machine(
        tmp_path / "m", authorized=authorized, lines=lines, bashrc=bashrc, etc={"postfix": postfix}
    ) as running:
        home = tmp_path / "m" / "home" / USER
        home.chmod(0o777)
        note = home / "note"
        given = settings(tmp_path, running.known, agent=True)
        assert look(given, connections(running)).fact(MtaPrograms).programs
        assert set(note.read_text().splitlines()) == {"agent= tty="}


# --- what is asked, and what is not had ---------------------------------------------------------


def test_only_read_only_commands_are_run_and_no_secret_is_opened(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    wrapper = 'printf "%s\\n" "$SSH_ORIGINAL_COMMAND" >>/home/probe/note; '
    wrapper += 'exec sh -c "$SSH_ORIGINAL_COMMAND"'
    (postfix / "forced").write_text(f"#!/bin/sh\n{wrapper}\n")
    (postfix / "forced").chmod(0o755)
    with machine(
        tmp_path / "m",
        authorized=authorized,
        lines="ForceCommand /etc/postfix/forced",
        etc={"postfix": postfix},
    ) as running:
        (tmp_path / "m" / "home" / USER).chmod(0o777)
        seen = look(settings(tmp_path, running.known, key), connections(running))
        ran = (tmp_path / "m" / "home" / USER / "note").read_text().splitlines()
    assert all(line.startswith(ENVIRONMENT) for line in ran)
    plain = [line.removeprefix(ENVIRONMENT) for line in ran]
    shown = (
        "cat -- - /",
        f"stat -L -c '{STAT_FORMAT}' -- ",
        *(f"{printing(script)} /" for script in PARTS),
    )
    assert {line for line in plain if not line.startswith(shown)} <= COMMANDS
    opened = {line.removeprefix("cat -- - ") for line in plain if line.startswith("cat")}
    assert opened - {"/etc/dovecot/dovecot.conf"} == {
        f"/etc/postfix/{name}" for name in ("main.cf", "master.cf", "trusted", "clients")
    }
    assert SECRET not in seen.text


def printing(script: tuple[str, ...]) -> str:
    """The command that prints a part of a file, up to its path."""
    return shlex.join(("sed", "-n", *(word for line in script for word in ("-e", line)), "--"))


def test_path_in_a_configuration_is_never_a_command(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    hostile = "/etc/postfix/it's;id>/home/probe/done;`id>/home/probe/done`"
    with (postfix / "main.cf").open("a") as main:
        main.write(
            "smtpd_relay_restrictions =\n"
            f"smtpd_recipient_restrictions = check_client_access hash:{hostile}, reject\n"
        )
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        home = tmp_path / "m" / "home" / USER
        home.chmod(0o777)
        seen = look(settings(tmp_path, running.known, key), connections(running))
        assert not (home / "done").exists()
    (listener,) = seen.fact(MtaListeners).listeners
    relay = listener.ruling(Question.RELAY)
    assert relay is not None
    assert f"{hostile} is not there" in relay.why


def test_permissions_of_secret_files_are_seen(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "sasl_passwd").chmod(0o600)
    for suffix in ("db", "lmdb"):
        (postfix / f"sasl_passwd.{suffix}").write_text("")
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    found = seen.fact(FileModes)
    assert [(file.path, file.mode, file.owner) for file in found.files] == [
        ("/etc/postfix/private/mx1.pem", "0644", "root"),
        ("/etc/postfix/sasl_passwd", "0600", "root"),
        ("/etc/postfix/sasl_passwd.db", "0644", "root"),
        ("/etc/postfix/sasl_passwd.lmdb", "0644", "root"),
    ]
    assert found.silent == ()


def test_keys_of_dkim_signers_are_seen_and_not_read(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    texts = {
        "opendkim.conf": f"KeyTable refile:/etc/opendkim/table\nLDAPBindPassword {SECRET}\n",
        "opendkim/table": f"a %:s1:/etc/opendkim/keys/%/s1.private\nb example.org:s1:{SECRET}\n",
        "opendkim/keys/example.net/s1.private": SECRET,
        "rspamd/local.d/dkim_signing.conf": 'path = "/etc/rspamd/dkim/$domain.$selector.key";\n',
        "rspamd/dkim/example.net.s2.key": SECRET,
        "rspamd/dkim/maps.txt": "",
    }
    etc = {"postfix": postfix}
    for name, text in texts.items():
        path = tmp_path / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        first = name.partition("/")[0]
        etc[first] = tmp_path / "etc" / first
    (tmp_path / "etc/opendkim/keys/example.net/s1.private").chmod(0o640)
    with machine(tmp_path / "m", authorized=authorized, etc=etc) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    modes = {file.path: file.mode for file in seen.fact(FileModes).files}
    assert modes["/etc/opendkim/keys/example.net/s1.private"] == "0640"
    assert modes["/etc/rspamd/dkim/example.net.s2.key"] == "0644"
    assert "/etc/rspamd/dkim/maps.txt" not in modes
    assert SECRET not in seen.text


def test_certificates_come_without_the_key_beside_them(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    made = Authority().self_signed(NAME)
    together = made.key.decode() + made.chain.decode()
    # As two files become one where the first lacks its last line break.
    (postfix / "private" / "mx1.pem").write_text(together.rstrip("\n") + together)
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    (file,) = seen.fact(CertificateFiles).files
    assert (file.mta, file.path) == ("postfix", "/etc/postfix/private/mx1.pem")
    assert file.certificates[0].dns_names == (NAME,)
    assert file.malformed is None


def test_certificate_that_may_not_be_read_is_said(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "private" / "mx1.pem").chmod(0o600)
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    found = seen.fact(CertificateFiles)
    assert found.files == ()
    assert [(each.path, each.silence.reason) for each in found.silent] == [
        ("/etc/postfix/private/mx1.pem", Reason.DENIED)
    ]


def test_secret_file_out_of_reach_is_said(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "private").chmod(0o700)
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    (unseen,) = seen.fact(FileModes).silent
    assert unseen.path == "/etc/postfix/private/mx1.pem"
    assert unseen.silence.reason is Reason.DENIED


def test_unreadable_main_cf_is_told_as_denied(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "main.cf").chmod(0o600)
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    for kind in (MtaPrograms, MtaListeners, TrustedNetworks, FileModes):
        assert seen.said(kind).reason is Reason.DENIED
        assert "/etc/postfix/main.cf may not be seen" in seen.said(kind).detail
    assert seen.fact(ListeningSockets).sockets


def test_unreadable_master_cf_is_told_as_denied(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "master.cf").chmod(0o600)
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert seen.said(MtaListeners).reason is Reason.DENIED
    assert "/etc/postfix/master.cf may not be seen" in seen.said(MtaListeners).detail


@pytest.mark.parametrize("hidden", ["conf.d/10-auth.conf", "conf.d"])
def test_unreadable_part_of_a_configuration_leaves_its_questions_open(
    hidden: str, tmp_path: Path, key: Path, authorized: str
) -> None:
    dovecot = tmp_path / "dovecot"
    (dovecot / "conf.d").mkdir(parents=True)
    (dovecot / "dovecot.conf").write_text(
        "protocols = submission\nssl = required\n!include_try conf.d/*.conf\n"
    )
    (dovecot / "conf.d" / "10-auth.conf").write_text("disable_plaintext_auth = no\n")
    (dovecot / hidden).chmod(0o600)
    (tmp_path / "nothing").mkdir()
    etc = {"postfix": tmp_path / "nothing", "dovecot": dovecot}
    with machine(tmp_path / "m", authorized=authorized, etc=etc) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    listeners = seen.fact(MtaListeners).listeners
    assert listeners
    for listener in listeners:
        assert {ruling.answer for ruling in listener.rulings} == {"undecided"}
        assert "/etc/dovecot/conf.d" in listener.rulings[0].why
    (unseen,) = seen.fact(FileModes).silent
    assert unseen.silence.reason is Reason.DENIED


def test_port_of_a_program_that_may_not_be_read_stays_open(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    dovecot = tmp_path / "dovecot"
    dovecot.mkdir()
    (dovecot / "dovecot.conf").write_text("protocols = submission\n")
    (dovecot / "dovecot.conf").chmod(0o600)
    etc = {"postfix": postfix, "dovecot": dovecot}
    with (
        socket.socket() as served,
        machine(tmp_path / "m", authorized=authorized, etc=etc) as running,
    ):
        served.bind(("0.0.0.0", 587))
        served.listen()
        seen = look(settings(tmp_path, running.known, key), connections(running))
    by_port = {listener.port: listener for listener in seen.fact(MtaListeners).listeners}
    assert by_port[25].mta == "postfix"
    assert by_port[587].mta == "dovecot"
    assert {ruling.answer for ruling in by_port[587].rulings} == {"undecided"}
    assert "/etc/dovecot/dovecot.conf may not be seen" in by_port[587].rulings[0].why


def test_unreadable_table_leaves_its_question_open(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "clients").chmod(0o600)
    with (postfix / "main.cf").open("a") as main:
        main.write("smtpd_relay_restrictions =\n")
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    (listener,) = seen.fact(MtaListeners).listeners
    relay = listener.ruling(Question.RELAY)
    assert relay is not None
    assert relay.answer == "undecided"
    assert "/etc/postfix/clients may not be seen" in relay.why


def test_host_without_mail_program_has_none(tmp_path: Path, key: Path, authorized: str) -> None:
    (tmp_path / "nothing").mkdir()
    with machine(
        tmp_path / "m", authorized=authorized, etc={"postfix": tmp_path / "nothing"}
    ) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert seen.said(MtaPrograms).reason is Reason.ABSENT


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Exim and OpenSMTPD, which can't be installed beside Postfix."""
    folder = tmp_path / "sbin"
    folder.mkdir()
    for name, place in (("exim", "usr/sbin/exim4"), ("smtpd", "usr/sbin/smtpd")):
        if not program(place).exists():
            reason = f"needs {name}: see tests/lab/servers/fetch.sh"
            pytest.fail(reason) if LAB == "required" else pytest.skip(reason)
        (folder / name).symlink_to(program(place))
    return folder


def test_exim_dovecot_and_opensmtpd_are_found_and_read(
    tmp_path: Path, key: Path, authorized: str, programs: Path
) -> None:
    texts = {
        "exim4/exim4.conf": "daemon_smtp_ports = 25\n.include /etc/exim4/more.conf\n",
        "exim4/more.conf": "primary_hostname = mx1.example.net\n",
        "dovecot/dovecot.conf": "protocols = submission\n!include conf.d/*.conf\n",
        "dovecot/conf.d/10-ssl.conf": "ssl = required\n",
        "smtpd.conf": 'listen on 0.0.0.0 port 465 smtps pki mx1\ninclude "/etc/smtpd.more"\n',
        "smtpd.more": 'pki mx1 key "/etc/ssl/mx1.key"\npki mx1 cert "/etc/ssl/mx1.pem"\n',
    }
    etc = {}
    for name, text in texts.items():
        path = tmp_path / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        first = name.partition("/")[0]
        etc[first] = tmp_path / "etc" / first
    (tmp_path / "nothing").mkdir()
    etc["postfix"] = tmp_path / "nothing"
    with machine(tmp_path / "m", authorized=authorized, etc=etc, programs=programs) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    found = {each.mta: each for each in seen.fact(MtaPrograms).programs}
    assert set(found) == {"exim", "dovecot", "opensmtpd"}
    assert all(each.unread == () for each in found.values())
    exim, dovecot, opensmtpd = (found[mta] for mta in sorted(found, key=PROGRAMS.index))
    assert exim.version is not None
    assert exim.version.endswith(" GnuTLS")
    assert {str(p.line.place) for p in exim.parameters} >= {"/etc/exim4/more.conf:1"}
    assert dovecot.version is not None
    assert {str(p.line.place) for p in dovecot.parameters} >= {"/etc/dovecot/conf.d/10-ssl.conf:1"}
    assert opensmtpd.version is not None
    assert {each.port for each in seen.fact(MtaListeners).listeners} >= {25, 465, 587}


def test_sendmail_is_found_and_read(tmp_path: Path, key: Path, authorized: str) -> None:
    place = program("sendmail/usr/libexec/sendmail/sendmail")
    if not place.exists():
        reason = "needs Sendmail: see tests/lab/servers/fetch.sh"
        pytest.fail(reason) if LAB == "required" else pytest.skip(reason)
    (tmp_path / "sbin").mkdir()
    # Without the group of its package, which nobody has here.
    shutil.copyfile(place, tmp_path / "sbin" / "sendmail")
    (tmp_path / "sbin" / "sendmail").chmod(0o755)
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "sendmail.cf").write_text("V10/Berkeley\n")
    (tmp_path / "mail" / "sendmail.mc").write_text(
        "DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl\nFEATURE(`promiscuous_relay')dnl\n"
        "define(`confSERVER_KEY', `/etc/mail/mx1.key')dnl\n"
    )
    (tmp_path / "mail" / "mx1.key").write_text(SECRET)
    # It sleeps for a minute where its own host has no name with a domain.
    (tmp_path / "hosts").write_text(f"127.0.1.1 {NAME} {socket.gethostname()}\n")
    (tmp_path / "nothing").mkdir()
    etc = {
        "postfix": tmp_path / "nothing",
        "mail": tmp_path / "mail",
        "hosts": tmp_path / "hosts",
    }
    with machine(
        tmp_path / "m", authorized=authorized, etc=etc, programs=tmp_path / "sbin"
    ) as running:
        given = settings(tmp_path, running.known, key)
        seen = look(given, connections(running))
        (tmp_path / "mail" / "sendmail.mc").unlink()
        without = look(given, connections(running))
    (found,) = seen.fact(MtaPrograms).programs
    assert (found.mta, found.version) == ("sendmail", "8.17.1.9")
    relay = seen.fact(MtaListeners).listeners[0].ruling(Question.RELAY)
    assert relay is not None
    assert relay.answer == "yes"
    assert [file.path for file in seen.fact(FileModes).files] == ["/etc/mail/mx1.key"]
    assert without.said(MtaPrograms).reason is Reason.NOT_COLLECTED
    assert "sendmail.mc, which it was made of, is not" in without.said(MtaPrograms).detail


def test_files_that_sendmail_left_behind_make_no_sendmail(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "sendmail.cf").write_text("V10/Berkeley\n")
    (tmp_path / "mail" / "sendmail.mc").write_text("FEATURE(`promiscuous_relay')dnl\n")
    etc = {"postfix": postfix, "mail": tmp_path / "mail"}
    with machine(tmp_path / "m", authorized=authorized, etc=etc) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert [each.mta for each in seen.fact(MtaPrograms).programs] == ["postfix"]


# --- shells and servers that misbehave ----------------------------------------------------------


def test_banner_motd_and_talkative_shell_change_nothing(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    (postfix / "banner").write_text("mail_version = 1.0\n" * 40)
    noise = 'echo "Welcome! $RANDOM"; echo "smtp inet n - y - - smtpd"; printf "no line break"\n'
    common = {"authorized": authorized, "etc": {"postfix": postfix}}
    with machine(tmp_path / "quiet", **common) as running:  # type: ignore[arg-type]  # as they are
        quiet = look(settings(tmp_path, running.known, key), connections(running))
    lines = "Banner /etc/postfix/banner\nPrintMotd yes"
    with machine(tmp_path / "loud", lines=lines, bashrc=noise, **common) as running:  # type: ignore[arg-type]  # as they are
        loud = look(settings(tmp_path, running.known, key), connections(running))
    for kind in (MtaPrograms, MtaListeners, TrustedNetworks, FileModes):
        assert loud.fact(kind) == quiet.fact(kind)


def test_slow_host_gives_a_reason_within_the_deadline(
    tmp_path: Path, key: Path, authorized: str
) -> None:
    with machine(
        tmp_path / "m", authorized=authorized, lines="ForceCommand /bin/sleep 60"
    ) as running:
        given = settings(tmp_path, running.known, key, command_s=0.4)
        seen = look(given, connections(running), host_s=1.5)
    assert seen.silence.reason is Reason.TIMEOUT
    assert "did not answer" in seen.silence.detail
    assert seen.took_s < 3


def test_dropped_connection_gives_a_reason(tmp_path: Path, key: Path, authorized: str) -> None:
    with machine(
        tmp_path / "m", authorized=authorized, lines="ForceCommand kill -9 $PPID"
    ) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert seen.silence.reason is Reason.DISCONNECTED
    assert seen.took_s < 3


def test_endless_output_is_cut_off(tmp_path: Path, key: Path, authorized: str) -> None:
    with machine(
        tmp_path / "m", authorized=authorized, lines="ForceCommand cat /dev/zero"
    ) as running:
        given = settings(tmp_path, running.known, key)
        seen = look(given, connections(running), host_s=20)
    assert seen.said(MtaPrograms).reason is Reason.PROTOCOL
    assert "octets" in seen.said(MtaPrograms).detail


def test_account_with_another_forced_command_is_told(
    tmp_path: Path, key: Path, authorized: str
) -> None:
    with machine(
        tmp_path / "m", authorized=authorized, lines="ForceCommand echo no shell for you"
    ) as running:
        seen = look(settings(tmp_path, running.known, key), connections(running))
    assert seen.said(MtaPrograms).reason is Reason.PROTOCOL
    assert "no shell for you" in seen.said(MtaPrograms).detail


def test_closed_port_leaves_everything_open(tmp_path: Path, key: Path) -> None:
    nobody = Machine(1, "", tmp_path)
    seen = look(settings(tmp_path, "", key), connections(nobody))
    assert seen.silence.reason is Reason.UNREACHABLE
    assert not seen.silence.reason.nothing_there


def test_server_that_never_says_a_word_is_left_in_time(tmp_path: Path, key: Path) -> None:
    async def with_server() -> Seen:
        async with raw_server(silence) as server:
            return await asyncio.to_thread(_visit_raw, server, tmp_path, key)

    seen = asyncio.run(with_server())
    assert seen.silence.reason in (Reason.TIMEOUT, Reason.PROTOCOL)
    assert seen.took_s < 5


def test_server_that_is_no_ssh_server_is_told(tmp_path: Path, key: Path) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx1.example.net ESMTP\r\n" * 200)
        await writer.drain()

    async def with_server() -> Seen:
        async with raw_server(greet) as server:
            return await asyncio.to_thread(_visit_raw, server, tmp_path, key)

    assert asyncio.run(with_server()).silence.reason in (Reason.PROTOCOL, Reason.DISCONNECTED)


def _visit_raw(server: RawServer, tmp_path: Path, key: Path) -> Seen:
    given = settings(tmp_path, "", key, connect_s=0.5)
    return look(given, connections(Machine(server.port, "", tmp_path)), host_s=5)


def test_visit_that_is_given_up_ends_at_once(tmp_path: Path, key: Path, authorized: str) -> None:
    with machine(
        tmp_path / "m", authorized=authorized, lines="ForceCommand /bin/sleep 60"
    ) as running:
        given = settings(tmp_path, running.known, key)
        hosts = connections(running)
        access = ssh_access(hosts, given, Path("/"), secret)

        async def visit() -> None:
            collector = SshHost(origin(), KINDS, given, LimitSettings(), access)
            async with asyncio.timeout(1.0):
                await collector.collect(MailHost(NAME), snapshot(host(NAME, roles=(Role.MX,))))

        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            asyncio.run(visit())
        assert time.monotonic() - begun < 2
        until = time.monotonic() + 3
        while hosts[NAME].connections and time.monotonic() < until:
            time.sleep(0.02)
        assert not hosts[NAME].connections


# --- more than one host -------------------------------------------------------------------------


def test_host_behind_another_is_reached_through_it(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    with (
        machine(tmp_path / "gate", authorized=authorized) as gate,
        machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as inner,
    ):
        jump = f"{USER}@127.0.0.1:{gate.port}"
        given = settings(tmp_path, gate.known + inner.known, key, jump=jump)
        assert look(given, connections(inner)).fact(MtaPrograms).programs
        assert "Accepted publickey" in gate.log.read_text()
        without = settings(tmp_path, inner.known, key, jump=jump)
        refused = look(without, connections(inner)).silence
        assert refused.reason is Reason.DENIED
        assert f"[127.0.0.1]:{gate.port}" in refused.detail
        strange = settings(tmp_path, gate.known, key, jump=jump)
        behind = look(strange, connections(inner)).silence
        assert behind.reason is Reason.DENIED
        assert f"[127.0.0.1]:{inner.port}" in behind.detail


def test_hosts_of_one_group_are_logged_in_to_each_in_its_own_way(
    tmp_path: Path, postfix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MX2_SSH", PASSWORD)
    first = new_key(tmp_path / "first")
    with (
        machine(tmp_path / "a", authorized=first, etc={"postfix": postfix}) as one,
        machine(tmp_path / "b", etc={"postfix": postfix}) as two,
    ):
        group = Group(name="edge", connection_options={"ssh": ConnectionOptions(extras={})})

        def member(name: str, port: int, password: str | None, **extras: object) -> Host:
            options = {"ssh": ConnectionOptions(extras=extras)} if extras else {}
            return Host(
                name=name,
                hostname="127.0.0.1",
                port=port,
                password=password,
                groups=ParentGroups([group]),
                connection_options=options,
                defaults=Defaults(),
            )

        hosts = Hosts(
            {
                "mx1.example.net": member(
                    "mx1.example.net", one.port, None, key=str(tmp_path / "first")
                ),
                "mx2.example.net": member("mx2.example.net", two.port, "env:MX2_SSH"),
            }
        )
        given = settings(tmp_path, one.known + two.known)
        for name in ("mx1.example.net", "mx2.example.net", "mx1.example.net"):
            assert look(given, hosts, name).fact(MtaPrograms).programs
        logs = one.log.read_text(), two.log.read_text()
    assert "publickey" in logs[0]
    assert "password" not in logs[0]
    assert "Accepted password" in logs[1]
    assert "publickey" not in logs[1]


def test_host_outside_the_inventory_is_never_logged_in_to(tmp_path: Path) -> None:
    given = settings(tmp_path, "")

    async def visit() -> list[AnyObservation]:
        access = ssh_access(Hosts(), given, Path("/"), secret)
        collector = SshHost(origin(), KINDS, given, LimitSettings(), access)
        return list(await collector.collect(MailHost("mx.example.com"), snapshot()))

    assert Seen(asyncio.run(visit()), 0).silence.reason is Reason.SKIPPED


def test_without_ssh_settings_nothing_is_asked() -> None:
    async def visit() -> list[AnyObservation]:
        collector = SshHost(origin(), KINDS, None, LimitSettings(), None)
        return list(await collector.collect(MailHost(NAME), snapshot(host(NAME))))

    assert Seen(asyncio.run(visit()), 0).silence.reason is Reason.SKIPPED


# --- the whole command --------------------------------------------------------------------------

AUDITS = ("mta-relay-rule-safe", "mta-secret-files-private", "mta-trusted-networks-narrow")


def test_run_judges_a_host_that_it_logs_in_to(
    tmp_path: Path, postfix: Path, key: Path, authorized: str
) -> None:
    with (postfix / "main.cf").open("a") as main:
        main.write("smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit\n")
    fleet = tmp_path / "fleet"
    (fleet / "inventory").mkdir(parents=True)
    (fleet / "policies").mkdir()
    with machine(tmp_path / "m", authorized=authorized, etc={"postfix": postfix}) as running:
        (fleet / "known_hosts").write_text(running.known)
        (fleet / "inventory" / "hosts.yaml").write_text(
            f"{NAME}:\n  hostname: 127.0.0.1\n  port: {running.port}\n  username: {USER}\n"
            "  data: {mail: {roles: [mx], addresses: [127.0.0.1]}}\n"
        )
        (fleet / "inventory" / "domains.yaml").write_text("{}\n")
        (fleet / "policies" / "ours.yaml").write_text(
            "id: ours\nversion: '1'\ntitle: Ours\naudits:\n"
            + "".join(f"  {audit}:\n" for audit in AUDITS)
        )
        (fleet / "mailproof.yaml").write_text(
            "policies: [policies/ours.yaml]\n"
            "resolver: {addresses: [127.0.0.1], port: 1, timeout_s: 0.2, tries: 1}\n"
            f"ssh: {{known_hosts: known_hosts, key: {key}, agent: false}}\n"
        )
        ended = mailproof("run", "--output", "runs", cwd=fleet)
    assert ended.returncode == Exit.FINDINGS, ended.stdout + ended.stderr
    directory = run_directory(fleet / "runs")
    results = {
        line["audit"]: line
        for line in map(
            msgspec.json.decode, (directory / "results.jsonl").read_bytes().splitlines()
        )
    }
    assert set(results) == set(AUDITS)
    relay = results["mta-relay-rule-safe"]
    assert relay["outcome"] == "fail"
    assert relay["violations"][0]["evidence"][0]["place"]["file"] == "/etc/postfix/main.cf"
    assert results["mta-secret-files-private"]["outcome"] == "fail"
    assert results["mta-trusted-networks-narrow"]["outcome"] == "pass"
    assert SECRET not in (directory / "facts.jsonl").read_text()
