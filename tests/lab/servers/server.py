"""What every server of the lab has in common: a folder, a log, a start and an end."""

import subprocess
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audits.demo.certificates import Credentials
from tests.lab.network import Namespace

START_S = 20.0
STOP_S = 10.0


def wait_until(ready: Callable[[], bool], what: str, log: Path) -> None:
    """Returns once `ready`; raises with the end of the server's log where that takes too long."""
    deadline = time.monotonic() + START_S
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


class Server(ABC):
    """A server process in a namespace, from start to stop.

    It has a PID namespace of its own and is stopped by its own process id. `folder` holds all that
    it writes; `log` begins with what it said to its terminal.
    """

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self.namespace = namespace
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, *argv: str) -> None:
        """Starts the server; `ready` says when it serves."""
        self._process = self.namespace.start(*argv, log=self.log)

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def wait(self) -> None:
        wait_until(self.ready, f"{type(self).__name__} in {self.namespace.name}", self.log)

    def stop(self) -> None:
        """Ends the server and all that it forked; does nothing where it never started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None


@dataclass(frozen=True)
class Login:
    """A user who may submit mail, and the address that is theirs."""

    user: str
    realm: str
    password: str

    @property
    def name(self) -> str:
        return f"{self.user}@{self.realm}"


@dataclass(frozen=True)
class Site:
    """Whom a mail server serves, whatever its software.

    credentials: its key and certificates; None where the host has no TLS.
    """

    host: str
    domain: str
    credentials: Credentials | None
    login: Login | None = None

    # The local parts that take mail without login; everybody else is unknown.
    MAILBOXES = ("postmaster", "abuse", "alice")


class MailServer(Server):
    """A server that speaks SMTP. Nothing takes out of its queue what it has accepted."""

    ports: frozenset[int] = frozenset()

    def ready(self) -> bool:
        return self.ports <= self.namespace.listening()

    @abstractmethod
    def queued(self) -> int:
        """How many messages were ever accepted."""

    @abstractmethod
    def connections(self, client: str) -> Counter[str]:
        """Connections from an address, by what the log calls the listener."""

    @abstractmethod
    def annoyance(self) -> list[str]:
        """Lines of the log in which the server slowed down, put off or cut off its client."""

    def write_credentials(self, credentials: Credentials) -> tuple[Path, Path]:
        """The files of the chain and of the key."""
        chain, key = self.folder / "chain.pem", self.folder / "key.pem"
        for path, text in ((chain, credentials.chain), (key, credentials.key)):
            path.touch(mode=0o600)
            path.write_bytes(text)
        return chain, key


class Software(Protocol):
    """Settings of one kind of server: what an administrator decides, right or wrong."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Those that a client is to find open."""

    def start(self, namespace: Namespace, folder: Path, site: Site) -> MailServer:
        """Writes the configuration into a new folder and starts the server."""
