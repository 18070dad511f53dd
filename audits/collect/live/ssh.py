"""The collector that logs in to a host and reads how its mail programs are configured.

Nothing is written, nothing is run but a few commands that print, and neither private keys nor
password maps are opened: of those, the permissions alone are asked for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from posixpath import dirname, isabs, normpath
from typing import ClassVar, TypeVar

from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister

from audits.collect.collector import Origin
from audits.collect.configured import KINDS, READERS, USUAL_PLACE, Installed, configured
from audits.collect.live.ssh_command import HostShell, Ran
from audits.collect.live.ssh_connection import NAME, Login, SshConnection
from audits.collect.live.ssh_login import SshAccess
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

T = TypeVar("T")

_THREADS = 32
# A configuration names files that name files; none is known to go deeper.
_MOST_ROUNDS = 8
_MOST_FILES = 300
_SMTP_PORTS = (25, 465, 587)
_PRIVATE_KEY = "PRIVATE KEY-----"
# Files of OpenSMTPD where its own system and others have them.
_SMTPD_CONF = ("/etc/mail/smtpd.conf", "/etc/smtpd.conf")
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
            FileModes: FileModes(subject, found.modes, found.unseen),
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
    """What a visit to a host brought. modes, unseen: of files with secrets."""

    sockets: tuple[BoundSocket, ...] | Silence
    readings: tuple[Reading | Silence, ...]
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

    def _open(self, host: Host) -> SshConnection:
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


def _look_around(shell: HostShell) -> Found:
    sockets = _sockets(shell)
    programs = list(_installed(shell))
    # A program that is absent has its package there, and nobody configured it.
    read = [
        (program, reading)
        for program, reading in zip(programs, _read(shell, programs), strict=True)
        if isinstance(reading, Reading) or reading.reason is not Reason.ABSENT
    ]
    readings = [reading for _, reading in read]
    if any(isinstance(reading, Reading) for reading in readings):
        unread = [(program, each) for program, each in read if isinstance(each, Silence)]
        readings += _unexplained(sockets, readings, unread)
    modes, unseen = _modes(shell, readings)
    return Found(sockets, tuple(readings), modes, unseen)


def _sockets(shell: HostShell) -> tuple[BoundSocket, ...] | Silence:
    ran = shell.run("ss", "-Hltn")
    if isinstance(ran, Silence):
        return ran
    if ran.missing or ran.status:
        return Silence(Reason.PROTOCOL, f"ss -Hltn: {ran.complaint}")
    return listening_sockets(ran.out)


def _installed(shell: HostShell) -> Iterator[Installed]:
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


def _postfix(shell: HostShell) -> Iterator[Installed]:
    postconf = shell.run("postconf", "mail_version")
    if _maybe(postconf):
        version = postfix_version(_out(postconf))
        folders = postfix_instances(_out(shell.run("postmulti", "-l")))
        for folder in folders or (USUAL_PLACE[Mta.POSTFIX],):
            yield Installed(Mta.POSTFIX, folder, version)


def _maybe(ran: Ran | Silence) -> bool:
    """Whether the program of a command may be there."""
    return isinstance(ran, Silence) or not ran.missing


def _out(ran: Ran | Silence) -> str:
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


def _read(shell: HostShell, programs: Sequence[Installed]) -> list[Reading | Silence]:
    """What the programs' files say: they are read until they name no further file."""
    files: dict[str, ConfigText] = {}
    silent: dict[str, Silence] = {}
    folders: set[str] = set()
    readings: list[Reading | Silence] = []
    for _ in range(_MOST_ROUNDS):
        tree = _AskedTree(files, silent)
        readings = [_reading(tree, program) for program in programs]
        secret = set(_secret_files(readings))
        fresh = {path for path in tree.asked if path not in files and path not in silent}
        new_folders = {dirname(pattern) for pattern in tree.patterns} - folders
        for folder in sorted(new_folders):
            names = shell.names(folder) if isabs(folder) else []
            found = names if not isinstance(names, Silence) else []
            listed = ConfigTree({name: ConfigText(name, "") for name in found})
            fresh.update(path for p in tree.patterns for path in listed.matching(p))
        folders |= new_folders
        fresh -= files.keys() | silent.keys()
        if not fresh:
            break
        for path in sorted(fresh):
            text = _fetched(shell, path, secret, len(files))
            if isinstance(text, Silence):
                silent[path] = text
            else:
                files[path] = ConfigText(path, text)
    return readings


def _reading(tree: ConfigTree, program: Installed) -> Reading | Silence:
    reader = READERS.get(program.mta)
    if reader is None:
        words = f"{program.mta} is installed, and its configuration is not understood"
        return Silence(Reason.NOT_COLLECTED, words)
    return reader(tree, program.place, program.version)


def _fetched(shell: HostShell, path: str, secret: Collection[str], fetched: int) -> str | Silence:
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


def _modes(
    shell: HostShell, readings: Sequence[Reading | Silence]
) -> tuple[tuple[FileMode, ...], tuple[UnseenFile, ...]]:
    """The permissions of files with secrets, and of what is made of them by postmap(1)."""
    modes: list[FileMode] = []
    unseen: list[UnseenFile] = []
    for path in sorted(set(_secret_files(readings)))[:_MOST_FILES]:
        for number, name in enumerate((path, f"{path}.db")):
            mode = shell.mode(name)
            if isinstance(mode, FileMode):
                modes.append(mode)
            elif number == 0:
                unseen.append(UnseenFile(name, mode))
    return tuple(modes), tuple(unseen)


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
