"""The collector that logs in to a host and reads how its mail programs are configured.

Nothing is written, nothing is run but a few commands that print, and neither private keys nor
password maps are opened: of those, the permissions alone are asked for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from posixpath import dirname, isabs, normpath
from typing import TYPE_CHECKING, ClassVar, TypeVar

from msgspec import structs
from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister

from audits.collect.collector import Origin
from audits.collect.configured import KINDS, READERS, USUAL_PLACE, Installed, configured
from audits.collect.live.ssh_login import NAME, Login, SshAccess
from audits.collect.live.tcp import Unheard
from audits.facts.declared import DeclaredHost
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
    unobserved,
)
from audits.facts.host import BoundSocket, FileMode, FileModes, ListeningSockets, UnseenFile
from audits.facts.mta import ConfiguredListener, Mta, Program, Question, Ruling
from audits.facts.snapshot import Snapshot
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.host_command import (
    dovecot_version,
    exim_version,
    listening_sockets,
    opensmtpd_version,
    postfix_instances,
    postfix_version,
)
from audits.settings import LimitSettings, SshSettings
from audits.subject import MailHost, Subject

if TYPE_CHECKING:
    from audits.collect.live.ssh_command import HostShell, Ran
    from audits.collect.live.ssh_connection import SshConnection

T = TypeVar("T")

_THREADS = 32
# A configuration names files that name files; none is known to go deeper.
_MOST_ROUNDS = 8
_MOST_FILES = 300
_SMTP_PORTS = (25, 465, 587)
_PRIVATE_KEY = "PRIVATE KEY-----"
# Files of OpenSMTPD where its own system and others have them.
_SMTPD_CONF = ("/etc/mail/smtpd.conf", "/etc/smtpd.conf")
# Readers that say of each answer whether a missing file might change it. What Postfix may miss are
# tables alone, in which nothing else is configured.
_PRECISE = frozenset({Mta.EXIM, Mta.POSTFIX})
# Files that are not there, or that nobody wants.
_NOT_WITHHELD = frozenset({Reason.ABSENT, Reason.SKIPPED})
_OF_PROGRAMS = (Question.OUTBOUND_TLS, Question.OUTBOUND_DANE, Question.OUTBOUND_MTA_STS)


class SshHost:
    """The configuration of a host's mail programs, its listening sockets, and who may see secrets.

    access: None where no SSH is configured. Each host has a thread of its own, a few at a time.
    """

    name: ClassVar[str] = "ssh"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = KINDS | {ListeningSockets, FileModes}
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredHost})

    def __init__(
        self,
        origin: Origin,
        wanted: Collection[type[Fact]],
        settings: SshSettings | None,
        limits: LimitSettings,
        access: SshAccess | None,
    ) -> None:
        self._origin = origin
        self._wanted = frozenset(wanted) & self.provides
        self._settings = settings
        self._limits = limits
        self._access = access
        self._turns = asyncio.Semaphore(_THREADS)

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact, or why it is missing."""
        assert isinstance(subject, MailHost)
        found = await self._found(subject, seen)
        provenance = self._origin.live(self.name)
        if isinstance(found, Silence):
            return unobserved(self._wanted, subject, found.reason, found.detail, provenance)
        others: dict[type[Fact], Fact | Silence] = {
            ListeningSockets: found.sockets
            if isinstance(found.sockets, Silence)
            else ListeningSockets(subject, found.sockets),
            FileModes: found.secrets
            if isinstance(found.secrets, Silence)
            else FileModes(subject, found.secrets.modes, found.secrets.unseen),
        }
        return [
            *configured(subject, found.readings, self._wanted, provenance),
            *(
                observation(kind, subject, fact, provenance)
                for kind, fact in others.items()
                if kind in self._wanted
            ),
        ]

    async def _found(self, host: MailHost, seen: Snapshot) -> "Found | Silence":
        if seen.fact(DeclaredHost, host) is None:
            return Silence(Reason.SKIPPED, "not a host of the inventory")
        if self._access is None or self._settings is None:
            return Silence(Reason.SKIPPED, "the configuration says nothing of ssh")
        login = self._access.logins.get(host.name)
        if not isinstance(login, Login):
            return login or Silence(Reason.SKIPPED, "the inventory has no connection to it")
        # A little before the run would cut it off, and lose what is known by then.
        ends = time.monotonic() + 0.95 * self._limits.host_s
        async with self._turns:
            visit = _Visit(self._access, login, self._settings.command_s, ends)
            try:
                return await _in_thread(visit.look)
            except Unheard as error:
                return error.silence
            finally:
                visit.abort()


@dataclass(frozen=True)
class Found:
    """What a visit to a host brought."""

    sockets: tuple[BoundSocket, ...] | Silence
    readings: tuple[Reading | Silence, ...]
    secrets: "Secrets | Silence"


@dataclass(frozen=True)
class Secrets:
    """The permissions of the files with secrets that mail programs name."""

    modes: tuple[FileMode, ...]
    unseen: tuple[UnseenFile, ...]


class _Visit:
    """One connection to one host, in a thread of its own."""

    def __init__(self, access: SshAccess, login: Login, command_s: float, ends: float) -> None:
        self._access = access
        self._login = login
        self._command_s = command_s
        self._ends = ends
        self._given_up = threading.Event()
        self._connection: SshConnection | None = None

    def look(self) -> Found:
        """All there is to see. Raises Unheard where the host is not reached, or goes away."""
        # paramiko takes a while to load, and most runs log in nowhere.
        from audits.collect.live.ssh_command import HostShell

        host = self._access.hosts[self._login.name]
        self._connection = self._open(host)
        try:
            if self._given_up.is_set():
                raise Unheard(Reason.INTERRUPTED, "given up")
            shell = HostShell(
                self._connection.connection, str(self._login), self._command_s, self._ends
            )
            return _look_around(shell)
        finally:
            host.close_connection(NAME)

    def _open(self, host: Host) -> "SshConnection":
        from audits.collect.live.ssh_connection import SshConnection

        ConnectionPluginRegister.register(NAME, SshConnection)
        opened = host.open_connection(
            NAME,
            Config(),
            extras={"login": self._login, "reveal": self._access.reveal},
            default_to_host_attributes=False,
        )
        assert isinstance(opened, SshConnection)
        return opened

    def abort(self) -> None:
        """Ends what is under way, if anything is."""
        self._given_up.set()
        if self._connection is not None:
            self._connection.abort()


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of blocking work; its thread keeps nobody from ending the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def hand_over(settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            hand_over(partial(done.set_exception, error))
        else:
            hand_over(partial(done.set_result, result))

    threading.Thread(target=run, name="ssh", daemon=True).start()
    return await done


# --- what is looked at --------------------------------------------------------------------------


def _look_around(shell: "HostShell") -> Found:
    sockets = _sockets(shell)
    # A program that is absent has its package there, and nobody configured it.
    read = [
        each
        for each in _read(shell, list(_installed(shell)))
        if isinstance(each.reading, Reading) or each.reading.reason is not Reason.ABSENT
    ]
    readings = [each.reading for each in read]
    unread = [(each.program, each.doubt) for each in read if each.doubt is not None]
    silent = [reading for reading in readings if isinstance(reading, Silence)]
    if len(silent) == len(readings):
        none = Silence(Reason.ABSENT, "the host has no mail program")
        return Found(sockets, tuple(readings), silent[0] if silent else none)
    secrets = _secrets(shell, readings, unread)
    readings += _unexplained(sockets, readings, unread)
    return Found(sockets, tuple(readings), secrets)


def _sockets(shell: "HostShell") -> tuple[BoundSocket, ...] | Silence:
    ran = shell.run("ss", "-Hltn")
    if isinstance(ran, Silence):
        return ran
    if ran.missing or ran.status:
        return Silence(Reason.PROTOCOL, f"ss -Hltn: {ran.complaint}")
    return listening_sockets(ran.out)


def _installed(shell: "HostShell") -> Iterator[Installed]:
    """The mail programs that may be there, by what they print of themselves.

    One that gives no answer may be there, too: its files tell.
    """
    yield from _postfix(shell)
    exim = shell.run("exim", "-bV")
    if _maybe(exim):
        version, place = exim_version(_out(exim)) or (None, None)
        yield Installed(Mta.EXIM, place or USUAL_PLACE[Mta.EXIM], version)
    dovecot = shell.run("doveconf", "-n")
    if _maybe(dovecot):
        release, first = dovecot_version(_out(dovecot)) or (None, USUAL_PLACE[Mta.DOVECOT])
        yield Installed(Mta.DOVECOT, first, release)
    opensmtpd = shell.run("smtpd", "-h")
    version = opensmtpd_version(_out(opensmtpd))
    if version is not None or isinstance(opensmtpd, Silence):
        there = [path for path in _SMTPD_CONF if isinstance(shell.mode(path), FileMode)]
        yield Installed(Mta.OPENSMTPD, (*there, USUAL_PLACE[Mta.OPENSMTPD])[0], version)


def _postfix(shell: "HostShell") -> Iterator[Installed]:
    postconf = shell.run("postconf", "mail_version")
    if _maybe(postconf):
        version = postfix_version(_out(postconf))
        folders = postfix_instances(_out(shell.run("postmulti", "-l")))
        for folder in folders or (USUAL_PLACE[Mta.POSTFIX],):
            yield Installed(Mta.POSTFIX, folder, version)


def _maybe(ran: "Ran | Silence") -> bool:
    """Whether the program of a command may be there."""
    return isinstance(ran, Silence) or not ran.missing


def _out(ran: "Ran | Silence") -> str:
    """All that a command printed: `smtpd -h` does it as an error."""
    return "" if isinstance(ran, Silence) else f"{ran.out}\n{ran.err}"


# --- files --------------------------------------------------------------------------------------


class _AskedTree(ConfigTree):
    """Files that notes what its readers ask for, so that it can be fetched for the next reading."""

    def __init__(self, files: dict[str, ConfigText], silent: dict[str, Silence]) -> None:
        super().__init__(files, silent)
        self.asked: set[str] = set()
        self.patterns: set[str] = set()

    def read(self, path: str) -> ConfigText | Silence:
        self.asked.add(normpath(path))
        return super().read(path)

    def matching(self, pattern: str) -> Iterator[str]:
        self.patterns.add(pattern)
        return super().matching(pattern)

    def would_match(self, path: str) -> bool:
        """Whether a file, or a whole folder, would have been among what was matched."""
        alone = ConfigTree({path: ConfigText(path, "")})
        return any(
            dirname(pattern) == path or path in alone.matching(pattern) for pattern in self.patterns
        )


@dataclass(frozen=True)
class _Read:
    """What the files of a program say. doubt: why that may not be all, or why it is nothing."""

    program: Installed
    reading: Reading | Silence
    doubt: Silence | None


def _read(shell: "HostShell", programs: Sequence[Installed]) -> list[_Read]:
    """What the programs' files say: they are read until they name no further file."""
    files: dict[str, ConfigText] = {}
    silent: dict[str, Silence] = {}
    folders: dict[str, Silence | None] = {}
    trees: list[_AskedTree] = []
    readings: list[Reading | Silence] = []
    for _ in range(_MOST_ROUNDS):
        trees = [_AskedTree(files, silent) for _ in programs]
        readings = list(map(_reading, trees, programs))
        secret = set(_secret_files(readings))
        patterns = {pattern for tree in trees for pattern in tree.patterns}
        fresh = {path for tree in trees for path in tree.asked}
        fresh.update(_matching(shell, patterns, folders))
        fresh -= files.keys() | silent.keys()
        if not fresh:
            break
        for path in sorted(fresh):
            text = _fetched(shell, path, secret, len(files))
            if isinstance(text, Silence):
                silent[path] = text
            else:
                files[path] = ConfigText(path, text)
    withheld = silent | {path: why for path, why in folders.items() if why is not None}
    withheld = {p: why for p, why in withheld.items() if why.reason not in _NOT_WITHHELD}
    return [
        _doubted(program, reading, tree, withheld)
        for program, reading, tree in zip(programs, readings, trees, strict=True)
    ]


def _matching(
    shell: "HostShell", patterns: Collection[str], folders: dict[str, Silence | None]
) -> Iterator[str]:
    """The paths that match patterns in folders that were not looked into yet, noted now."""
    for folder in sorted({dirname(pattern) for pattern in patterns if isabs(pattern)}):
        if folder in folders:
            continue
        names = shell.names(folder)
        folders[folder] = names if isinstance(names, Silence) else None
        found = [] if isinstance(names, Silence) else names
        listed = ConfigTree({name: ConfigText(name, "") for name in found})
        for pattern in patterns:
            yield from listed.matching(pattern)


def _doubted(
    program: Installed,
    reading: Reading | Silence,
    tree: _AskedTree,
    withheld: Mapping[str, Silence],
) -> _Read:
    """A reading without what it can't know, where files were withheld that are part of it."""
    if isinstance(reading, Silence):
        return _Read(program, reading, reading)
    if program.mta is Mta.POSTFIX:
        return _Read(program, reading, None)
    named = " ".join((*reading.program.unread, reading.networks_open or ""))
    for path, why in withheld.items():
        # A reader does not even know of the files that would have matched its pattern.
        is_unknown = tree.would_match(path)
        if is_unknown or path in named:
            precise = program.mta in _PRECISE and not is_unknown
            return _Read(program, reading if precise else _all_open(reading, why.detail), why)
    return _Read(program, reading, None)


def _all_open(reading: Reading, why: str) -> Reading:
    """The same with every question left open: the missing file might answer any of them."""

    def leave_open(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
        return tuple(Ruling(each.question, "undecided", why, each.lines) for each in rulings)

    program = structs.replace(reading.program, rulings=leave_open(reading.program.rulings))
    listeners = tuple(
        structs.replace(each, rulings=leave_open(each.rulings)) for each in reading.listeners
    )
    return replace(reading, program=program, listeners=listeners, networks_open=why)


def _reading(tree: ConfigTree, program: Installed) -> Reading | Silence:
    reader = READERS.get(program.mta)
    if reader is None:
        words = f"{program.mta} is installed, and its configuration is not understood"
        return Silence(Reason.NOT_COLLECTED, words)
    return reader(tree, program.place, program.version)


def _fetched(shell: "HostShell", path: str, secret: Collection[str], fetched: int) -> str | Silence:
    if not isabs(path) or "\n" in path or "\0" in path:
        return Silence(Reason.NOT_COLLECTED, f"{path!r} is no absolute path")
    if path in secret:
        return Silence(Reason.SKIPPED, f"{path} holds secrets, which nobody reads")
    if fetched >= _MOST_FILES:
        return Silence(Reason.NOT_COLLECTED, f"{path} is one file more than {_MOST_FILES}")
    text = shell.read(path)
    if not isinstance(text, Silence) and _PRIVATE_KEY in text:
        return Silence(Reason.SKIPPED, f"{path} holds a private key, and was dropped")
    return text


def _secret_files(readings: Iterable[Reading | Silence]) -> Iterator[str]:
    for reading in readings:
        if isinstance(reading, Reading):
            yield from map(normpath, reading.secret_files)


def _secrets(
    shell: "HostShell",
    readings: Sequence[Reading | Silence],
    unread: Sequence[tuple[Installed, Silence]],
) -> Secrets:
    """Who may read the files with secrets, and what postmap(1) makes of them.

    Those of a program that could not be read are not known: its configuration stands for them.
    """
    modes: list[FileMode] = []
    unseen = [UnseenFile(program.place, why) for program, why in unread]
    for path in sorted(set(_secret_files(readings)))[:_MOST_FILES]:
        for number, name in enumerate((path, f"{path}.db")):
            mode = shell.mode(name)
            if isinstance(mode, FileMode):
                modes.append(mode)
            elif number == 0:
                unseen.append(UnseenFile(name, mode))
    return Secrets(tuple(modes), tuple(unseen))


# --- programs that could not be read ------------------------------------------------------------


def _unexplained(
    sockets: tuple[BoundSocket, ...] | Silence,
    readings: Sequence[Reading | Silence],
    unread: Sequence[tuple[Installed, Silence]],
) -> Iterator[Reading]:
    """Mail ports that a program may serve whose configuration could not be read.

    Without them all that could be read would speak for the whole host.
    """
    explained = {
        listener.port
        for reading in readings
        if isinstance(reading, Reading)
        for listener in reading.listeners
    }
    if isinstance(sockets, Silence):
        bound = set(_SMTP_PORTS)
    else:
        bound = {socket.port for socket in sockets if not socket.loopback}
    open_ports = [port for port in _SMTP_PORTS if port in bound - explained]
    for program, why in unread if open_ports else ():
        yield _undecided(program, why, open_ports)


def _undecided(program: Installed, why: Silence, ports: Sequence[int]) -> Reading:
    def ruling(question: Question) -> Ruling:
        return Ruling(question, "undecided", why.detail, ())

    of_programs = tuple(map(ruling, _OF_PROGRAMS))
    of_listeners = tuple(ruling(each) for each in Question if each not in _OF_PROGRAMS)
    return Reading(
        Program(
            program.mta, program.place, program.version, (), of_programs, (), (), (why.detail,)
        ),
        tuple(
            ConfiguredListener(
                program.mta, program.place, f"port {port}", (), port, False, None, of_listeners
            )
            for port in ports
        ),
        (),
        why.detail,
        (),
    )
