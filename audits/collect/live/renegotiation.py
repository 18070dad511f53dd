"""Renegotiation: how often a server lets a client begin a new handshake inside TLS 1.2.

Python's `ssl` can't ask for one; pyOpenSSL can.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from OpenSSL import SSL

from audits.collect.live.conversation import Conversation
from audits.collect.live.service import IMPLICIT_TLS_PORT
from audits.collect.live.tcp import READ_OCTETS, Stream, Unheard
from audits.facts.fact import Reason
from audits.facts.tls_offer import Renegotiations
from audits.parse.tls_hello import host_name
from audits.subject import Service

# Not by name in pyOpenSSL. A server without RFC 5746 is not ours to turn away: it is asked, too.
_LEGACY_SERVER_CONNECT = 1 << 2
_ALLOW_UNSAFE_LEGACY_RENEGOTIATION = 1 << 18
# OpenSSL names alerts `ssl/tls alert handshake failure`, `tlsv1 alert no renegotiation`.
_ALERT = re.compile(r"(?:sslv3|tlsv1|tlsv13|ssl/tls) alert (.+)")
# The warning of RFC 5246 section 7.2.2, which OpenSSL takes for the end
_NO_RENEGOTIATION = "no renegotiation"
_CLOSED = "the server closed the connection"
# Exim with GnuTLS drops TLS where a client renegotiates, and says so in clear.
_REPLY_OCTETS = 4
_REPLY = re.compile(rb"([2-5][0-9][0-9])[ -]")

T = TypeVar("T")


class Refused(Exception):
    """The server ended the handshake: with an alert, or TLS with it. throttled: it said 421."""

    def __init__(self, words: str, *, throttled: bool = False) -> None:
        super().__init__(words)
        self.throttled = throttled


class RenegotiatingClient:
    """TLS up to 1.2 over another stream, as a client that can renegotiate."""

    def __init__(self, below: Stream, server_name: str) -> None:
        self._below = below
        self._tls = SSL.Connection(_context(), None)
        self._tls.set_connect_state()
        self._heard = b""
        name = host_name(server_name)
        if name:
            self._tls.set_tlsext_host_name(name)

    async def handshake(self, until: float) -> None:
        """The first handshake, or one that `renegotiate` began; raises Refused, Unheard."""
        self._heard = b""
        await self._drive(self._tls.do_handshake, until)

    async def renegotiate(self, until: float) -> None:
        """One more handshake; raises Refused, Unheard. Nothing else may be on its way."""
        self._tls.renegotiate()
        await self.handshake(until)

    async def read(self, until: float) -> bytes:
        """The next octets, empty at the end; raises Unheard."""
        try:
            return await self._drive(lambda: self._tls.recv(READ_OCTETS), until)
        except Refused:
            return b""

    async def write(self, data: bytes, until: float) -> None:
        """Sends all of it; raises Unheard."""
        try:
            await self._drive(lambda: self._tls.sendall(data), until)
        except Refused as refused:
            raise Unheard(Reason.DISCONNECTED, str(refused)) from refused

    def close(self) -> None:
        """Closes below."""
        self._below.close()

    async def leave(self, until: float) -> None:
        """Leaves below."""
        await self._below.leave(until)

    async def _drive(self, step: Callable[[], T], until: float) -> T:
        """What a step of OpenSSL gives once it has the octets that it needs."""
        while True:
            try:
                done = step()
            except SSL.WantReadError:
                await self._flush(until)
                await self._fill(until)
            except SSL.ZeroReturnError as error:
                raise Refused(_CLOSED) from error
            except SSL.Error as error:
                raise _explained(error, self._heard) from error
            else:
                await self._flush(until)
                return done

    async def _flush(self, until: float) -> None:
        try:
            octets = self._tls.bio_read(READ_OCTETS)
        except SSL.WantReadError:
            return
        await self._below.write(octets, until)

    async def _fill(self, until: float) -> None:
        octets = await self._below.read(until)
        if not octets:
            raise Refused(_CLOSED)
        if len(self._heard) < _REPLY_OCTETS:
            self._heard += octets
        self._tls.bio_write(octets)


async def count_renegotiations(
    talk: Conversation, stream: Stream, service: Service, most: int, until: Callable[[], float]
) -> Renegotiations:
    """How many of at most so many are accepted, on a stream that a conversation handed over.

    Stops at the first that is refused. until: when a handshake that begins now has to be done.
    Raises Unheard where it stays open how many there may be.
    """
    client = RenegotiatingClient(stream, service.host)
    try:
        await client.handshake(until())
    except Refused as refused:
        words = f"the handshake in TLS 1.2 to renegotiate in failed: {refused}"
        reason = Reason.THROTTLED if refused.throttled else Reason.TLS
        raise Unheard(reason, words) from refused
    talk.go_on(client)
    if service.port == IMPLICIT_TLS_PORT:
        await talk.greeting()
    for accepted in range(most):
        try:
            await client.renegotiate(until())
        except Refused as refused:
            return Renegotiations(service, most, accepted, str(refused))
        except Unheard as unheard:
            if unheard.silence.reason is Reason.DISCONNECTED:
                return Renegotiations(service, most, accepted, _CLOSED)
            words = f"after {accepted} renegotiations: {unheard}"
            raise Unheard(unheard.silence.reason, words) from unheard
    await talk.quit()
    return Renegotiations(service, most, most, None)


@cache
def _context() -> SSL.Context:
    """A client of TLS 1.2 and older versions that looks at nothing but the handshake."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_options(_LEGACY_SERVER_CONNECT | _ALLOW_UNSAFE_LEGACY_RENEGOTIATION)
    return context


def _explained(error: SSL.Error, heard: bytes) -> Refused | Unheard:
    """An error of OpenSSL's, in a handshake that was answered so.

    An alert that came in is a refusal, and so is a reply in clear; anything else is no TLS.
    """
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [entry[2] for entry in entries]
    for reason in reasons:
        alert = _ALERT.fullmatch(reason)
        if alert is not None or reason == _NO_RENEGOTIATION:
            name = alert[1] if alert is not None else reason
            return Refused(f"alert {name.replace(' ', '_')}")
    reply = _REPLY.match(heard)
    if reply is not None:
        code = reply[1].decode("ascii")
        return Refused(f"the server dropped TLS with {code} in clear", throttled=code == "421")
    words = f"the server broke the rules of TLS: {', '.join(reasons) or 'unexpected end'}"
    return Unheard(Reason.PROTOCOL, words)
