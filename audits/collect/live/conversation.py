"""A conversation with one SMTP service: the sans-IO client on a stream, within limits of time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import takewhile

from audits.collect.live.pace import Pace
from audits.collect.live.tcp import Attempt, Stream, Target, Unheard, dial
from audits.collect.live.tls import Handshake, shake_hands
from audits.errors import ParseError
from audits.facts.fact import Reason, Silence
from audits.facts.smtp import Keyword, Line, Reply
from audits.parse.smtp_client import SmtpClient, verb
from audits.settings import LimitSettings, Settings

# How long a server is waited for where its answer no longer matters.
FAREWELL_S = 2.0


@dataclass(frozen=True)
class Exchange:
    """Replies to several commands, in their order; None for one not sent or not answered.

    silence: why replies are missing, if the conversation ended early.
    """

    replies: tuple[Reply | None, ...]
    silence: Silence | None

    def need(self, place: int) -> Reply:
        """The reply to the command at that place; raises Unheard where there is none."""
        reply = self.replies[place]
        if reply is None:
            raise self.unheard
        return reply

    @property
    def unheard(self) -> Unheard:
        """The error for a reply that is missing."""
        if self.silence is None:
            return Unheard(Reason.INTERRUPTED, "not asked: an earlier command was refused")
        return Unheard(self.silence.reason, self.silence.detail)


class TlsFailed(Unheard):
    """The handshake ended without TLS. handshake: how; None where the server went away."""

    def __init__(self, handshake: Handshake | None, silence: Silence) -> None:
        super().__init__(silence.reason, silence.detail)
        self.handshake = handshake


class Deadline:
    """One limit for all that is asked of a service, turns waited for included.

    It ends a little before `limit_s`, where the run would cut off and lose what is known by then.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.ends = asyncio.get_running_loop().time() + 0.95 * limit_s

    def within(self, limit_s: float) -> float:
        """The loop's time that is `limit_s` from now, or the end if that is earlier."""
        return min(asyncio.get_running_loop().time() + limit_s, self.ends)

    @property
    def over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends


class Conversation:
    """One connection from its greeting to QUIT.

    refusals: how many commands were refused: servers slow down or hang up at about ten.
    finished: QUIT was answered. throttled: the server said 421.
    """

    def __init__(self, stream: Stream, settings: Settings, deadline: Deadline) -> None:
        self._stream = stream
        self._limits: LimitSettings = settings.limits
        self._ehlo = settings.probe.ehlo
        self._deadline = deadline
        self._client = SmtpClient()
        self._begun = asyncio.get_running_loop().time()
        self._ended: Silence | None = None
        self.encrypted = False
        self.refusals = 0
        self.finished = False
        self.throttled = False

    @property
    def keywords(self) -> tuple[Keyword, ...]:
        """What the last EHLO was answered with."""
        return self._client.keywords

    @property
    def lines(self) -> tuple[Line, ...]:
        """The transcript up to now."""
        return self._client.lines

    def offers(self, keyword: str) -> bool:
        """Whether the last EHLO was answered with that keyword."""
        return self._client.offers(keyword)

    def note(self, text: str) -> None:
        """Puts a remark of ours into the transcript."""
        self._client.note(text, self._now())

    async def greeting(self, limit_s: float | None = None) -> Reply:
        """The greeting; raises Unheard, for 421 too."""
        limit_s = self._limits.banner_s if limit_s is None else limit_s
        try:
            return await self._reply(limit_s, "greeting")
        except Unheard as unheard:
            self._ended = unheard.silence
            raise

    async def ehlo(self) -> Reply:
        """The reply to EHLO; raises Unheard."""
        return await self.ask(f"EHLO {self._ehlo}")

    async def ask(self, command: str) -> Reply:
        """The reply to one command; raises Unheard."""
        return (await self.exchange([command])).need(0)

    async def exchange(self, commands: Sequence[str], *, mail_first: bool = False) -> Exchange:
        """The replies to commands, in groups where the server offers PIPELINING (RFC 2920).

        mail_first: the reply to MAIL is waited for, where it may well be a refusal. Behind a
        refusal that is known no RCPT is sent: Exim counts each as a protocol error. Never raises:
        nothing more is sent once the conversation has ended.
        """
        if self._ended is not None:
            return Exchange((None,) * len(commands), self._ended)
        replies: list[Reply | None] = []
        mail_refused = False
        try:
            for group in self._groups(commands, mail_first):
                pointless = [c for c in takewhile(_is_rcpt, group) if mail_refused]
                replies += [None] * len(pointless)
                group = group[len(pointless) :]
                if group:
                    await self._send(group)
                for command in group:
                    reply = await self._reply(self._limits.reply_s, f"reply to {command}")
                    replies.append(reply)
                    if verb(command) == "MAIL":
                        mail_refused = not reply.positive
                    if verb(command) == "QUIT":
                        self.finished = True
        except Unheard as unheard:
            self._ended = unheard.silence
            missing = len(commands) - len(replies)
            return Exchange((*replies, *[None] * missing), unheard.silence)
        return Exchange(tuple(replies), None)

    def _groups(self, commands: Sequence[str], mail_first: bool) -> Iterator[tuple[str, ...]]:
        """Those of RFC 2920 section 3.1; mail_first: each MAIL ends one."""
        for group in self._client.groups(commands):
            begins = 0
            for ends, command in enumerate(group, start=1):
                if ends == len(group) or (mail_first and verb(command) == "MAIL"):
                    yield group[begins:ends]
                    begins = ends

    @property
    def challenge(self) -> tuple[str, ...]:
        """Text of the last 334 reply, as it came: `Reply` has it without what is concealed."""
        return self._client.challenge

    def conceal(self, *texts: str) -> None:
        """Keeps these texts out of replies and transcript, whoever says them from now on."""
        self._client.conceal(*texts)

    async def confide(self, line: str, shown: str) -> Reply:
        """The reply to one line of an authentication; the transcript has `shown` in its place.

        Raises Unheard; in clear nothing is sent.
        """
        if not self.encrypted:
            raise Unheard(Reason.SKIPPED, "credentials are never sent in clear")
        if self._ended is not None:
            raise Unheard(self._ended.reason, self._ended.detail)
        try:
            octets = self._client.confide(line, shown, self._now())
            await self._stream.write(octets, self._deadline.within(self._limits.reply_s))
            return await self._reply(self._limits.reply_s, f"reply to {shown}")
        except Unheard as unheard:
            self._ended = unheard.silence
            raise

    async def deliver(self, content: bytes) -> Reply:
        """The reply to a message, once DATA was answered with 354; raises Unheard.

        Waits as long as for any reply; RFC 5321 section 4.5.3.2.6 would give the server longer.
        """
        if self._ended is not None:
            raise Unheard(self._ended.reason, self._ended.detail)
        try:
            octets = self._client.send_content(content, self._now())
            await self._stream.write(octets, self._deadline.within(self._limits.reply_s))
            return await self._reply(self._limits.reply_s, "reply to the end of the message")
        except Unheard as unheard:
            self._ended = unheard.silence
            raise

    async def enter_tls(
        self,
        server_name: str,
        *,
        implicit: bool = False,
        context: ssl.SSLContext | None = None,
    ) -> Handshake:
        """The handshake, after which everything goes through TLS; raises TlsFailed.

        context: of another client than the usual one.
        """
        self._client.enter_tls(self._now(), implicit=implicit)
        limit_s = self._deadline.within(self._limits.tls_s) - asyncio.get_running_loop().time()
        try:
            handshake = await shake_hands(self._stream, server_name, limit_s, context)
            if handshake.stream is None:
                raise self._tls_failed(handshake)
        except Unheard as unheard:
            self._ended = unheard.silence
            if isinstance(unheard, TlsFailed):
                raise
            self.note(unheard.silence.detail)
            raise TlsFailed(None, unheard.silence) from unheard
        self._stream = handshake.stream
        self.encrypted = True
        self.note(f"{handshake.version} {handshake.cipher}")
        return handshake

    async def interject(
        self, *commands: str, answered: int | None = None, gap_s: float | None = None
    ) -> None:
        """Sends commands where the protocol forbids it, without waiting for anything.

        In one segment, or each `gap_s` after the other. answered: how many of them, from the
        first, the next replies belong to; None for all. Raises Unheard.
        """
        due = len(commands) if answered is None else answered
        groups = [commands] if gap_s is None else [(command,) for command in commands]
        for place, group in enumerate(groups):
            if place and gap_s is not None:
                await asyncio.sleep(gap_s)
            now = self._now()
            octets = self._client.send_out_of_turn(group, now, answered=max(due - place, 0))
            await self._stream.write(octets, self._deadline.within(self._limits.reply_s))

    async def reply(self, what: str) -> Reply:
        """The next reply to what was sent out of turn; raises Unheard."""
        return await self._reply(self._limits.reply_s, what)

    async def further_reply(self, limit_s: float) -> Reply | None:
        """A reply that nothing was sent for, if one comes in that time; raises Unheard."""
        self._client.expect(self._now())
        try:
            return await self._reply(limit_s, "further reply")
        except Unheard as unheard:
            if unheard.silence.reason is not Reason.TIMEOUT:
                raise
        self._client.expect_no_more()
        return None

    async def end_falsely(
        self, octets: bytes, name: str, limit_s: float
    ) -> tuple[Reply | None, Reply | None]:
        """The replies to a message that does not end as it should, and to NOOP behind it.

        Once DATA was answered with 354. None where the server takes neither for what it looks like:
        it waits for more, and the connection has to be dropped. Raises Unheard for other silences.
        """
        sent = self._client.send_false_end(octets, name, "NOOP", self._now())
        await self._stream.write(sent, self._deadline.within(self._limits.reply_s))
        replies: list[Reply | None] = [None, None]
        try:
            for place, what in enumerate(("reply to the message", "reply to NOOP")):
                replies[place] = await self._reply(limit_s, what)
        except Unheard as unheard:
            if unheard.silence.reason is not Reason.TIMEOUT and replies[0] is None:
                raise
        return replies[0], replies[1]

    def check_in_step(self) -> None:
        """Raises Unheard where the server said more than it was asked: no reply can be trusted."""
        unasked = self._client.unasked
        if unasked.startswith("421"):
            self.throttled = True
            raise self._noted(Reason.THROTTLED, unasked)
        if unasked:
            words = f"the server sent what no command had asked for: {unasked[:200]}"
            raise self._noted(Reason.PROTOCOL, words)

    def hand_over(self, *, implicit: bool = False) -> Stream:
        """The stream, for a TLS client of the caller's own; nothing more is said here."""
        self._client.enter_tls(self._now(), implicit=implicit)
        self._ended = Silence(Reason.INTERRUPTED, "the connection was handed over to a TLS probe")
        return self._stream

    def go_on(self, inside: Stream) -> None:
        """Takes the conversation up again inside the TLS of that client."""
        self._stream = inside
        self._ended = None
        self.encrypted = True

    async def quit(self) -> None:
        """Takes leave, without waiting long for the answer."""
        if self.finished or self._ended is not None or self._client.awaited:
            return
        try:
            await self._send(("QUIT",))
            await self._reply(min(FAREWELL_S, self._limits.reply_s), "reply to QUIT")
        except Unheard:
            return
        self.finished = True

    def close(self) -> None:
        """Closes the connection, after QUIT."""
        self._stream.close()

    async def leave(self, until: float) -> None:
        """Ends the connection without QUIT; done once the server has let go of it, or then."""
        await self._stream.leave(until)

    def _tls_failed(self, handshake: Handshake) -> TlsFailed:
        self.note(f"TLS handshake: {handshake.error}")
        if handshake.heard.startswith("421"):
            self.throttled = True
            return TlsFailed(None, Silence(Reason.THROTTLED, handshake.heard))
        silence = Silence(Reason.TLS, f"the TLS handshake failed: {handshake.error}")
        return TlsFailed(handshake, silence)

    async def _send(self, group: tuple[str, ...]) -> None:
        octets = self._client.send(group, self._now())
        await self._stream.write(octets, self._deadline.within(self._limits.reply_s))

    async def _reply(self, limit_s: float, what: str) -> Reply:
        until = self._deadline.within(limit_s)
        try:
            while (reply := self._client.next_reply(self._now())) is None:
                octets = await self._stream.read(until)
                if not octets:
                    words = f"the server closed the connection before its {what}"
                    raise Unheard(Reason.DISCONNECTED, words)
                self._client.receive(octets)
        except ParseError as error:
            raise self._noted(Reason.PROTOCOL, f"the {what} is not SMTP: {error}") from error
        except Unheard as unheard:
            raise self._noted(*self._explain(unheard.silence, limit_s, what)) from unheard
        if reply.code == 421:
            self.throttled = True
            raise Unheard(Reason.THROTTLED, reply.text)
        self.refusals += reply.code >= 400
        return reply

    def _explain(self, silence: Silence, limit_s: float, what: str) -> tuple[Reason, str]:
        if silence.reason is not Reason.TIMEOUT:
            return silence.reason, silence.detail
        if self._deadline.over:
            words = f"no {what}: the {self._deadline.limit_s:g} s for this service are over"
            return Reason.TIMEOUT, words
        return Reason.TIMEOUT, f"no {what} within {limit_s:g} s"

    def _noted(self, reason: Reason, detail: str) -> Unheard:
        self.note(detail)
        return Unheard(reason, detail)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._begun


def _is_rcpt(command: str) -> bool:
    return verb(command) == "RCPT"


@dataclass(frozen=True)
class Connected:
    """A connection attempt, and the conversation where it is open."""

    attempt: Attempt
    talk: Conversation | None


@asynccontextmanager
async def connected(
    target: Target, settings: Settings, pace: Pace, deadline: Deadline
) -> AsyncIterator[Connected]:
    """One connection within the pace of its address, closed at the end of the block.

    The turn must come while there is time for a whole attempt: one cut short would look filtered.
    """
    connect_s = settings.limits.connect_s
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout_at(deadline.ends - connect_s):
                slot = await stack.enter_async_context(pace.slot(target.budget))
        except TimeoutError:
            words = f"no turn to connect to {target} came up within {deadline.limit_s:g} s"
            silence = Silence(Reason.INTERRUPTED, words)
            yield Connected(Attempt(target, None, None, words, silence, 0.0), None)
            return
        pace.dialled[target.port] += 1
        attempt = await dial(target, connect_s)
        if attempt.stream is None:
            yield Connected(attempt, None)
            return
        talk = Conversation(attempt.stream, settings, deadline)
        try:
            yield Connected(attempt, talk)
        finally:
            slot.throttled = talk.throttled
            if talk.finished:
                talk.close()
            else:
                slot.leave = talk.leave
