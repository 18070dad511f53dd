"""The one message that a trace may send: made, and read again where it arrives."""

from collections.abc import Sequence
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime

MAX_FIELDS = 30
MAX_FIELD = 1000

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
