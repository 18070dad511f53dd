import pytest

from audits.errors import ParseError
from audits.facts.smtp import Line
from audits.parse.smtp_client import MAX_TRANSCRIPT_LINES, SmtpClient

EHLO_WITH_PIPELINING = b"250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n"


def greeted(ehlo: bytes = EHLO_WITH_PIPELINING) -> SmtpClient:
    """A client that has got a greeting and this reply to EHLO."""
    client = SmtpClient()
    client.receive(b"220 mx ESMTP\r\n")
    assert client.next_reply(0.1) is not None
    client.send(["EHLO us"], 0.1)
    client.receive(ehlo)
    assert client.next_reply(0.2) is not None
    return client


def test_nothing_may_be_sent_before_the_greeting() -> None:
    with pytest.raises(ValueError, match="still awaited"):
        SmtpClient().send(["EHLO us"], 0.0)


def test_nothing_may_be_sent_while_a_reply_is_awaited() -> None:
    client = greeted()
    client.send(["EHLO us"], 0.3)
    with pytest.raises(ValueError, match="1 replies are still awaited"):
        client.send(["MAIL FROM:<>"], 0.3)


def test_commands_go_one_by_one_unless_pipelining_was_offered() -> None:
    client = greeted(b"250 mx\r\n")
    commands = ["MAIL FROM:<>", "RCPT TO:<a@b>", "QUIT"]
    assert client.groups(commands) == [(command,) for command in commands]
    with pytest.raises(ValueError, match="not a group"):
        client.send(commands, 0.3)


def test_a_group_ends_after_a_command_that_may_only_stand_last() -> None:
    client = greeted()
    commands = ["MAIL FROM:<>", "RSET", "AUTH PLAIN", "RCPT TO:<a@b>", "EHLO us", "QUIT"]
    assert client.groups(commands) == [
        ("MAIL FROM:<>", "RSET", "AUTH PLAIN"),
        ("RCPT TO:<a@b>", "EHLO us"),
        ("QUIT",),
    ]


def test_a_group_is_one_piece_of_octets_and_its_replies_come_in_order() -> None:
    client = greeted()
    group = ["MAIL FROM:<s@x>", "RCPT TO:<a@b>", "RSET"]
    assert client.send(group, 1.0) == b"MAIL FROM:<s@x>\r\nRCPT TO:<a@b>\r\nRSET\r\n"
    client.receive(b"250 ok\r\n550 5.7.1 no\r\n250 ")
    first, second, third = client.next_reply(1.5), client.next_reply(1.5), client.next_reply(1.5)
    assert first is not None
    assert first.elapsed_s == pytest.approx(0.5)
    assert second is not None
    assert (second.code, second.enhanced) == (550, "5.7.1")
    assert third is None
    assert client.awaited == 1


def test_a_second_command_can_not_hide_in_an_address() -> None:
    with pytest.raises(ValueError, match="single line"):
        greeted().send(["RCPT TO:<a@b>\r\nDATA"], 0.3)


def test_entering_tls_forgets_keywords_and_drops_what_came_in_clear() -> None:
    client = greeted()
    client.send(["STARTTLS"], 0.3)
    client.receive(b"220 go\r\n250 injected\r\n")
    assert client.next_reply(0.4) is not None
    client.enter_tls(0.5)
    assert not client.offers("STARTTLS")
    assert not client.pipelining
    assert [line.text for line in client.lines if line.side == "*"] == [
        "TLS after STARTTLS",
        "14 octets received in clear before TLS were discarded",
    ]
    client.send(["EHLO us"], 0.6)
    assert client.next_reply(0.6) is None


def test_the_transcript_holds_both_sides_in_order() -> None:
    client = greeted(b"250-mx\r\n250 SIZE\r\n")
    assert client.lines == (
        Line("S", "220 mx ESMTP", 0.1),
        Line("C", "EHLO us", 0.1),
        Line("S", "250-mx", 0.2),
        Line("S", "250 SIZE", 0.2),
    )


def test_the_transcript_is_bounded_in_lines_and_length() -> None:
    client = greeted()
    for _ in range(300):
        client.send(["NOOP"], 1.0)
        client.receive(b"250 " + b"x" * 3000 + b"\r\n")
        assert client.next_reply(1.0) is not None
    assert len(client.lines) == MAX_TRANSCRIPT_LINES + 1
    assert client.lines[-1].text == "further lines are left out"
    assert max(len(line.text) for line in client.lines) < 600


def test_a_message_is_stuffed_and_ended_and_its_reply_awaited() -> None:
    client = greeted()
    sent = client.send_content(b".first\r\nmiddle\r\n..last\r\n", 1.0)
    assert sent == b"..first\r\nmiddle\r\n...last\r\n.\r\n"
    with pytest.raises(ValueError, match="1 replies are still awaited"):
        client.send_content(b"again\r\n", 1.1)
    client.receive(b"250 2.0.0 queued as 1F\r\n")
    reply = client.next_reply(1.5)
    assert reply is not None
    assert reply.text == "250 2.0.0 queued as 1F"
    assert Line("*", "a message of 24 octets, and its end", 1.0) in client.lines


def test_confided_line_is_sent_and_not_written_down() -> None:
    client = SmtpClient()
    client.receive(b"220 mx\r\n")
    client.next_reply(0.1)
    client.conceal("c2VjcmV0", "secret")
    assert client.confide("AUTH PLAIN c2VjcmV0", "AUTH PLAIN (credentials)", 1.0) == (
        b"AUTH PLAIN c2VjcmV0\r\n"
    )
    client.receive(b"334 c2VjcmV0\r\n")
    challenged = client.next_reply(1.1)
    assert challenged is not None
    assert (challenged.lines, client.challenge) == (("(concealed)",), ("c2VjcmV0",))
    assert client.confide("", "(an empty response)", 1.2) == b"\r\n"
    client.receive(b"535 no: secret, c2VjcmV0\r\n")
    refused = client.next_reply(1.3)
    assert refused is not None
    assert refused.text == "535 no: (concealed), (concealed)"
    assert not [line for line in client.lines if "secret" in line.text or "c2Vj" in line.text]


def test_octets_that_hold_a_secret_and_are_no_reply_are_not_quoted() -> None:
    client = SmtpClient()
    client.conceal("secret")
    client.receive(b"your password is secret\r\n")
    with pytest.raises(ParseError) as caught:
        client.next_reply(0.1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("line", ["two\r\nlines", "h\u00e9"])
def test_confided_line_is_one_line_of_ascii(line: str) -> None:
    client = SmtpClient()
    client.receive(b"220 mx\r\n")
    client.next_reply(0.1)
    with pytest.raises(ValueError, match="ASCII") as caught:
        client.confide(line, "AUTH", 1.0)
    assert line not in str(caught.value)
