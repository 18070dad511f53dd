import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.smtp import Keyword
from audits.parse.smtp_reply import (
    MAX_LINE_OCTETS,
    MAX_LINES,
    RawReply,
    ReplyParser,
    ehlo_keywords,
)


def replies(*pieces: bytes) -> list[RawReply | str]:
    """Replies in the order parsed, and the word `error` where parsing ended with one."""
    parser = ReplyParser()
    found: list[RawReply | str] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next_reply()) is not None:
                found.append(reply)
    except ParseError:
        found.append("error")
    return found


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"220 mx ESMTP\r\n", [RawReply(220, ("mx ESMTP",))]),
        (b"250\r\n", [RawReply(250, ("",))]),
        (b"250 \r\n", [RawReply(250, ("",))]),
        (b"250-a\r\n250-\r\n250 b\r\n", [RawReply(250, ("a", "", "b"))]),
        (b"250-a\r\n250\r\n", [RawReply(250, ("a", ""))]),
        (b"220 mx\n250 ok\n", [RawReply(220, ("mx",)), RawReply(250, ("ok",))]),
        (b"220 caf\xe9 \xc3\xa9\r\n", [RawReply(220, ("caf\\xe9 é",))]),
        (
            b"220 \x1b[2J<script>\x00\r\n",
            [RawReply(220, ("\x1b[2J<script>\x00",))],
        ),
        (b"250-a\r\n251 b\r\n", ["error"]),
        (b"hello\r\n", ["error"]),
        (b"220x\r\n", ["error"]),
        (b"199 low\r\n", ["error"]),
        (b"\r\n", ["error"]),
        (b"250 ok\r\nnonsense\r\n", [RawReply(250, ("ok",)), "error"]),
        (b"220 incomplete", []),
    ],
)
def test_octets_give_replies_or_an_error(octets: bytes, expected: list[RawReply | str]) -> None:
    assert replies(octets) == expected


def test_a_line_at_the_bound_is_taken_and_one_beyond_is_an_error() -> None:
    text = b"x" * (MAX_LINE_OCTETS - 5)
    assert replies(b"220 " + text + b"\r\n") == [RawReply(220, (text.decode(),))]
    assert replies(b"220 " + text + b"xx\r\n") == ["error"]


def test_a_line_without_end_is_an_error_before_its_end_comes() -> None:
    assert replies(b"220 ", b"x" * MAX_LINE_OCTETS) == ["error"]


def test_a_reply_of_too_many_lines_is_an_error() -> None:
    assert replies(b"250-x\r\n" * MAX_LINES) == []
    assert replies(b"250-x\r\n" * (MAX_LINES + 1)) == ["error"]


def test_a_reply_of_too_many_octets_is_an_error() -> None:
    line = b"250-" + b"x" * 4000 + b"\r\n"
    assert replies(line * 17) == ["error"]


def test_discarding_counts_octets_of_lines_and_rest() -> None:
    parser = ReplyParser()
    parser.feed(b"250-ab\r\n25")
    assert parser.next_reply() is None
    assert parser.discard() == len(b"250-ab") + len(b"25")
    parser.feed(b"220 new\r\n")
    assert parser.next_reply() == RawReply(220, ("new",))


_STREAMS = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b"250-a",
                b"250 b",
                b"\r\n",
                b"\n",
                b"220 x\r\n",
                b"451-y\r\n",
                b"\x1b",
                b"\xc3",
                b"\xa9",
            ]
        )
    ).map(b"".join),
)


@settings(deadline=None)
@given(octets=_STREAMS, cuts=st.lists(st.integers(0, 200)))
def test_the_same_replies_come_out_however_the_octets_are_cut(
    octets: bytes, cuts: list[int]
) -> None:
    places = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    pieces = [octets[a:b] for a, b in itertools.pairwise(places)]
    assert replies(*pieces) == replies(octets)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        (["PIPELINING"], (Keyword("PIPELINING", ()),)),
        (["size 1000"], (Keyword("SIZE", ("1000",)),)),
        (["AUTH PLAIN LOGIN"], (Keyword("AUTH", ("PLAIN", "LOGIN")),)),
        (["AUTH=PLAIN LOGIN"], (Keyword("AUTH", ("PLAIN", "LOGIN")),)),
        (["auth=login"], (Keyword("AUTH", ("login",)),)),
        (["X-EXPS A", "<b>", "", "DSN"], (Keyword("X-EXPS", ("A",)), Keyword("DSN", ()))),
    ],
)  # fmt: skip
def test_keywords_follow_the_grammar_and_the_rest_is_left_out(
    lines: list[str], expected: tuple[Keyword, ...]
) -> None:
    assert ehlo_keywords(lines) == expected
