"""A machine to log in to: a real OpenSSH server on loopback, with accounts and files of its own.

It has mount and PID namespaces of its own: what stands in its /etc and /home nobody else sees, and
all of it ends with the process that started it.
"""

import os
import secrets
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Namespace, run, tool

USER = "probe"
PASSWORD = "correct horse"
# Without its account, Debian's Exim does not even print its version.
_EXIM = "Debian-exim"
_NUMBER = 61000
_LEASH = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
    *("sh", "-c"),
)

# A copy that ends with the namespace, where something is to stand in /etc that is not there.
_OWN_ETC = ("mount -t tmpfs none /mnt", "cp -a /etc/. /mnt", "mount --bind /mnt /etc")


@dataclass(frozen=True)
class Machine:
    """A running one. host_key: its public key as a line of known_hosts has it, without a name."""

    port: int
    host_key: str
    log: Path
    address: str = "127.0.0.1"

    @property
    def known(self) -> str:
        return f"[{self.address}]:{self.port} {self.host_key}\n"


def new_key(path: Path, passphrase: str = "") -> str:
    """Makes a key pair; returns the public key without its comment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path))
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextmanager
def machine(
    folder: Path,
    *,
    authorized: str = "",
    lines: str = "",
    bashrc: str = "",
    etc: Mapping[str, Path] | None = None,
    programs: Path | None = None,
    namespace: Namespace | None = None,
) -> Iterator[Machine]:
    """A server whose only account is USER's.

    authorized: public keys. lines: of sshd_config(5). bashrc: what the login shell runs. etc: files
    and folders that stand in place of those in /etc; /etc/dovecot is empty otherwise. programs: a
    folder of them, in place of /usr/local/sbin. namespace: the machine of the lab that it is.
    """
    address = namespace.ipv4 if namespace is not None and namespace.ipv4 else "127.0.0.1"
    folder.mkdir(parents=True, exist_ok=True)
    host_key = new_key(folder / "host_key")
    port = _free_port()
    (folder / "empty").mkdir()
    home = folder / "home" / USER
    home.mkdir(parents=True)
    # Reached through a mount, past folders that are root's alone.
    (folder / "home" / "authorized").write_text(f"{authorized}\n")
    (home / ".bashrc").write_text(bashrc)
    hashed = run("openssl", "passwd", "-6", PASSWORD).stdout.strip()
    (folder / "passwd").write_text(
        Path("/etc/passwd").read_text()
        + f"{_EXIM}:x:{_NUMBER + 1}:{_NUMBER + 1}::/nonexistent:/usr/sbin/nologin\n"
        + f"{USER}:x:{_NUMBER}:{_NUMBER}::/home/{USER}:/bin/bash\n"
    )
    (folder / "group").write_text(
        Path("/etc/group").read_text() + f"{_EXIM}:x:{_NUMBER + 1}:\n" + f"{USER}:x:{_NUMBER}:\n"
    )
    (folder / "shadow").write_text(f"{USER}:{hashed}:20000:0:99999:7:::\n")
    (folder / "sshd_config").write_text(
        f"""\
ListenAddress {address}:{port}
HostKey {folder / "host_key"}
AuthorizedKeysFile /home/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication yes
KbdInteractiveAuthentication no
LogLevel VERBOSE
{lines}
"""
    )
    places = {
        "passwd": folder / "passwd",
        "group": folder / "group",
        "shadow": folder / "shadow",
        "dovecot": folder / "empty",
        **(etc or {}),
    }
    mounts = [("--bind", str(folder / "home"), "/home")]
    if programs is not None:
        mounts.append(("--bind", str(programs), "/usr/local/sbin"))
    strange = [
        ("mkdir" if source.is_dir() else "touch", f"/etc/{name}")
        for name, source in places.items()
        if not Path("/etc", name).exists()
    ]
    mounts += [("--bind", str(source), f"/etc/{name}") for name, source in places.items()]
    script = "\n".join(
        [
            "set -e",
            "mount -t tmpfs -o mode=755 none /run",
            "mkdir /run/sshd",
            *(_OWN_ETC if strange else ()),
            *map(shlex.join, strange),
            *(shlex.join(("mount", *words)) for words in mounts),
            f"exec {tool('sshd')} -D -e -f {shlex.quote(str(folder / 'sshd_config'))}",
        ]
    )
    log = folder / "log"
    with log.open("ab") as sink:
        command = [tool(_LEASH[0]) or _LEASH[0], *_LEASH[1:], script]
        server = subprocess.Popen(
            command if namespace is None else namespace.command(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        _wait_for(port, server, log, namespace)
        yield Machine(port, host_key, log, address)
    finally:
        server.kill()
        server.wait()


def _free_port() -> int:
    """A port below those that systems give by themselves, so that nobody is given it meanwhile."""
    while True:
        port = secrets.choice(range(20_000, 30_000))
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def _wait_for(
    port: int, server: "subprocess.Popen[bytes]", log: Path, namespace: Namespace | None
) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and server.poll() is None:
        if _answers(port) if namespace is None else port in namespace.listening():
            return
        time.sleep(0.02)
    raise RuntimeError(f"sshd did not start: {log.read_text()}")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def missing() -> str | None:
    """Why no such machine can be run here; None where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "an SSH server with accounts of its own needs root"
    absent = [name for name in ("sshd", "ssh-keygen", "ssh-agent", "openssl") if tool(name) is None]
    return f"needs {', '.join(absent)}: Debian package openssh-server" if absent else None
