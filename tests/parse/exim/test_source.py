"""Physical lines of Exim's files become logical ones, with the places that they come from."""

import pytest

from audits.parse.exim.source import items
from tests.parse.exim.configs import source


def lines(text: str, files: dict[str, str] | None = None) -> list[str]:
    return [line.text for line in source(text, files).lines]


def test_comments_and_blank_lines_are_left_out() -> None:
    assert lines("# a\n\n  x = 1 # not a comment\n") == ["x = 1 # not a comment"]


def test_continued_line_skips_comments_and_loses_leading_blanks() -> None:
    found = source("x = 1 : \\\n  # between\n   2\\\n3\n")
    assert [line.text for line in found.lines] == ["x = 1 : 23"]
    (only,) = found.lines
    assert [only.place_at(offset).line for offset in (0, only.text.index("2"))] == [1, 3]


def test_macros_are_put_in_after_their_definition_alone() -> None:
    assert lines("x = NETS\nNETS = 10.0.0.1\ny = NETS:NETS\n") == [
        "x = NETS",
        "y = 10.0.0.1:10.0.0.1",
    ]


def test_macro_brings_the_line_that_defines_it() -> None:
    (line,) = source("NETS = 10.0.0.1\nhosts = NETS\n").lines
    assert [(str(at.place), at.text) for at in line.lines] == [
        ("exim4.conf:2", "hosts = 10.0.0.1"),
        ("exim4.conf:1", "NETS = 10.0.0.1"),
    ]


def test_macro_of_a_password_is_left_out_of_evidence() -> None:
    (line,) = source("DB_PASSWORD = geheim\nx = a\n").lines
    (used,) = source("DB_PASSWORD = geheim\nx = DB_PASSWORD\n").lines
    assert line.macros == ()
    assert "geheim" not in str(used.macros)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (".ifdef AA\nx\n.else\ny\n.endif\n", ["y"]),
        ("AA = 1\n.ifdef AA\nx\n.else\ny\n.endif\n", ["x"]),
        ("AA = 1\n.ifndef AA\nx\n.elifdef AA\ny\n.else\nz\n.endif\n", ["y"]),
        ("AA = 1\n.ifdef AA\n.ifdef BB\nx\n.endif\ny\n.endif\nz\n", ["y", "z"]),
        (".ifdef BB\n.ifndef CC\nx\n.endif\n.elifndef BB\ny\n.endif\n", ["y"]),
        (".ifdef _HAVE_TLS\nx\n.endif\n", ["x"]),
        (".ifdef _HAVE_OPENSSL\nx\n.endif\n", []),
    ],
)
def test_conditionals_keep_what_holds(text: str, kept: list[str]) -> None:
    assert lines(text) == kept


def test_included_file_stands_in_the_place_of_its_line() -> None:
    found = source("a\n.include /etc/exim4/more\nc\n", {"/etc/exim4/more": "b\n"})
    assert [(line.text, str(line.place)) for line in found.lines] == [
        ("a", "exim4.conf:1"),
        ("b", "/etc/exim4/more:1"),
        ("c", "exim4.conf:3"),
    ]


def test_included_file_that_nobody_supplied_is_told() -> None:
    assert source(".include /etc/exim4/more\n").unread == ["/etc/exim4/more was not supplied"]
    assert source(".include_if_exists /etc/exim4/more\n").unread == []


def test_file_that_includes_itself_ends() -> None:
    found = source("a\n.include /x\n", {"/x": "b\n.include /x\n"})
    assert [line.text for line in found.lines] == ["a", "b"]
    assert any("within itself" in problem.message for problem in found.problems)


@pytest.mark.parametrize(
    ("text", "place"),
    [(".ifdef AA\n", 1), ("x\n.endif\n", 2), ("AA = 1\nAA = 2\n", 2), ("AA = 1\nAAB = 2\n", 2)],
)
def test_what_exim_refuses_is_a_problem_with_its_place(text: str, place: int) -> None:
    (problem,) = source(text).problems
    assert (problem.fatal, problem.place.line) == (True, place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (":", [""]),
        ("a : b:c ", ["a", "b", "c"]),
        ("127.0.0.1 : ::::1", ["127.0.0.1", "::1"]),
        ("<; ::1 ; fe80::/10", ["::1", "fe80::/10"]),
        ("<, a,,b , c", ["a,b", "c"]),
        (" : a", ["", "a"]),
    ],
)
def test_lists_are_split_at_their_separator(text: str, expected: list[str]) -> None:
    assert items(text) == expected
