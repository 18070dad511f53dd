"""Nornir's connection plugin for SSH: no host key is taken on trust, nothing is left open.

Each connection has settings of its own, and what it is opened with is never changed.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from nornir.core.configuration import Config

from audits.collect.live.ssh_login import Login
from audits.collect.live.tcp import Unheard
from audits.errors import UsageError
from audits.facts.fact import Reason
from audits.parse.known_hosts import KnownKey, Trust, host_name, known_keys

# With what an RSA host key may sign (RFC 8332 section 3); its name in known_hosts is ssh-rsa.
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
_LOG = "mailproof.ssh"


class SshConnection:
    """A connection of paramiko's in the shape that Nornir wants.

    `open` takes what the connection needs in its extras: `login`, a Login, and `reveal`, which
    resolves the reference of a secret. It raises Unheard, which says what stood in the way.
    """

    def __init__(self) -> None:
        self._transport: paramiko.Transport | None = None
        self._socket: socket.socket | None = None
        self._via: SshConnection | None = None
        self._ended = threading.Event()

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,
    ) -> None:
        """Connects and logs in. All but the extras is in the Login already."""
        assert extras is not None, "opened with a Login"
        login: Login = extras["login"]
        reveal: Callable[[str], str] = extras["reveal"]
        try:
            with _told(login):
                self._begin(login, reveal)
        except BaseException:
            self.close()
            raise

    def _begin(self, login: Login, reveal: Callable[[str], str]) -> None:
        trust = trust_in(login)
        transport = paramiko.Transport(self._way(login, reveal))
        self._transport = transport
        if self._ended.is_set():
            raise Unheard(Reason.INTERRUPTED, f"{login}: given up")
        _say_nothing(transport)
        transport.banner_timeout = login.connect_s
        transport.auth_timeout = login.connect_s
        transport.channel_timeout = login.connect_s
        _prefer(transport, trust)
        transport.start_client(timeout=login.connect_s)
        if not transport.initial_kex_done:
            raise TimeoutError("the keys were not agreed on in time")
        key = transport.get_remote_server_key()
        objection = trust.objection(str(login), key.get_name(), key.asbytes())
        if objection is not None:
            raise Unheard(Reason.DENIED, objection)
        _authenticate(transport, login, reveal)

    def _way(self, login: Login, reveal: Callable[[str], str]) -> Any:
        """What carries the connection: a socket, or a channel through another host."""
        if login.via is None:
            address = (login.hostname, login.port)
            self._socket = socket.create_connection(address, timeout=login.connect_s)
            return self._socket
        self._via = SshConnection()
        self._via.open(None, None, None, None, None, {"login": login.via, "reveal": reveal})
        return self._via.connection.open_channel(
            "direct-tcpip",
            (login.hostname, login.port),
            ("127.0.0.1", 0),
            timeout=login.connect_s,
        )

    @property
    def connection(self) -> paramiko.Transport:
        assert self._transport is not None, "opened before"
        return self._transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._via is not None:
            self._via.close()

    def abort(self) -> None:
        """Ends it from another thread, at once and without a word to the host."""
        self._ended.set()
        if self._via is not None:
            self._via.abort()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _say_nothing(transport: paramiko.Transport) -> None:
    """What went wrong is told by facts; paramiko would print it, too, where nobody logs."""
    log = logging.getLogger(_LOG)
    log.addHandler(logging.NullHandler())
    log.propagate = False
    transport.set_log_channel(_LOG)


def read_known_hosts(path: str) -> tuple[KnownKey, ...]:
    """The keys in a file. Raises Unheard where it can't be read."""
    try:
        return known_keys(Path(path).expanduser().read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        words = f"known_hosts {path} can't be read: {error.strerror}"
        raise Unheard(Reason.DENIED, words) from error


def trust_in(login: Login) -> Trust:
    """What is known of the host that a login is for. Raises Unheard without known_hosts."""
    names = [host_name(name, login.port) for name in (login.hostname, login.name)]
    return Trust.of(read_known_hosts(login.known_hosts), names, login.fingerprint)


def _prefer(transport: paramiko.Transport, trust: Trust) -> None:
    """Asks for a host key of a kind that is known, so that it can be compared."""
    options = transport.get_security_options()
    kinds = [n for key in trust.keys for n in (_RSA if key.kind == "ssh-rsa" else (key.kind,))]
    known = [kind for kind in kinds if kind in options.key_types]
    options.key_types = tuple(dict.fromkeys([*known, *options.key_types]))


def _authenticate(
    transport: paramiko.Transport, login: Login, reveal: Callable[[str], str]
) -> None:
    """Tries the key, the agent's keys, then the password, as far as there are any."""
    tried: list[str] = []
    for means, key in _keys(login, reveal):
        tried.append(means)
        left = _attempt(transport, login, partial(transport.auth_publickey, login.username, key))
        if left == []:
            return
        if left:  # the key was right, and the host wants a password, too
            break
    if login.password is not None:
        tried.append("password")
        password = reveal(login.password)
        attempt = partial(transport.auth_password, login.username, password)
        if _attempt(transport, login, attempt) == []:
            return
    refused = f"refused {', '.join(tried)}" if tried else "was not offered any key or password"
    raise Unheard(Reason.DENIED, f"{login} {refused} of {login.username}")


def _attempt(
    transport: paramiko.Transport, login: Login, attempt: Callable[[], list[str]]
) -> list[str] | None:
    """What the host still demands after an attempt to log in; None where it refused it."""
    try:
        return list(attempt())
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error).lower():
            raise TimeoutError from error
        if not transport.is_active():
            raise EOFError from error
        return None


def _keys(login: Login, reveal: Callable[[str], str]) -> Iterator[tuple[str, paramiko.PKey]]:
    if login.key is not None:
        passphrase = reveal(login.key_passphrase) if login.key_passphrase else None
        yield f"key {Path(login.key).name}", read_key(login.key, passphrase)
    if login.agent:
        agent = paramiko.Agent()
        try:
            for number, key in enumerate(agent.get_keys(), 1):
                yield f"key {number} of the agent", key
        finally:
            agent.close()


def read_key(path: str, passphrase: str | None) -> paramiko.PKey:
    """A private key of ours. Raises Unheard, without a word of it, where it can't be used."""
    try:
        octets = passphrase.encode() if passphrase is not None else None
        # its stub says str, and its loader wants octets
        return paramiko.PKey.from_path(path, octets)  # type: ignore[arg-type]
    except OSError as error:
        raise Unheard(Reason.DENIED, f"key {path} can't be read: {error.strerror}") from error
    except (ValueError, TypeError, paramiko.SSHException) as error:
        # Not chained: cryptography's errors may quote what they were given.
        words = "it has a passphrase: key_passphrase says where it is"
        if passphrase is not None or not isinstance(error, TypeError):
            words = "no key in a known format, or another passphrase"
        raise Unheard(Reason.DENIED, f"key {path} can't be used: {words}") from None


@contextmanager
def _told(login: Login) -> Iterator[None]:
    """Says what stood in the way of a connection, in our words."""
    try:
        yield
    except UsageError as error:
        raise Unheard(Reason.DENIED, str(error)) from error
    except TimeoutError as error:
        words = f"{login} did not answer within {login.connect_s:g} s"
        raise Unheard(Reason.TIMEOUT, words) from error
    except socket.gaierror as error:
        words = f"{login.hostname} has no address: {error.strerror}"
        raise Unheard(Reason.UNREACHABLE, words) from error
    except paramiko.ChannelException as error:
        words = f"{login.via} opened no way to {login}: {error.text}"
        raise Unheard(Reason.UNREACHABLE, words) from error
    except EOFError as error:
        raise Unheard(Reason.DISCONNECTED, f"{login} closed the connection") from error
    except OSError as error:
        words = f"{login} can't be reached: {error.strerror or error}"
        raise Unheard(Reason.UNREACHABLE, words) from error
    except paramiko.SSHException as error:
        raise Unheard(Reason.PROTOCOL, f"{login}: {error}"[:300]) from error
