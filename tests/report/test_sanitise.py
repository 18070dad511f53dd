"""Text from outside becomes visible text, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.report.sanitise import QUOTE_LIMIT, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("220 mx1.example.net ESMTP", "220 mx1.example.net ESMTP"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("bell\x07 and\r\nline", "bell\\x07 and\\x0d\\x0aline"),
        ("\u202eevil\u202c", "\\u202eevil\\u202c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\x9b31m", "\\x9b31m"),
        ("blank\u3164\u2800", "blank\\u3164\\u2800"),
        ("text\ufe0f", "text\\ufe0f"),
        ("lone \ud800", "lone \\ud800"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\\u0301"),
        ("Grüße", "Grüße"),
        ("<script>", "<script>"),
    ],
)
def test_invisible_characters_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_overlong_text_is_cut_and_says_so() -> None:
    assert visible("x" * (QUOTE_LIMIT + 1234)).endswith("x … (1,234 more characters)")


def test_line_feeds_stay_where_lines_are_wanted() -> None:
    assert visible_lines("a\x1b\nb") == "a\\x1b\nb"


@given(st.text())
def test_nothing_that_steers_a_terminal_remains(text: str) -> None:
    shown = visible(text).replace("\N{NO-BREAK SPACE}", " ")
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode()
