"""What a host itself says of its sockets and files, seen by logging in to it."""

from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Silence, Step
from audits.facts.mta import Mta
from audits.facts.tls import Certificate
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
    """A file of which something was asked for and not seen."""

    path: str
    silence: Silence


class FileModes(Fact, frozen=True, tag="host.files"):
    """The permissions of the private keys and password maps that mail programs and signers name.

    What is in them is never read. files, silent: by path, in order.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: MailHost
    files: tuple[FileMode, ...]
    silent: tuple[UnseenFile, ...]


class CertificateFile(Struct, frozen=True):
    """A file of certificates that a program names to present them to its clients.

    mta, instance: the program, as in Program. certificates: in the order of the file.
    malformed: why one of them could not be read; it is then left out.
    """

    mta: Mta
    instance: str
    path: str
    certificates: tuple[Certificate, ...]
    malformed: str | None


class CertificateFiles(Fact, frozen=True, tag="host.certificates"):
    """The certificates in the files that mail programs name; a key beside them is never read.

    Of a program whose files depend on what its client asks for there is none here.
    files: by program and path, in order.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: MailHost
    files: tuple[CertificateFile, ...]
    silent: tuple[UnseenFile, ...]

    @property
    def complete(self) -> bool:
        """Whether every certificate of every file was read."""
        return not self.silent and not any(file.malformed for file in self.files)

    def held(self, mta: Mta, instance: str) -> tuple[tuple[str, Certificate], ...]:
        """The certificates of one program, each with its pointer."""
        return tuple(
            (f"/files/{place}/certificates/{number}", certificate)
            for place, file in enumerate(self.files)
            if (file.mta, file.instance) == (mta, instance)
            for number, certificate in enumerate(file.certificates)
        )

    def at(self, pointer: str) -> tuple[CertificateFile, Certificate]:
        """The certificate at a pointer of `held`, and the file that it is in."""
        _, _, place, _, number = pointer.split("/")
        file = self.files[int(place)]
        return file, file.certificates[int(number)]
