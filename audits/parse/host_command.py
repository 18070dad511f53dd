"""What read-only commands print about a host: versions, sockets, permissions.

A login shell may print lines of its own before a command does, so each reader looks for the lines
that only its command prints and passes over all others. Such words may stand on the same line.
"""

import re
from ipaddress import ip_address

from audits.facts.host import BoundSocket, FileMode

_POSTFIX = re.compile(r"mail_version = (\S+)\s*$", re.MULTILINE)
_INSTANCE = re.compile(r"^\S+\s+\S+\s+[yn]\s+(/\S.*)$", re.MULTILINE)
_EXIM = re.compile(r"Exim version (\S+) #", re.MULTILINE)
_EXIM_LIBRARY = re.compile(r"^Support for:.*?\b(GnuTLS|OpenSSL)\b", re.MULTILINE)
_EXIM_FILE = re.compile(r"^Configuration file is (/\S.*)$", re.MULTILINE)
_DOVECOT = re.compile(r"^# (\d\S*)(?: \([0-9a-f]+\))?: (/\S.*)$", re.MULTILINE)
_SENDMAIL = re.compile(r"^Version (8\.\S+)\s*$", re.MULTILINE)
_OPENSMTPD = re.compile(r"^version: OpenSMTPD (\S+)", re.MULTILINE)
_SOCKET = re.compile(r"LISTEN\s+\d+\s+\d+\s+(\S+):(\d{1,5})\s", re.MULTILINE)

# The format for stat(1); its first word is what makes a line known as one of ours.
STAT_FORMAT = "mode %a %U %G %n"
_STAT = re.compile(r"mode ([0-7]{1,5}) (\S+) (\S+) (/.*)$", re.MULTILINE)


def postfix_version(text: str) -> str | None:
    """The version in what `postconf mail_version` prints."""
    found = _POSTFIX.search(text)
    return found[1] if found else None


def postfix_instances(text: str) -> tuple[str, ...]:
    """The configuration folders in what `postmulti -l` prints, in order."""
    return tuple(folder.strip() for folder in _INSTANCE.findall(text))


def exim_version(text: str) -> tuple[str, str | None] | None:
    """Version and configuration file in what `exim -bV` prints; the file may not be named.

    The version has the TLS library behind it, as in `4.96 GnuTLS`: defaults differ by it.
    """
    version, file = _EXIM.search(text), _EXIM_FILE.search(text)
    if version is None:
        return None
    library = _EXIM_LIBRARY.search(text)
    shown = f"{version[1]} {library[1]}" if library else version[1]
    return shown, file[1].strip() if file else None


def dovecot_version(text: str) -> tuple[str, str] | None:
    """Version and configuration file in the first line that `doveconf -n` prints."""
    found = _DOVECOT.search(text)
    return (found[1], found[2].strip()) if found else None


def opensmtpd_version(text: str) -> str | None:
    """The version in what `smtpd -h` prints."""
    found = _OPENSMTPD.search(text)
    return found[1] if found else None


def sendmail_version(text: str) -> str | None:
    """The version in what `sendmail -d0.1` prints; None for what others have under that name."""
    found = _SENDMAIL.search(text)
    return found[1] if found else None


def listening_sockets(text: str) -> tuple[BoundSocket, ...]:
    """The sockets in what `ss -Hltn` prints, each once, in order."""
    found = (BoundSocket(_address(host), int(port)) for host, port in _SOCKET.findall(text))
    kept = {(socket.port, socket.address): socket for socket in found if socket.port < 65536}
    return tuple(kept[key] for key in sorted(kept))


def _address(written: str) -> str:
    """An address without brackets and zone; empty for `*`, `0.0.0.0` and `[::]`."""
    plain = written.partition("%")[0].strip("[]")
    try:
        address = ip_address(plain)
    except ValueError:
        return "" if plain == "*" else plain
    return "" if address.is_unspecified else str(address)


def file_modes(text: str) -> tuple[FileMode, ...]:
    """The permissions that `stat -c STAT_FORMAT` prints, of one file a line."""
    return tuple(
        FileMode(path, owner, group, f"{int(mode, 8):04o}")
        for mode, owner, group, path in _STAT.findall(text)
    )
