from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from audits.parse.canary import (
    MAX_FIELD,
    MAX_RECEIVED,
    canary_address,
    canary_message,
    carries,
    received_fields,
)

TOKEN = "0123456789abcdef0123"
CANARY = canary_address("canary@sink.example.org", TOKEN)
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def message(sender: str = "probe@audit.example.net") -> bytes:
    return canary_message(TOKEN, CANARY, sender, "mx.example.net:25", '<S> "U@D"@H', AT)


def test_token_stands_in_the_address_and_in_message_id() -> None:
    assert canary_address("a.b@c", "12") == "a.b+12@c"
    parsed = message_from_bytes(message(), policy=default)
    assert parsed["Message-ID"] == f"<{TOKEN}@audit.example.net>"
    assert parsed["To"] == CANARY
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Date"] == "Mon, 23 Nov 2026 02:00:00 +0000"
    assert "mx.example.net:25" in parsed.get_content()
    assert carries(message(), TOKEN)
    assert not carries(message(), TOKEN[::-1])


def test_lines_end_in_crlf_and_none_is_long() -> None:
    lines = message().split(b"\r\n")
    assert lines[-1] == b""
    assert all(b"\n" not in line and len(line) <= 998 for line in lines)


def test_a_null_or_bare_sender_leaves_the_message_from_the_canary() -> None:
    for sender in ("", "probe"):
        assert message_from_bytes(message(sender))["From"] == f"<{CANARY}>"


def test_received_fields_are_unfolded_and_bounded() -> None:
    head = b"Received: from a\r\n\tby b;\r\n today\r\n" + b"Received: x\r\n" * 50
    found = received_fields(b"Received: " + b"y" * 9999 + b"\r\n" + head + b"\r\nReceived: no\r\n")
    assert found[0] == "y" * MAX_FIELD
    assert found[1] == "from a by b; today"
    assert len(found) == MAX_RECEIVED


@given(st.binary(max_size=300))
def test_whatever_arrives_has_received_fields(octets: bytes) -> None:
    assert isinstance(received_fields(octets), tuple)
    assert isinstance(received_fields(b"Received: " + octets), tuple)
