"""Which host keys are known, by the file format of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256

_HASHED = "|1|"


@dataclass(frozen=True)
class KnownKey:
    """A line of the file. names: patterns, or one hashed name. blob: the key as it is sent.

    marker: empty, `@revoked` or `@cert-authority`.
    """

    names: tuple[str, ...]
    kind: str
    blob: bytes
    marker: str

    def is_of(self, name: str) -> bool:
        """Whether the line is about a host, which is `[host]:port` for any port but 22."""
        if any(_fits(name, pattern[1:]) for pattern in self.names if pattern.startswith("!")):
            return False
        return any(_fits(name, pattern) for pattern in self.names)


def _fits(name: str, pattern: str) -> bool:
    if not pattern.startswith(_HASHED):
        literal = pattern.replace("[", "[[]")  # brackets are no pattern there
        return fnmatchcase(name.lower(), literal.lower())
    salt, _, digest = pattern.removeprefix(_HASHED).partition("|")
    try:
        expected = hmac.new(b64decode(salt), name.encode(), "sha1").digest()
        return hmac.compare_digest(expected, b64decode(digest))
    except (Error, ValueError):
        return False


def known_keys(text: str) -> tuple[KnownKey, ...]:
    """The lines of the file; one that can't be read makes nothing known."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        names, kind, encoded = fields[:3]
        try:
            blob = b64decode(encoded, validate=True)
        except (Error, ValueError):
            continue
        found.append(KnownKey(tuple(names.split(",")), kind, blob, marker))
    return tuple(found)


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` shows a key: `SHA256:` and base64 without padding."""
    return f"SHA256:{b64encode(sha256(blob).digest()).decode().rstrip('=')}"


def host_name(host: str, port: int) -> str:
    """The name that a host has in the file."""
    return host if port == 22 else f"[{host}]:{port}"


@dataclass(frozen=True)
class Trust:
    """What is known of one host. pinned: the one fingerprint that counts, if any does."""

    keys: tuple[KnownKey, ...]
    revoked: frozenset[bytes]
    pinned: str | None

    @classmethod
    def of(cls, lines: Sequence[KnownKey], names: Sequence[str], pinned: str | None) -> "Trust":
        """From the lines of known_hosts, for a host under all of its names."""
        return cls(
            tuple(k for k in lines if not k.marker and any(k.is_of(name) for name in names)),
            frozenset(line.blob for line in lines if line.marker == "@revoked"),
            pinned,
        )

    def objection(self, host: str, kind: str, blob: bytes) -> str | None:
        """Why a key that a host shows is not taken; None where it is the right one."""
        shown = f"{kind} {fingerprint(blob)}"
        if blob in self.revoked:
            return f"{host} showed a host key that known_hosts revokes, {shown}"
        if self.pinned is not None:
            if fingerprint(blob) == self.pinned:
                return None
            return f"{host} showed the host key {shown}, pinned is {self.pinned}"
        if any(key.blob == blob for key in self.keys):
            return None
        known = ", ".join(f"{key.kind} {fingerprint(key.blob)}" for key in self.keys)
        if known:
            return (
                f"the host key of {host} changed: it showed {shown}, known_hosts has {known}; "
                "find out why before anything else"
            )
        return (
            f"the host key of {host}, {shown}, is not in known_hosts; compare it with the host's "
            "own, then add it there with ssh-keyscan"
        )
