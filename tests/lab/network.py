"""Network namespaces on one bridge, closed to the outside, gone with the process that made them.

The only traces in the main namespace are the names (`ip netns list`) and, for each name, a folder
in /etc/netns with its resolv.conf. Links and addresses exist inside the namespaces alone.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# RFC 5737 and RFC 3849: addresses for documentation, which no route leads to.
IPV4_NETWORK = "198.51.100"
IPV6_NETWORK = "2001:db8:100:"
HAS_IPV6 = Path("/proc/net/if_inet6").exists()

_TOOL_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_ETC_NETNS = Path("/etc/netns")
# The shell is there to be the PID namespace's first process, whose end is the end of all others:
# a server that changes its user loses the signal that its parent's death should bring.
_LEASH = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
    *("sh", "-c", '"$@"; exit $?', "first"),
)
_LAB_NAME = re.compile(r"mp([0-9]+)-")


def tool(name: str) -> str | None:
    """The path of a system command; administrators' folders are searched too."""
    return shutil.which(name, path=_TOOL_PATH)


def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a system command to its end; a failure raises with the command's own words."""
    done = subprocess.run(  # type: ignore[call-overload]  # options are subprocess.run's own
        [tool(command[0]) or command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        **{"timeout": 60, **options},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


class Namespace:
    """One network namespace: a machine of the lab, as far as its network is concerned."""

    def __init__(self, name: str, ipv4: str | None, ipv6: str | None) -> None:
        self.name = name
        self.ipv4 = ipv4
        self.ipv6 = ipv6

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` in here."""
        return [tool("ip") or "ip", "netns", "exec", self.name, *argv]

    def run(
        self,
        *argv: str,
        cwd: Path | None = None,
        timeout: float = 60,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in here to its end, whatever its exit code."""
        return subprocess.run(
            self.command(argv),
            cwd=cwd,
            env={**os.environ, "PATH": _TOOL_PATH, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def python(self, script: str, *arguments: str, timeout: float = 60) -> str:
        """What a Python script prints in here; raises with its traceback where it fails."""
        done = self.run(sys.executable, "-c", script, *arguments, timeout=timeout)
        if done.returncode:
            raise RuntimeError(f"script in {self.name}: {done.stderr.strip()}")
        return done.stdout

    def start(self, *argv: str, log: Path) -> subprocess.Popen[bytes]:
        """Starts a server in here; its output goes to `log`.

        It has a PID namespace of its own, so the kernel ends all that it forks when the returned
        process is killed, which also happens when this process dies, however that is. What it
        mounts, nobody else sees.
        """
        with log.open("ab") as sink:
            return subprocess.Popen(
                self.command([*_LEASH, *argv]),
                env={**os.environ, "PATH": _TOOL_PATH},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def add_account(self, name: str, number: int) -> None:
        """An account and its group that exist in here alone.

        `ip netns exec` puts the files of /etc/netns/NAME in the place of those in /etc.
        """
        for file, line in (
            ("passwd", f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"),
            ("group", f"{name}:x:{number}:\n"),
        ):
            path = _ETC_NETNS / self.name / file
            before = (path if path.exists() else Path("/etc", file)).read_text()
            path.write_text(before + line)

    def listening(self) -> frozenset[int]:
        """The TCP ports that something listens on in here."""
        lines = self.run("ss", "-Hltn").stdout.splitlines()
        return frozenset(int(line.split()[3].rsplit(":", 1)[1]) for line in lines)

    def drop(self, *ports: int) -> None:
        """Drops in silence what arrives for these TCP and UDP ports; for all if none is named."""
        rules = [f"{layer} dport {port} drop" for port in ports for layer in ("tcp", "udp")]
        ruleset = "\n".join(
            (
                "table inet lab {",
                "chain input {",
                "type filter hook input priority 0",
                *(rules or ["iifname eth0 meta l4proto { tcp, udp } drop"]),
                "}",
                "}",
                "",
            )
        )
        command = [tool("ip") or "ip", "netns", "exec", self.name, tool("nft") or "nft", "-f", "-"]
        subprocess.run(command, input=ruleset, text=True, check=True, timeout=10)


class Network:
    """A bridge in a namespace of its own, with the lab's machines on it; a context manager."""

    def __init__(self, resolver: str | None = None, name: str = "") -> None:
        """`resolver`: the address in every machine's resolv.conf; None for machines without one.

        name: short; it tells networks of one process apart.
        """
        self._prefix = f"mp{os.getpid()}-{name}"
        self._resolver = resolver
        self._namespaces: list[str] = []

    def __enter__(self) -> "Network":
        sweep()
        try:
            self._hub = self._create("hub")
            run("ip", "-n", self._hub, "link", "add", "name", "bridge", "type", "bridge")
            run("ip", "-n", self._hub, "link", "set", "dev", "bridge", "up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes every namespace down; whoever started a process in one has stopped it before."""
        while self._namespaces:
            _delete(self._namespaces.pop())

    def attach(self, label: str, number: int) -> Namespace:
        """A new machine on the bridge; `label` has at most 15 characters, `number` 1 to 254."""
        ipv4 = f"{IPV4_NETWORK}.{number}"
        ipv6 = f"{IPV6_NETWORK}:{number:x}" if HAS_IPV6 else None
        name = self._create(label)
        self._link(label, name)
        run("ip", "-n", name, "address", "add", f"{ipv4}/24", "dev", "eth0")
        if ipv6:
            # Without nodad an address is tentative for a second, and servers can't bind it.
            run("ip", "-n", name, "address", "add", f"{ipv6}/64", "dev", "eth0", "nodad")
        return Namespace(name, ipv4, ipv6)

    def isolated(self, label: str) -> Namespace:
        """A new machine with a loopback interface and nothing else: the network is off."""
        return Namespace(self._create(label), None, None)

    def _create(self, label: str) -> str:
        name = self._prefix + label
        self._namespaces.append(name)
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "dev", "lo", "up")
        if self._resolver:
            folder = _ETC_NETNS / name
            folder.mkdir(parents=True, exist_ok=True)
            folder.joinpath("resolv.conf").write_text(f"nameserver {self._resolver}\n")
        return name

    def _link(self, label: str, name: str) -> None:
        inside_hub = ("ip", "-n", self._hub, "link")
        pair = ("type", "veth", "peer", "name", "eth0", "netns", name)
        run(*inside_hub, "add", "name", label, *pair)
        run(*inside_hub, "set", "dev", label, "master", "bridge")
        run(*inside_hub, "set", "dev", label, "up")
        run("ip", "-n", name, "link", "set", "dev", "eth0", "up")


def sweep() -> None:
    """Removes the namespaces of earlier labs that were killed before they could."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        made_by = _LAB_NAME.match(name)
        if made_by and not Path("/proc", made_by[1]).exists():
            _delete(name)


def _delete(name: str) -> None:
    subprocess.run([tool("ip") or "ip", "netns", "delete", name], capture_output=True, check=False)
    shutil.rmtree(_ETC_NETNS / name, ignore_errors=True)
