"""The collector that logs in to a host and reads how its mail programs are configured.

Nothing is written, nothing is run but a few commands that print, and neither private keys nor
password maps are opened: of those, the permissions alone are asked for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister

from audits.collect.collector import Origin
from audits.collect.configured import KINDS, configured
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
from audits.facts.host import CertificateFiles, FileModes, ListeningSockets
from audits.facts.snapshot import Snapshot
from audits.settings import LimitSettings, SshSettings
from audits.subject import MailHost, Subject

if TYPE_CHECKING:
    from audits.collect.live.ssh_connection import SshConnection
    from audits.collect.live.ssh_survey import Found

T = TypeVar("T")

_AT_ONCE = 32
# OpenSSH turns away more than ten that have not logged in yet (MaxStartups in sshd_config(5)).
_AT_ONCE_THROUGH_ANOTHER = 8


class SshHost:
    """The configuration of a host's mail programs, its sockets, certificates and who sees secrets.

    access: None where no SSH is configured. Each host has a thread of its own, a few at a time.
    """

    name: ClassVar[str] = "ssh"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = KINDS | {
        ListeningSockets,
        FileModes,
        CertificateFiles,
    }
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
        self._direct = asyncio.Semaphore(_AT_ONCE)
        self._through_another = asyncio.Semaphore(_AT_ONCE_THROUGH_ANOTHER)

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
            CertificateFiles: found.certificates
            if isinstance(found.certificates, Silence)
            else CertificateFiles(subject, found.certificates.files, found.certificates.unseen),
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
        async with self._direct if login.via is None else self._through_another:
            visit = _Visit(self._access, login, self._settings.command_s, ends)
            try:
                return await _in_thread(visit.look)
            except Unheard as error:
                return error.silence
            finally:
                visit.abort()


class _Visit:
    """One connection to one host, in a thread of its own."""

    def __init__(self, access: SshAccess, login: Login, command_s: float, ends: float) -> None:
        self._access = access
        self._login = login
        self._command_s = command_s
        self._ends = ends
        self._given_up = threading.Event()
        self._connection: SshConnection | None = None

    def look(self) -> "Found":
        """All there is to see. Raises Unheard where the host is not reached, or goes away."""
        # paramiko takes a while to load, and most runs log in nowhere.
        from audits.collect.live.ssh_command import HostShell
        from audits.collect.live.ssh_survey import survey

        host = self._access.hosts[self._login.name]
        self._connection = self._open(host)
        try:
            if self._given_up.is_set():
                raise Unheard(Reason.INTERRUPTED, "given up")
            shell = HostShell(
                self._connection.connection, str(self._login), self._command_s, self._ends
            )
            return survey(shell)
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
