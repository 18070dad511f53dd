"""The canary message: made, and recognised where it arrives."""

import re
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime

TOKEN_DIGITS = 20
MAX_RECEIVED = 20
MAX_FIELD = 500
_TOKEN = re.compile(rf"[0-9a-f]{{{TOKEN_DIGITS}}}")

_TEXT = """\
This message was sent by mailproof, on behalf of those who run the mailbox that it is addressed to,
to find out what becomes of mail that is given to

    {service}

by the form {label}, without login. If it went through, that server relays mail for strangers, or
bounces it to senders that may be forged. It may be deleted.
"""


def canary_address(mailbox: str, token: str) -> str:
    """`local+TOKEN@domain`: a subaddress of the mailbox (RFC 5233 section 1)."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{token}@{domain}"


def canary_recipient(address: str, mailbox: str) -> bool:
    """Whether an address is that mailbox's with a token in it, upper and lower case alike."""
    local, _, domain = address.lower().rpartition("@")
    own, _, own_domain = mailbox.lower().rpartition("@")
    token = local.removeprefix(f"{own}+")
    return domain == own_domain and token != local and _TOKEN.fullmatch(token) is not None


def canary_message(
    token: str, canary: str, sender: str, service: str, label: str, date: datetime
) -> bytes:
    """A message with the token in Message-ID (RFC 5322 section 3.6.4), lines ending in CRLF.

    canary: the address with the token. sender: of the envelope; where it is null the message is
    from the canary itself. Auto-Submitted keeps responders quiet (RFC 3834 section 5).
    """
    author = sender if "@" in sender else canary
    fields = {
        "Date": format_datetime(date),
        "From": f"<{author}>",
        "To": f"<{canary}>",
        "Message-ID": f"<{token}@{author.rpartition('@')[2]}>",
        "Subject": "mailproof relay test",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=us-ascii",
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    text = f"{head}\n{_TEXT.format(service=service, label=label)}"
    return text.replace("\n", "\r\n").encode("ascii", "backslashreplace")


def carries(content: bytes, token: str) -> bool:
    """Whether a message holds the token, in any field or in what it reports about."""
    return token.encode() in content


def received_fields(content: bytes) -> tuple[str, ...]:
    """The Received fields of a message, latest first, each on one line (RFC 5321 section 4.4).

    Whatever the octets are, there is an answer; bounded in number and length.
    """
    head = BytesHeaderParser(policy=compat32).parsebytes(content)
    fields = [str(value) for value in head.get_all("Received", [])]
    return tuple(" ".join(field.split())[:MAX_FIELD] for field in fields[:MAX_RECEIVED])
