"""What the command says of SSH before anybody is logged in to."""

import shutil
import subprocess
from pathlib import Path

import pytest

from audits.cli.exits import Exit
from tests.cli.command import mailproof

RESOLVER = "resolver: {addresses: [127.0.0.1], port: 1, timeout_s: 0.2, tries: 1}\n"
HOSTS = """\
mx1.example.net:
  hostname: 127.0.0.1
  data: {mail: {roles: [mx], addresses: [127.0.0.1]}}
"""
EXTRAS = "  connection_options: {ssh: {extras: {look_for_keys: true}}}\n"
KNOWN = (
    "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
)


def fleet(folder: Path, *, ssh: str, hosts: str = HOSTS, known: str | None = KNOWN) -> Path:
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts.yaml").write_text(hosts)
    (folder / "inventory" / "domains.yaml").write_text("{}\n")
    (folder / "mailproof.yaml").write_text(f"{RESOLVER}ssh: {ssh}\n")
    if known is not None:
        (folder / "known_hosts").write_text(known)
    return folder


def doctor(folder: Path) -> str:
    ended = mailproof("doctor", cwd=folder)
    assert ended.returncode == Exit.INCOMPLETE, ended.stdout + ended.stderr
    return " ".join(ended.stdout.split())


@pytest.fixture
def key(tmp_path: Path) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen")
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "phrase", "-f", path], check=True)
    return path


def test_doctor_says_which_hosts_and_keys_are_usable(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_PHRASE", "phrase")
    ssh = '{known_hosts: known_hosts, user: audit, key: key, key_passphrase: "env:KEY_PHRASE"}'
    said = doctor(fleet(tmp_path, ssh=ssh))
    assert "✓ ssh hosts a host key is known or pinned for each of 1" in said
    assert "✓ ssh key" in said
    assert "ssh-ed25519 SHA256:" in said


def test_doctor_says_which_hosts_and_keys_are_not(tmp_path: Path, key: Path) -> None:
    ssh = "{known_hosts: known_hosts, user: audit, key: key}"
    said = doctor(
        fleet(tmp_path, ssh=ssh, known="mx9.example.net" + KNOWN.removeprefix("127.0.0.1"))
    )
    assert "✕ ssh hosts known_hosts has no key of 127.0.0.1" in said
    assert "it has a passphrase: key_passphrase says where it is" in said


def test_doctor_says_that_known_hosts_is_missing(tmp_path: Path) -> None:
    said = doctor(fleet(tmp_path, ssh="{known_hosts: known_hosts, user: audit}", known=None))
    assert "✕ ssh hosts known_hosts" in said
    assert "can't be read: No such file" in said


def test_doctor_says_that_nobody_knows_whom_to_log_in_as(tmp_path: Path) -> None:
    said = doctor(fleet(tmp_path, ssh="{known_hosts: known_hosts}"))
    assert "✕ ssh user nothing says as whom to log in to mx1.example.net" in said


def test_validate_finds_an_extra_that_does_not_exist(tmp_path: Path) -> None:
    given = fleet(tmp_path, ssh="{known_hosts: known_hosts, user: audit}", hosts=HOSTS + EXTRAS)
    ended = mailproof("validate", cwd=given)
    assert ended.returncode == Exit.USAGE
    assert "mx1.example.net: connection_options: ssh: extras" in ended.stderr


def test_validate_finds_a_pin_of_no_host(tmp_path: Path) -> None:
    pin = "SHA256:" + "A" * 43
    ssh = f"{{known_hosts: known_hosts, fingerprints: {{mx9.example.net: '{pin}'}}}}"
    ended = mailproof("validate", cwd=fleet(tmp_path, ssh=ssh))
    assert ended.returncode == Exit.USAGE
    assert "found 'mx9.example.net', expected a host of the inventory" in ended.stderr
