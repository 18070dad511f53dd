"""The one message that a trace may send: made, and read again where it arrives."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime

MAX_FIELDS = 30
MAX_FIELD = 1000

# RFC 5322 section 3.2.2, without nesting: the innermost first, until none is left.
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
# RFC 5321 section 4.4: By-domain; an address stands in brackets.
_BY = re.compile(r"\bby\s+\[?([^\s;\]]+)", re.IGNORECASE)
# RFC 8601 section 2.2: authserv-id, which may be quoted, and a version, before the first semicolon.
_AUTHSERV_ID = re.compile(r'\s*"?([^\s";=]+)"?(?:\s+\d+)?\s*(?:;|$)')

_TEXT = """\
This message was sent by mailproof trace, by somebody who runs this mailbox, to see with their own
eyes that mail arrives. Its token is {token}. It may be deleted.
"""


def trace_message(token: str, sender: str, recipient: str, date: datetime) -> bytes:
    """A message with the token in Message-ID and text (RFC 5322), lines ending in CRLF.

    sender: of the envelope; where it is null the message is from its recipient. Auto-Submitted
    keeps responders quiet (RFC 3834 section 5).
    """
    author = sender or recipient
    fields = {
        "Date": format_datetime(date),
        "From": f"<{author}>",
        "To": f"<{recipient}>",
        "Message-ID": f"<{token}@{author.rpartition('@')[2]}>",
        "Subject": "mailproof trace",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=us-ascii",
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    text = f"{head}\n{_TEXT.format(token=token)}"
    return text.replace("\n", "\r\n").encode("ascii", "backslashreplace")


def fields_of(content: bytes, name: str) -> tuple[str, ...]:
    """The fields of that name in a message, in order, each on one line.

    Whatever the octets are, there is an answer; bounded in number and length.
    """
    head = BytesHeaderParser(policy=compat32).parsebytes(content)
    found: Sequence[object] = head.get_all(name, [])
    return tuple(" ".join(str(field).split())[:MAX_FIELD] for field in found[:MAX_FIELDS])


def judged_on_the_way(
    received: Sequence[str], results: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Authentication-Results of servers on the way, and those in a name that is none of theirs.

    Whoever writes a message can write such a field, so one is believed for its authserv-id alone
    (RFC 8601 section 5): it has to be a name in `by` of a Received field, or a domain above it.
    """
    servers = {found[1].lower() for each in received if (found := _BY.search(_bare(each)))}
    own: list[str] = []
    foreign: list[str] = []
    for field in results:
        named = _AUTHSERV_ID.match(_bare(field))
        own_name = named is not None and _is_above(named[1].lower(), servers)
        (own if own_name else foreign).append(field)
    return tuple(own), tuple(foreign)


def _is_above(name: str, servers: set[str]) -> bool:
    """Whether it is one of the servers, or a domain of two labels or more that one is in."""
    above = f".{name}" if "." in name else None
    return any(server == name or (above and server.endswith(above)) for server in servers)


def _bare(field: str) -> str:
    """Without its comments."""
    while (less := _COMMENT.sub(" ", field)) != field:
        field = less
    return field
