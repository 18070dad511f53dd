"""What a host itself says of its sockets and files, seen by logging in to it."""

from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Silence, Step
from audits.subject import MailHost


class BoundSocket(Struct, frozen=True):
    """A TCP socket that something listens on. address: empty for all addresses of the host."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Reachable from the host itself alone (RFC 1122 3.2.1.3, RFC 4291 section 2.5.3)."""
        plain = self.address.removeprefix("::ffff:")
        return plain.startswith("127.") or plain == "::1"


class ListeningSockets(Fact, frozen=True, tag="host.sockets"):
    """The TCP sockets that programs of a host listen on, whatever a firewall lets through."""

    STEP: ClassVar[Step] = Step.TCP

    subject: MailHost
    sockets: tuple[BoundSocket, ...]


class FileMode(Struct, frozen=True):
    """Who may do what with a file, links followed. mode: permission bits, such as `0640`."""

    path: str
    owner: str
    group: str
    mode: str

    @property
    def bits(self) -> int:
        return int(self.mode, 8)


class UnseenFile(Struct, frozen=True):
    """A file whose permissions were asked for and not seen."""

    path: str
    silence: Silence


class FileModes(Fact, frozen=True, tag="host.files"):
    """The permissions of the private keys and password maps that mail programs name.

    What is in them is never read. files, silent: by path, in order.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: MailHost
    files: tuple[FileMode, ...]
    silent: tuple[UnseenFile, ...]
