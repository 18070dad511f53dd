"""SMTP replies out of a stream of octets, and the keywords of an EHLO reply."""

import re
from collections.abc import Sequence

from msgspec import Struct

from audits.errors import ParseError
from audits.facts.smtp import Keyword

# RFC 5321 section 4.5.3.1.5 limits a reply line to 512 octets; banners of several hundred octets
# more are seen, so the bound leaves room without letting a server choose our memory.
MAX_LINE_OCTETS = 4096
MAX_LINES = 200
MAX_REPLY_OCTETS = 64 * 1024

# RFC 5321 section 4.2:
#   Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
#   Reply-code = %x32-35 %x30-35 %x30-39
# Second digits above 5 are taken too: no code depends on it, and the reply can still be quoted.
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)

# RFC 5321 section 4.1.1.1: ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)


class RawReply(Struct, frozen=True):
    """One reply before it is timed. lines: text after the code, as `facts.smtp.Reply` has it."""

    code: int
    lines: tuple[str, ...]


class ReplyParser:
    """Collects octets in any segmentation and gives the replies in them, one after the other.

    A lone LF ends a line as CRLF does: some servers send it, and nothing depends on it here.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._begin()

    @property
    def unread(self) -> int:
        """Octets received that no returned reply contains."""
        return len(self._buffer) + self._octets

    @property
    def pending(self) -> str:
        """The first line of what was received and not returned, as text; empty if nothing."""
        line = bytes(self._buffer[:MAX_LINE_OCTETS]).partition(b"\r\n")[0]
        return _text(line) if self._buffer else "\n".join(self._lines)

    def feed(self, data: bytes) -> None:
        """Takes the next octets of the stream."""
        self._buffer += data

    def next_reply(self) -> RawReply | None:
        """The next complete reply, or None until more octets come.

        Raises ParseError for what is no reply, or is beyond the bounds of this module.
        """
        while (line := self._next_line()) is not None:
            reply = self._add(line)
            if reply is not None:
                return reply
        return None

    def discard(self) -> int:
        """Forgets everything that was received and not returned; gives the number of octets."""
        unread = self.unread
        self._buffer.clear()
        self._scanned = 0
        self._begin()
        return unread

    def _begin(self) -> None:
        self._code: int | None = None
        self._lines: list[str] = []
        self._octets = 0

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._scanned)
        length = len(self._buffer) if end < 0 else end
        if length > MAX_LINE_OCTETS:
            raise ParseError(f"a reply line is longer than {MAX_LINE_OCTETS} octets")
        if end < 0:
            self._scanned = length
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._scanned = 0
        return line

    def _add(self, line: bytes) -> RawReply | None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ParseError(f"found {_quote(line)}, expected a reply code and text")
        code = int(found[1])
        if self._code not in (None, code):
            raise ParseError(f"a line with code {code} inside a reply with code {self._code}")
        self._code = code
        self._lines.append(_text(found[3] or b""))
        self._octets += len(line)
        if len(self._lines) > MAX_LINES or self._octets > MAX_REPLY_OCTETS:
            raise ParseError(f"a reply of over {MAX_LINES} lines or {MAX_REPLY_OCTETS} octets")
        if found[2] == b"-":
            return None
        reply = RawReply(code, tuple(self._lines))
        self._begin()
        return reply


def ehlo_keywords(lines: Sequence[str]) -> tuple[Keyword, ...]:
    """Keywords of a multiline 250 reply, first (greeting) line excluded; RFC 5321 section 4.1.1.1.

    `lines` are decoded text without CRLF or the `250-` prefix. What is no keyword by the grammar
    is left out: the reply itself keeps it. `AUTH=PLAIN`, which servers add for clients older than
    RFC 2554, counts as AUTH.
    """
    return tuple(keyword for line in lines if (keyword := _keyword(line)) is not None)


def _keyword(line: str) -> Keyword | None:
    words = line.split()
    if words and words[0].upper().startswith("AUTH="):
        words[:1] = ["AUTH", words[0][len("AUTH=") :]]
    if not words or not _KEYWORD.fullmatch(words[0]):
        return None
    return Keyword(words[0].upper(), tuple(word for word in words[1:] if word))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


def _quote(line: bytes) -> str:
    shown = ascii(_text(line[:60]))
    return f"{shown}…" if len(line) > 60 else shown
