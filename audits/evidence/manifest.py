"""The manifest of a run: what was made when, by what, from where, with which digests."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from audits.errors import SnapshotError

SCHEMA = "mailproof/manifest/v1"


class Manifest(Struct, frozen=True):
    """What a stored run is.

    command: as typed; it never holds secrets, only references to them. versions: of Python,
    mailproof and what it stands on.
    asked_for: what was done beyond looking because the command line asked for it: `canary`.
    complete: False for a run that was cut off. files: name to lower hex SHA-256.
    """

    schema: str
    run: str
    started: datetime
    ended: datetime
    vantage: str
    vantage_addresses: tuple[str, ...]
    command: str
    versions: dict[str, str]
    complete: bool
    files: dict[str, str]
    asked_for: tuple[str, ...] = ()


def digest(chunks: Iterable[bytes]) -> str:
    """Lower hex SHA-256."""
    hashed = sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2)


def decode_manifest(text: bytes, name: str) -> Manifest:
    """Raises SnapshotError, naming the file, on anything that is no manifest of this schema."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{name}: not a manifest: {error}") from error
    if manifest.schema != SCHEMA:
        raise SnapshotError(f"{name}: found schema {manifest.schema!r}, expected {SCHEMA!r}")
    return manifest
