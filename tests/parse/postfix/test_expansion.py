"""`$name` and its conditional forms, as Postfix's own postconf expands them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.postfix.expansion import expand, references

PARAMETERS = {
    "mail_name": "Postfix",
    "empty": "",
    "twice": "$mail_name $mail_name",
    "me": "$you",
    "you": "$me",
}


# Each of these was seen from `postconf -x` of Postfix 3.7.11.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$mail_name/${mail_name}/$(mail_name)/${ mail_name }", "Postfix/Postfix/Postfix/Postfix"),
        ("$$foo", "$foo"),
        ("(${undefined})", "()"),
        ("${empty?yes}${empty:no}", "no"),
        ("${mail_name?{Y}:{N}}${mail_name ? {Y} : {N}}${empty?{Y}:{N}}", "YYN"),
        ("${mail_name?$twice x}", "Postfix Postfix x"),
        ("[${{a} == {b}}]", "[]"),
        ("[${{b} == {b}}]", "[true]"),
        ("[${{9} < {10}}|${{9a} < {10}}]", "[true|]"),
        ("${{3.9} <level {3.10} ? {older} : {newer}}", "older"),
        ("${{$mail_name} != {} ? {q $mail_name}}", "q Postfix"),
        ("${empty?a}:{b}", ":{b}"),
        ("$mail_name.b-$mail_name-x", "Postfix.b-Postfix-x"),
    ],
)
def test_value_is_expanded_as_by_postconf(value: str, expected: str) -> None:
    assert expand(value, PARAMETERS.get) == expected


@pytest.mark.parametrize("value", ["a$", "a$ b", "${mail_name", "${$mail_name}", "$me", "${{a} b}"])
def test_value_that_stops_postfix_is_a_parse_error(value: str) -> None:
    with pytest.raises(ParseError, match=r"found .*expected"):
        expand(value, PARAMETERS.get)


def test_value_that_grows_beyond_measure_is_a_parse_error() -> None:
    doubling = {f"a{n}": f"$a{n + 1}$a{n + 1}" for n in range(60)} | {"a60": "x"}
    with pytest.raises(ParseError, match="beyond measure"):
        expand("$a0", doubling.get)


def test_references_of_every_form_are_found() -> None:
    value = "$one ${two} $(three) ${four?{$five}:{x}} $$six"
    assert list(references(value)) == ["one", "two", "three", "four", "five"]


@given(st.text(alphabet="$a{}()?:<=!level 0.{", max_size=60))
def test_any_value_is_expanded_or_a_parse_error(value: str) -> None:
    with contextlib.suppress(ParseError):
        assert isinstance(expand(value, {"a": "b$a", "b": "x"}.get), str)
