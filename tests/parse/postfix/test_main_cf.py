"""main.cf: logical lines, their numbers, and what is no parameter."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.postfix.main_cf import indented_lines, parse_main_cf


def pairs(text: str) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in parse_main_cf(text, "main.cf")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1 # text\n", [("a", "1 # text")]),
        ("b = one\n\n# comment\n   two\n  \n\tthree\n", [("b", "one   two\tthree")]),
        ("c=\n", [("c", "")]),
        ("d\t=\tx = y  \n", [("d", "x = y")]),
        ("e = x\r\nf = y\r\n", [("e", "x"), ("f", "y")]),
        ("g = 1\ng = 2\n", [("g", "1"), ("g", "2")]),
        ("  # only\n\n", []),
        ("   h = 1\ni = 2", [("i", "2")]),
    ],
)
def test_parameters_are_read_as_postfix_reads_them(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("text", "column"),
    [("no equals\n", 4), ("a b = 1\n", 3), ("= 1\n", 1), ("{ a = b }\n", 3), ("word\n", 1)],
)
def test_line_that_is_no_parameter_is_told_with_its_place(text: str, column: int) -> None:
    message = rf"main\.cf:2:{column}: found .*, expected `name = value`"
    with pytest.raises(ParseError, match=message):
        parse_main_cf("a = 1\n" + text, "main.cf")


def test_word_of_a_continued_value_is_found_on_its_own_line() -> None:
    (entry,) = parse_main_cf("mynetworks = 127.0.0.0/8\n\n# more\n    [::]/0\n", "main.cf")
    assert str(entry.place_of("127.0.0.0/8")) == "main.cf:1"
    assert str(entry.place_of("[::]/0")) == "main.cf:4"
    assert str(entry.place_of("nowhere")) == "main.cf:1"
    columns = [entry.place_of(word).column for word in ("127.0.0.0/8", "[::]/0", "nowhere")]
    assert columns == [14, 5, 1]
    assert entry.value_place.column == 14


def test_indented_line_that_continues_nothing_is_found() -> None:
    assert indented_lines("# a\n  b = 1\nc = 2\n  d\n") == (2,)


@given(st.text())
def test_any_text_is_a_value_or_a_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert all(entry.name for entry in parse_main_cf(text, "main.cf"))
