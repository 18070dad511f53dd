"""The client's side of an SMTP conversation without its socket: commands to octets, octets to
replies, and the transcript of both."""

from collections import deque
from collections.abc import Iterable, Sequence

from audits.errors import ParseError
from audits.facts.smtp import Keyword, Line, Reply
from audits.parse.smtp_reply import RawReply, ReplyParser, ehlo_keywords

MAX_TRANSCRIPT_LINES = 400
MAX_TRANSCRIPT_TEXT = 500

# RFC 2920 section 3.1: these may stand anywhere in a group of commands, all others only at its end.
_ANYWHERE = frozenset({"MAIL", "RCPT", "RSET"})
_GREETING = ""
_CHALLENGE = 334
_CONCEALED = "(concealed)"
_CONTENT = "."


def verb(command: str) -> str:
    """The first word of a command, upper-cased."""
    return command.partition(" ")[0].upper()


class SmtpClient:
    """One conversation, from the greeting on (RFC 5321 section 3).

    `send` gives the octets of one group of commands; `receive` takes octets; `next_reply` gives
    the replies in order. Times are seconds since connect, from the caller.
    challenge: text of the last 334 reply (RFC 4954 section 4), as it came.
    """

    def __init__(self) -> None:
        self.keywords: tuple[Keyword, ...] = ()
        self._parser = ReplyParser()
        self._awaited: deque[tuple[str, float]] = deque([(_GREETING, 0.0)])
        self._lines: list[Line] = []
        self._left_out = False
        self._concealed: tuple[str, ...] = ()
        self.challenge: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """The transcript up to now, bounded in lines and in the length of each."""
        return tuple(self._lines)

    @property
    def awaited(self) -> int:
        """How many replies are still to come; the greeting is one of them."""
        return len(self._awaited)

    @property
    def pipelining(self) -> bool:
        """Whether the last EHLO was answered with PIPELINING (RFC 2920)."""
        return self.offers("PIPELINING")

    def offers(self, keyword: str) -> bool:
        """Whether the last EHLO was answered with that keyword."""
        return any(found.name == keyword for found in self.keywords)

    def groups(self, commands: Iterable[str]) -> list[tuple[str, ...]]:
        """The commands in as few groups as may be sent without waiting between them.

        Each alone unless PIPELINING was offered; else a group ends after any command that
        RFC 2920 section 3.1 allows only at the end of one.
        """
        groups: list[tuple[str, ...]] = []
        group: tuple[str, ...] = ()
        for command in commands:
            group = (*group, command)
            if not self.pipelining or verb(command) not in _ANYWHERE:
                groups.append(group)
                group = ()
        return [*groups, group] if group else groups

    def send(self, group: Sequence[str], at_s: float) -> bytes:
        """The octets of one group of commands.

        Raises ValueError where the protocol forbids to send it now: replies are still awaited, the
        group is none that `groups` would give, or a command holds a line break.
        """
        if self._awaited:
            raise ValueError(f"{self.awaited} replies are still awaited")
        if self.groups(group) != [tuple(group)]:
            raise ValueError(f"not a group that may be sent at once: {', '.join(group)}")
        for command in group:
            if not command.isprintable():
                raise ValueError(f"not a single line of text: {command!r}")
            self._awaited.append((verb(command), at_s))
            self._write(Line("C", command, at_s))
        return b"".join(command.encode() + b"\r\n" for command in group)

    def send_content(self, content: bytes, at_s: float) -> bytes:
        """The octets of a message and its end, once DATA was answered with 354.

        `content`: lines that end in CRLF. RFC 5321 section 4.5.2: a period is put before each line
        that begins with one. Raises ValueError where replies are still awaited.
        """
        if self._awaited:
            raise ValueError(f"{self.awaited} replies are still awaited")
        self._awaited.append((_CONTENT, at_s))
        self._write(Line("*", f"a message of {len(content)} octets, and its end", at_s))
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        return (b"." + stuffed if stuffed.startswith(b".") else stuffed) + b".\r\n"

    def send_out_of_turn(self, commands: Sequence[str], at_s: float, *, answered: int) -> bytes:
        """The octets of commands where the protocol forbids to send them, to see what comes of it.

        answered: how many of them, from the first, replies are awaited to.
        """
        self._awaited.extend((verb(command), at_s) for command in commands[:answered])
        for command in commands:
            self._write(Line("C", command, at_s))
        return b"".join(command.encode() + b"\r\n" for command in commands)

    def send_false_end(self, octets: bytes, name: str, command: str, at_s: float) -> bytes:
        """A message, something that is no end of it, and a command behind that.

        name: of what stands for the end, for the transcript. Two replies are awaited if the server
        takes it for the end, none if it does not. Raises ValueError where others are still awaited.
        """
        if self._awaited:
            raise ValueError(f"{self.awaited} replies are still awaited")
        self._awaited.extend([(_CONTENT, at_s), (verb(command), at_s)])
        self._write(Line("*", f"a message of {len(octets)} octets that ends in {name}", at_s))
        self._write(Line("C", command, at_s))
        return octets + command.encode() + b"\r\n"

    def expect(self, at_s: float) -> None:
        """One more reply is awaited, to nothing that was sent."""
        self._awaited.append((_GREETING, at_s))

    def expect_no_more(self) -> None:
        """The last reply is awaited no longer."""
        self._awaited.pop()

    @property
    def unasked(self) -> str:
        """What the server said that no command had asked for, empty if nothing."""
        return "" if self._awaited else self._parser.pending

    def conceal(self, *texts: str) -> None:
        """Keeps these texts out of replies and transcript, whoever says them from now on."""
        self._concealed = (*self._concealed, *(text for text in texts if text))

    def confide(self, line: str, shown: str, at_s: float) -> bytes:
        """The octets of one line of an authentication; the transcript has `shown` in its place.

        Raises ValueError as `send` does, without quoting it.
        """
        if self._awaited:
            raise ValueError(f"{self.awaited} replies are still awaited")
        if not (line.isascii() and (line.isprintable() or not line)):
            raise ValueError("not a single line of ASCII")
        self._awaited.append(("AUTH", at_s))
        self._write(Line("C", shown, at_s))
        return line.encode() + b"\r\n"

    def receive(self, data: bytes) -> None:
        """Takes octets from the server."""
        self._parser.feed(data)

    def next_reply(self, at_s: float) -> Reply | None:
        """The next reply if it is complete and one is awaited; raises ParseError."""
        raw = self._next_raw() if self._awaited else None
        if raw is None:
            return None
        command, sent_s = self._awaited.popleft()
        if raw.code == _CHALLENGE:
            self.challenge = raw.lines
        lines = tuple(map(self._without_secrets, raw.lines))
        reply = Reply(raw.code, lines, round(at_s - sent_s, 4))
        if command == "EHLO":
            self.keywords = ehlo_keywords(reply.lines[1:]) if reply.code == 250 else ()
        last = len(reply.lines) - 1
        for number, text in enumerate(reply.lines):
            mark = " " if number == last else "-"
            self._write(Line("S", f"{reply.code}{mark}{text}", at_s))
        return reply

    def enter_tls(self, at_s: float, *, implicit: bool = False) -> None:
        """Begins anew inside TLS: what was announced in clear no longer counts.

        RFC 3207 section 4.2. Octets in clear behind the reply to STARTTLS could have been put
        there by anyone; they are dropped and noted.
        """
        self.keywords = ()
        dropped = self._parser.discard()
        self.note(f"TLS {'from the start' if implicit else 'after STARTTLS'}", at_s)
        if dropped:
            self.note(f"{dropped} octets received in clear before TLS were discarded", at_s)

    def note(self, text: str, at_s: float) -> None:
        """Puts a remark of ours into the transcript."""
        self._write(Line("*", text, at_s))

    def _next_raw(self) -> RawReply | None:
        try:
            return self._parser.next_reply()
        except ParseError:
            if self._concealed:  # its words quote what came, in part
                raise ParseError("found what is no reply, expected one") from None
            raise

    def _without_secrets(self, text: str) -> str:
        for secret in self._concealed:
            text = text.replace(secret, _CONCEALED)
        return text

    def _write(self, line: Line) -> None:
        if len(self._lines) < MAX_TRANSCRIPT_LINES:
            self._lines.append(Line(line.side, _cut(line.text), round(line.at_s, 4)))
        elif not self._left_out:
            self._left_out = True
            self._lines.append(Line("*", "further lines are left out", round(line.at_s, 4)))


def _cut(text: str) -> str:
    if len(text) <= MAX_TRANSCRIPT_TEXT:
        return text
    return f"{text[:MAX_TRANSCRIPT_TEXT]}… ({len(text)} characters)"
