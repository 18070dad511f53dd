"""Who may see the secrets of a host: the permissions of keys, and of maps with passwords.

None of them is opened. Of the files that say where DKIM keys are, the lines with paths alone are
read, since a key may stand in them in place of a path.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import normpath

from audits.collect.live.ssh_command import HostShell
from audits.facts.fact import Reason, Silence
from audits.facts.host import FileMode, UnseenFile
from audits.parse.dkim_signer import (
    KEY_TABLE_PATHS,
    OPENDKIM_KEYS,
    RSPAMD_PATHS,
    RSPAMD_USUAL,
    key_table_files,
    opendkim_files,
    rspamd_files,
)

# More than any host has, and a command line that every system takes.
_MOST_FILES = 300
_AT_ONCE = 60
# What postmap(1) and makemap(8) make of a map: the same passwords, in another file.
_COMPILED = (".db", ".lmdb", ".cdb", ".dir", ".pag")
_OPENDKIM = "/etc/opendkim.conf"
_RSPAMD = ("/etc/rspamd/local.d/dkim_signing.conf", "/etc/rspamd/override.d/dkim_signing.conf")


@dataclass(frozen=True)
class Secrets:
    """The permissions of the files with secrets, by path."""

    modes: tuple[FileMode, ...]
    unseen: tuple[UnseenFile, ...]


def secrets(shell: HostShell, named: Collection[str], unread: Mapping[str, Silence]) -> Secrets:
    """Who may read the files that mail programs name, and the keys of what signs their mail.

    unread: configurations that could not be read, in place of the files that they may name.
    """
    modes: list[FileMode] = []
    unseen = [UnseenFile(path, why) for path, why in unread.items()]
    wanted = {normpath(path): None for path in named}
    for path, known in _dkim_keys(shell):
        if known is None:
            wanted[normpath(path)] = None
        else:
            unseen.append(UnseenFile(path, known))
    paths = sorted(wanted)[:_MOST_FILES]
    for path in paths:
        mode = shell.mode(path)
        if isinstance(mode, FileMode):
            modes.append(mode)
        else:
            unseen.append(UnseenFile(path, mode))
    compiled = [f"{path}{suffix}" for path in paths for suffix in _COMPILED]
    for begin in range(0, len(compiled), _AT_ONCE):
        modes += shell.modes(compiled[begin : begin + _AT_ONCE])
    return Secrets(tuple(sorted(modes, key=lambda mode: mode.path)), tuple(unseen))


def _dkim_keys(shell: HostShell) -> Iterator[tuple[str, Silence | None]]:
    """The paths of the keys of OpenDKIM and rspamd; with a reason what may name more of them."""
    for pattern, known in (*_of_opendkim(shell), *_of_rspamd(shell)):
        if known is None and "*" in pattern:
            yield from _matching(shell, pattern)
        else:
            yield pattern, known


def _of_opendkim(shell: HostShell) -> Iterator[tuple[str, Silence | None]]:
    text = shell.part(_OPENDKIM, OPENDKIM_KEYS)
    if isinstance(text, Silence):
        yield from _unless_absent(_OPENDKIM, text)
        return
    keys, tables = opendkim_files(text)
    yield from ((key, None) for key in keys)
    for table in tables:
        lines = shell.part(table, KEY_TABLE_PATHS)
        if isinstance(lines, Silence):
            yield from _unless_absent(table, lines)
        else:
            yield from ((key, None) for key in key_table_files(lines))


def _of_rspamd(shell: HostShell) -> Iterator[tuple[str, Silence | None]]:
    named: list[str] = []
    is_set_up = False
    for path in _RSPAMD:
        text = shell.part(path, RSPAMD_PATHS)
        if isinstance(text, Silence):
            yield from _unless_absent(path, text)
        else:
            is_set_up = True
            named += rspamd_files(text)
    if is_set_up:
        yield from ((pattern, None) for pattern in named or [RSPAMD_USUAL])


def _unless_absent(path: str, why: Silence) -> Iterator[tuple[str, Silence]]:
    if why.reason is Reason.DENIED:
        yield path, why


def _matching(shell: HostShell, pattern: str) -> Iterator[tuple[str, Silence | None]]:
    """The files that fit a pattern, in which `*` does not cross folders."""
    folder = pattern.partition("*")[0].rpartition("/")[0]
    within, slash, beyond = pattern.removeprefix(f"{folder}/").partition("/")
    names = shell.names(folder)
    if isinstance(names, Silence):
        yield from _unless_absent(pattern, names)
        return
    for name in names:
        if not fnmatchcase(name, f"{folder}/{within}"):
            continue
        if "*" in beyond:
            yield from _matching(shell, f"{name}{slash}{beyond}")
        else:
            yield f"{name}{slash}{beyond}", None
