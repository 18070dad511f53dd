"""Read-only commands on a host: fixed words, each quoted, no shell construct, no terminal.

A path is quoted and stands behind `--`. What is written on the host is nothing, ever.
"""

import secrets
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import paramiko

from audits.collect.live.tcp import Unheard
from audits.facts.fact import Reason, Silence
from audits.facts.host import FileMode
from audits.parse.host_command import STAT_FORMAT, file_modes

# A user's path often lacks the programs of administrators; messages are wanted in one language.
_ENVIRONMENT = (
    "env",
    "LC_ALL=C",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
_MOST_OCTETS = 4 * 1024 * 1024
_MOST_WORDS = 64 * 1024
_READ_OCTETS = 32 * 1024
# How often errors are looked at while nothing else comes; output itself is never waited for so.
_TURN_S = 0.2
_NOT_THERE = 127
_MAY_NOT = 126


@dataclass(frozen=True)
class Ran:
    """What a command printed, octets outside UTF-8 written as `\\xNN`, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def missing(self) -> bool:
        """There is no such program."""
        return self.status == _NOT_THERE

    @property
    def complaint(self) -> str:
        """The last line of the errors, or how it ended."""
        lines = self.err.strip().splitlines()
        return lines[-1].strip()[:200] if lines else f"it ended with status {self.status}"


class HostShell:
    """Commands over one connection, one after the other, until a deadline of the monotonic clock.

    Raises Unheard where the host gives no answer any more; a refusal is a value.
    """

    def __init__(
        self, connection: paramiko.Transport, host: str, command_s: float, ends: float
    ) -> None:
        self._connection = connection
        self._host = host
        self._command_s = command_s
        self._ends = ends

    def run(self, *words: str) -> Ran | Silence:
        """A command and what it printed, or why it gave no answer."""
        ended = self._exchange(words, b"")
        if isinstance(ended, Silence):
            return ended
        status, out, err = ended
        return Ran(status, _text(out), _text(err))

    def read(self, path: str) -> str | Silence:
        """The text of a file, or why it is not to be had.

        cat(1) first repeats a word that it is given, so that what a login shell prints before is
        not taken for part of the file.
        """
        begin = f"begin {secrets.token_hex(16)}\n".encode()
        ended = self._exchange(("cat", "--", "-", path), begin)
        if isinstance(ended, Silence):
            return ended
        status, out, err = ended
        _, found, octets = out.partition(begin)
        if not found:
            words = f"{self._host} ran something else in place of cat: {_excerpt(out or err)}"
            return Silence(Reason.PROTOCOL, words)
        return _refusal(path, Ran(status, "", _text(err))) if status else _text(octets)

    def part(self, path: str, script: Sequence[str]) -> str | Silence:
        """The lines of a file that a script of sed(1) prints, the others stay on the host.

        Lines of a login shell may be among them.
        """
        ran = self.run("sed", "-n", *(word for line in script for word in ("-e", line)), "--", path)
        if isinstance(ran, Silence):
            return ran
        return _refusal(path, ran) if ran.status else ran.out

    def names(self, folder: str) -> list[str] | Silence:
        """The paths in a folder; lines of a login shell may be among them."""
        ran = self.run("ls", "-A", "-1", "--", folder)
        if isinstance(ran, Silence):
            return ran
        if ran.status:
            return _refusal(folder, ran)
        return [f"{folder}/{name}" for name in ran.out.splitlines()]

    def mode(self, path: str) -> FileMode | Silence:
        """Who may do what with a file; it is not opened."""
        ran = self._stat(path)
        if isinstance(ran, Silence):
            return ran
        found = file_modes(ran.out)
        return found[0] if found else _refusal(path, ran)

    def modes(self, paths: Sequence[str]) -> tuple[FileMode, ...]:
        """The same of those files that are there and may be seen."""
        ran = self._stat(*paths)
        return () if isinstance(ran, Silence) else file_modes(ran.out)

    def _stat(self, *paths: str) -> Ran | Silence:
        return self.run("stat", "-L", "-c", STAT_FORMAT, "--", *paths)

    def _exchange(self, words: Sequence[str], feed: bytes) -> tuple[int, bytes, bytes] | Silence:
        """How a command ended and what it printed.

        Raises Unheard where nothing more can be asked: the connection or the time is over.
        """
        try:
            return self._answered(words, feed)
        except Unheard as error:
            if not self._connection.is_active() or time.monotonic() >= self._ends:
                raise
            return error.silence

    def _answered(self, words: Sequence[str], feed: bytes) -> tuple[int, bytes, bytes]:
        ends = min(time.monotonic() + self._command_s, self._ends)
        program = words[0]
        try:
            return self._converse(shlex.join((*_ENVIRONMENT, *words)), program, feed, ends)
        except TimeoutError as error:
            said = f"{self._host} did not answer {program} in time"
            raise Unheard(Reason.TIMEOUT, said) from error
        except paramiko.ChannelException as error:
            raise Unheard(Reason.DENIED, f"{self._host} runs no command: {error.text}") from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._connection.is_active():
                said = f"{self._host} did not run {program}: {error}"[:300]
                raise Unheard(Reason.DENIED, said) from error
            raise self._gone(program) from error

    def _converse(
        self, command: str, program: str, feed: bytes, ends: float
    ) -> tuple[int, bytes, bytes]:
        channel = self._connection.open_session(timeout=_left(ends))
        try:
            channel.settimeout(_left(ends))
            channel.exec_command(command)
            channel.settimeout(_TURN_S)
            if feed:
                channel.sendall(feed)
            channel.shutdown_write()
            out, err = bytearray(), bytearray()
            while self._take(channel, channel.recv, out, _MOST_OCTETS, ends):
                while channel.recv_stderr_ready() and len(err) < _MOST_WORDS:
                    err += channel.recv_stderr(_READ_OCTETS)
            while len(err) < _MOST_WORDS and self._take(
                channel, channel.recv_stderr, err, _MOST_WORDS + _READ_OCTETS, ends
            ):
                pass
            if not channel.status_event.wait(_left(ends)):
                raise TimeoutError
            status = channel.recv_exit_status()
        finally:
            channel.close()
        if status < 0:
            raise self._gone(program)
        return status, bytes(out), bytes(err)

    def _take(
        self,
        channel: paramiko.Channel,
        receive: Callable[[int], bytes],
        into: bytearray,
        most: int,
        ends: float,
    ) -> bool:
        """Takes what has come; False at the end. Raises Unheard where there is too much of it."""
        try:
            octets = receive(_READ_OCTETS)
        except TimeoutError:
            _left(ends)
            return True
        into += octets
        if len(into) > most:
            raise Unheard(Reason.PROTOCOL, f"{self._host} printed over {most} octets")
        _left(ends)
        return bool(octets)

    def _gone(self, program: str) -> Unheard:
        words = f"{self._host} ended the connection, or {program} itself, before it was done"
        return Unheard(Reason.DISCONNECTED, words)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _refusal(path: str, ran: Ran) -> Silence:
    """Why a file is not to be had: what the program said behind its own name and the path."""
    said = ran.complaint
    if said.endswith("No such file or directory") or said.endswith("Not a directory"):
        return Silence(Reason.ABSENT, f"{path} is not there")
    if said.endswith("Permission denied") or ran.status == _MAY_NOT:
        return Silence(Reason.DENIED, f"{path} may not be seen by the user that logs in")
    return Silence(Reason.PROTOCOL, f"{path}: {said}")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


def _excerpt(octets: bytes) -> str:
    return repr(_text(octets[:120]))
