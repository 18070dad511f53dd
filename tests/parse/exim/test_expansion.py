"""Strings as Exim expands them, as far as files settle it."""

import pytest

from audits.parse.exim.expansion import expand, matches, truth

KNOWN = {
    "tls_in_cipher": "",
    "received_port": "587",
    "local_part": "user%other.example",
    "domain": "a.b",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\\$x \\\\ \\N^.*$\\N", "$x \\ ^.*$"),
        ("$received_port ${domain}", "587 a.b"),
        ("${if eq{$tls_in_cipher}{}{}{*}}", ""),
        ("${if def:tls_in_cipher {yes}{no}}", "no"),
        ("${if !def:tls_in_cipher}", "true"),
        ("${if eq{$received_port}{25}{no}{yes}}", "yes"),
        ("${if and{{eq{a}{a}}{!eq{a}{b}}}{1}{2}}", "1"),
        ("${if or{{eq{a}{b}}{eqi{A}{a}}}{1}{2}}", "1"),
        ("${if and{{eq{a}{b}}{eq{$nobody_knows}{x}}}{1}{2}}", "2"),
        ("${if > {$received_port}{100}{1}{2}}", "1"),
        ("${if match{$local_part}{%}}", "true"),
        ("${sg{$local_part}{%}{@}}", "user@other.example"),
        ("${extract{1}{%}{$local_part}}@${extract{2}{%}{$local_part}}", "user@other.example"),
        ("${lc:ABC}${uc:d}", "abcD"),
        ("${if eq{$nobody_knows}{x}{same}{same}}", "same"),
        ("${if inlist{a}{b:a}{1}{2}}", "1"),
        ("${if bool{yes}{1}{2}}", "1"),
    ],
)
def test_text_is_expanded(text: str, expected: str) -> None:
    assert expand(text, KNOWN.get).text == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("${lookup{x}lsearch{/etc/x}}", "${lookup ...}"),
        ("$nobody_knows", "$nobody_knows"),
        ("${if eq{$nobody_knows}{x}{1}{2}}", "$nobody_knows"),
        ("$h_subject:", "$h_"),
        ("${if exists{/etc/x}{1}{2}}", "`exists`"),
    ],
)
def test_what_files_do_not_tell_stays_open(text: str, missing: str) -> None:
    found = expand(text, KNOWN.get)
    assert (found.text, missing in found.missing) == (None, True)


def test_forced_failure_is_as_if_nothing_were_there() -> None:
    found = expand("${if eq{a}{b}{x}fail}", KNOWN.get)
    assert (found.text, found.forced) == ("", True)


def test_truth_is_that_of_conditions() -> None:
    assert [truth(word) for word in ("", "0", "no", "False", "1", "-7", "yes", "true", "x")] == [
        *(False, False, False, False),
        *(True, True, True, True),
        None,
    ]


def test_expression_that_may_take_for_ever_is_not_tried() -> None:
    assert matches("^(a+)+$", "a" * 60) is None
    assert matches(".*.*.*.*.*.*x", "a" * 90) is None
    assert matches("^.*[@%!/|]", "user%domain") is True


def test_deep_nesting_is_left_open() -> None:
    assert expand("${if eq{" * 5000, KNOWN.get).text is None
    assert expand("${lc:" * 3000 + "x" + "}" * 3000, KNOWN.get).text is None
