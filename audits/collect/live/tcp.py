"""TCP: one connection attempt and what it met, and a stream of octets with deadlines."""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Protocol

from audits.errors import MailproofError
from audits.facts.declared import DeclaredHost
from audits.facts.fact import Reason, Silence
from audits.subject import Service, endpoint

READ_OCTETS = 16 * 1024
# What a server may still say while we leave; whoever says more is not heard out.
MAX_PARTING_OCTETS = 64 * 1024

_CLOSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET})
# Linux gives EHOSTUNREACH for "administratively prohibited" as for a host that does not answer ARP.
_FILTERED = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EHOSTDOWN})
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
# A packet filter on this very machine answers connect() so.
_FORBIDDEN_HERE = frozenset({errno.EPERM, errno.EACCES})
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # of Linux


class Unheard(MailproofError):
    """Something asked of a server stays unanswered; `silence` says why, for the facts behind it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.silence = Silence(reason, detail)


@dataclass(frozen=True)
class Target:
    """Where a probe of a service really goes. redirected: elsewhere than the service says."""

    address: str
    port: int
    redirected: bool = False

    @property
    def budget(self) -> str:
        """What shares one budget of connections: an address, but of redirected ones each port.

        Behind a forwarded or local port stands another host than behind the next.
        """
        return str(self) if self.redirected else self.address

    def __str__(self) -> str:
        return endpoint(self.address, self.port)


class Stream(Protocol):
    """Octets to and from a server. `until` is a time of the running loop's clock."""

    async def read(self, until: float) -> bytes:
        """The next octets, empty at the end; raises Unheard."""
        ...

    async def write(self, data: bytes, until: float) -> None:
        """Sends all of it; raises Unheard."""
        ...

    def close(self) -> None:
        """Ends the connection in the way that the protocol asks for, without waiting."""
        ...

    async def leave(self, until: float) -> None:
        """Ends the connection in the middle, and waits until the server has let go of it as well.

        At that time it is dropped, whether or not the server has.
        """
        ...


class TcpStream:
    """An open connection, in clear."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def local_address(self) -> str:
        """The address that the connection is from, as this machine knows it; empty if unknown."""
        name = self._writer.get_extra_info("sockname")
        return str(name[0]) if name else ""

    async def read(self, until: float) -> bytes:
        """The next octets, empty at the end; raises Unheard."""
        self._acknowledge_at_once()
        try:
            async with asyncio.timeout_at(until):
                return await self._reader.read(READ_OCTETS)
        except TimeoutError as error:
            raise Unheard(Reason.TIMEOUT, "the server fell silent") from error
        except OSError as error:
            raise Unheard(Reason.DISCONNECTED, _broke_off(error)) from error

    async def write(self, data: bytes, until: float) -> None:
        """Sends all of it; raises Unheard."""
        try:
            async with asyncio.timeout_at(until):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError as error:
            raise Unheard(Reason.TIMEOUT, "the server takes no more octets") from error
        except OSError as error:
            raise Unheard(Reason.DISCONNECTED, _broke_off(error)) from error

    def _acknowledge_at_once(self) -> None:
        """A server holds its second segment back until the first is acknowledged (RFC 9293 section
        3.7.4), which this machine would put off for 40 ms (RFC 1122 section 4.2.3.2). Session
        tickets before a reply are such two. The kernel forgets the option, so that it is set anew.
        """
        if _QUICKACK is not None:
            with suppress(OSError):  # of a connection that ended; what it left is still to be read
                own = self._writer.get_extra_info("socket")
                own.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def close(self) -> None:
        """Sends what is left and closes, without waiting."""
        self._writer.close()

    async def leave(self, until: float) -> None:
        """Ends our side, waits until the server ends its own or until that time, then drops it.

        Only the end of its side shows that a server is done: Exim keeps a process for half a second
        after a handshake that fell through. What it still says is thrown away.
        """
        left = MAX_PARTING_OCTETS
        try:
            self._writer.write_eof()
            while octets := await self.read(until):
                left -= len(octets)
                if left < 0:
                    await asyncio.sleep(until - asyncio.get_running_loop().time())
                    break
        except (Unheard, OSError):
            pass  # it is time, or the connection is gone, which is what we wait for
        finally:
            self._writer.transport.abort()


@dataclass(frozen=True)
class Attempt:
    """What a connection attempt met.

    state: None where the attempt says nothing of the port. stream: only of an open one.
    silence: why facts behind the port stay unobserved; None where it is open.
    """

    target: Target
    state: Literal["open", "closed", "filtered"] | None
    stream: TcpStream | None
    detail: str
    silence: Silence | None
    elapsed_s: float


def target_of(
    service: Service, declared: DeclaredHost | None, redirect: Mapping[str, str]
) -> Target:
    """Where to connect for a service: its own address, or what stands in for it.

    The host's own `connect` comes before `redirect`, which maps `address:port` to the same.
    """
    own = Target(service.address, service.port)
    services = declared.services if declared is not None else ()
    connect = next((found.connect for found in services if found.port == service.port), None)
    return _redirected(connect or redirect.get(str(own))) or own


def _redirected(text: str | None) -> Target | None:
    """The target that `address:port` names, IPv6 in brackets; None for anything else."""
    address, _, port = (text or "").rpartition(":")
    if not address or not port.isascii() or not port.isdigit():
        return None
    return Target(address.removeprefix("[").removesuffix("]"), int(port), redirected=True)


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


async def dial(target: Target, limit_s: float) -> Attempt:
    """One attempt to connect, at most `limit_s` long; never raises for what the network does."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection(target.address, target.port)
    except TimeoutError:
        return _filtered(target, f"no answer within {limit_s:g} s", loop.time() - begun)
    except (OSError, OverflowError) as error:
        return _not_open(target, error, loop.time() - begun)
    return Attempt(target, "open", TcpStream(reader, writer), "", None, loop.time() - begun)


def _not_open(target: Target, error: OSError | OverflowError, elapsed_s: float) -> Attempt:
    number = error.errno if isinstance(error, OSError) else None
    words = os.strerror(number) if number is not None and number > 0 else str(error)
    if number in _CLOSED:
        silence = Silence(Reason.REFUSED, f"{target} is closed: {words}")
        return Attempt(target, "closed", None, words, silence, elapsed_s)
    if number in _FILTERED:
        return _filtered(target, words, elapsed_s)
    reason = Reason.INTERNAL
    if number in _FORBIDDEN_HERE:
        reason = Reason.EGRESS_BLOCKED
    elif number in _NO_ROUTE or not is_address(target.address):
        reason = Reason.UNREACHABLE
    silence = Silence(reason, f"{target} can't be reached from here: {words}")
    return Attempt(target, None, None, words, silence, elapsed_s)


def _filtered(target: Target, words: str, elapsed_s: float) -> Attempt:
    silence = Silence(Reason.FILTERED, f"{target} is filtered: {words}")
    return Attempt(target, "filtered", None, words, silence, elapsed_s)


def _broke_off(error: OSError) -> str:
    words = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    return f"the connection broke off: {words}"
