"""The certificates in the files that mail programs name, without the keys that may be beside them.

sed(1) leaves a private key out where the file is: none comes over the connection.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from audits.collect.live.ssh_command import HostShell
from audits.facts.fact import Silence
from audits.facts.host import CertificateFile, UnseenFile
from audits.parse.config_tree import Reading
from audits.parse.x509 import pem_certificates

# The lines of a key go first, so that not even a broken file has one printed (RFC 7468).
CERTIFICATES_ALONE = (
    "/-----BEGIN .*PRIVATE KEY-----/,/-----END .*PRIVATE KEY-----/d",
    "/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p",
)
_MOST_FILES = 50


@dataclass(frozen=True)
class Certificates:
    """What files hold that programs present. unseen: those that the user may not read."""

    files: tuple[CertificateFile, ...]
    unseen: tuple[UnseenFile, ...]


def certificates(shell: HostShell, readings: Iterable[Reading | Silence]) -> Certificates:
    """What is in the files that the programs name, by program and path."""
    read: dict[str, str | Silence] = {}
    files: list[CertificateFile] = []
    unseen: dict[str, UnseenFile] = {}
    for reading in readings:
        if isinstance(reading, Silence):
            continue
        for path in sorted(set(reading.certificate_files)):
            if path not in read and len(read) < _MOST_FILES:
                read[path] = shell.part(path, CERTIFICATES_ALONE)
            text = read.get(path)
            if isinstance(text, Silence):
                unseen[path] = UnseenFile(path, text)
            elif text is not None:
                files.append(_file(reading, path, text))
    return Certificates(tuple(files), tuple(unseen[path] for path in sorted(unseen)))


def _file(reading: Reading, path: str, text: str) -> CertificateFile:
    found, malformed = pem_certificates(text)
    if not found and malformed is None:
        malformed = "it holds no certificate"
    program = reading.program
    return CertificateFile(program.mta, program.instance, path, tuple(found), malformed)
