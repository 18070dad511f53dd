"""The lines of dovecot.conf, as doveconf of Dovecot 2.3.19 reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.mta import Problem
from audits.parse.dovecot.line import Line, lines


def said(text: str) -> list[tuple[str, str, str]]:
    return [
        (line.kind, line.name, line.value)
        for line in lines(text, "dovecot.conf")
        if isinstance(line, Line)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssl=no\n", ("set", "ssl", "no")),
        ("ssl = no # not yet\n", ("set", "ssl", "no")),
        ("a = b#c\n", ("set", "a", "b")),
        ("a = 'b # c'\n", ("set", "a", "b # c")),
        ('a = "b \\"c\\""\n', ("set", "a", 'b "c"')),
        ('a = "b" c\n', ("set", "a", '"b" c')),
        ("a = b \\\n   c  d\n", ("set", "a", "b c  d")),
        ("a = b \\\n# between\n   c\n", ("set", "a", "b c")),
        ("# a \\\nb = c\n", ("set", "b", "c")),
        ("a =\n", ("set", "a", "")),
        ("  service auth {\n", ("open", "service", "auth")),
        ('namespace "in box" {\n', ("open", "namespace", "in box")),
        ("passdb {\n", ("open", "passdb", "")),
        ("} # end\n", ("close", "", "")),
        ("!include_try conf.d/*.conf\n", ("include", "!include_try", "conf.d/*.conf")),
    ],
)
def test_line_says_what_doveconf_reads(text: str, expected: tuple[str, str, str]) -> None:
    assert said(text) == [expected]


@pytest.mark.parametrize(
    ("text", "found", "column"),
    [
        ("ssl\n", "'ssl'", 1),
        ("passdb { driver = static }\n", "passdb { driver", 1),
        ("  protocol imap\n", "protocol imap", 3),
        ("!includes x\n", "!includes", 1),
        ("= x\n", "= x", 1),
    ],
)
def test_line_that_says_nothing_is_told_with_its_place(text: str, found: str, column: int) -> None:
    (problem,) = lines("\n" + text, "dovecot.conf")
    assert isinstance(problem, Problem)
    assert found in problem.message
    assert problem.expected
    assert (str(problem.place), problem.place.column) == ("dovecot.conf:2", column)


@given(st.text(alphabet="a={}\"'\\#!$ <\n\t/", max_size=80))
def test_any_text_is_lines_or_problems(text: str) -> None:
    assert all(isinstance(line, Line | Problem) for line in lines(text, "x"))
