"""YAML with lines, and the errors of decoding it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from audits.errors import ParseError
from audits.parse.located_yaml import decode, parse_yaml


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, forbid_unknown_fields=True):
    port: Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
    colours: tuple[Colour, ...] = ()


class Outer(Struct, forbid_unknown_fields=True):
    sends: bool
    receives: bool
    kind: Literal["big", "small"] | None = field(default=None, name="class")
    services: tuple[Inner, ...] = ()
    since: date | None = None
    password: str | None = None
    numbers: dict[str, int] = field(default_factory=dict)


class Either(Struct, forbid_unknown_fields=True):
    value: bool | Literal["on", "off"] | Inner | tuple[Inner, ...] | None


def load(text: str) -> Any:
    return parse_yaml(text, "f.yaml").root


def problems(text: str, kind: Any = Outer) -> list[str]:
    with pytest.raises(ParseError) as raised:
        decode(parse_yaml(text, "f.yaml"), kind)
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-15", "2026-01-15"),
        ("1.2.3.4", "1.2.3.4"),
        ("-", [None]),
    ],
)
def test_scalars_follow_the_core_schema(text: str, expected: object) -> None:
    found = load(text)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, list)


def test_keys_and_items_know_their_lines() -> None:
    document = parse_yaml("# comment\na:\n  b: [1,\n      2]\n  c:\n  - x\n  - y: 1\n", "f.yaml")
    assert document.line(("a",)) == 2
    assert document.line(("a", "b")) == 3
    assert document.line(("a", "b", 1)) == 4
    assert document.line(("a", "c", 1, "y")) == 7
    assert document.line(("a", "c", 1, "not there")) == 7
    assert document.where(("a", "c", 0)) == "f.yaml:6"


def test_aliases_and_merges_are_followed() -> None:
    value = load("base: &b {x: 1, y: 2}\nsame: *b\nmore:\n  <<: *b\n  y: 3\n")
    assert value == {"base": {"x": 1, "y": 2}, "same": {"x": 1, "y": 2}, "more": {"x": 1, "y": 3}}
    assert value["more"].lines == {"y": 5, "x": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: found key 'a' again, expected it once; it stands"),
        ("a: [1\nb: 2\n", "f.yaml:2: not YAML"),
        ("a: b\n\tc: d\n", "f.yaml:2: not YAML"),
        ("a: 1\nb: c: d\n", "f.yaml:2: not YAML"),
        ("a:\n- !custom x\n", "f.yaml:2: found a tag"),
        ("a: !!set {x}\n", "f.yaml:1: a: found a tag"),
        ("a: 1\nb: *nowhere\n", "f.yaml:2: b: found an alias"),
        ("a: &a [*a]\n", "f.yaml:1: found an alias"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: found a second document"),
        ("a: 1\nb: \x07\n", "f.yaml:2: found the character U+0007"),
        ("a: 1\n[x, y]: 2\n", "f.yaml:2: found a mapping or list as a key"),
        ("a:\n  <<: 5\n", "f.yaml:2: <<: found no mapping"),
        ("[" * 70 + "]" * 70, "f.yaml:1: found more than 64 levels"),
    ],
)  # fmt: skip
def test_bad_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ParseError) as raised:
        load(text)
    assert str(raised.value).startswith(message)


def test_colon_needs_no_quotes_between_brackets() -> None:
    value = load("addresses: [192.0.2.1, 2001:db8::1]\nto: {connect: 127.0.0.1:2525}\n")
    assert value == {
        "addresses": ["192.0.2.1", "2001:db8::1"],
        "to": {"connect": "127.0.0.1:2525"},
    }
    assert value["to"].lines == {"connect": 2}


def test_nested_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    with pytest.raises(ParseError, match="aliases of aliases"):
        load("\n".join(lines))


def test_what_stands_after_an_alias_or_a_tag_is_never_quoted() -> None:
    for text in ("password: *hunter2", "password: !hunter2", "password: !hunter2 x"):
        with pytest.raises(ParseError) as raised:
            load(text)
        assert "password" in str(raised.value)
        assert "hunter2" not in str(raised.value)


def test_right_values_are_decoded() -> None:
    text = "sends: true\nreceives: false\nclass: big\nservices: [{port: 25}]\nsince: 2026-01-15\n"
    assert decode(parse_yaml(text, "f.yaml"), Outer) == Outer(
        True, False, "big", (Inner(25),), date(2026, 1, 15)
    )


def test_misspelt_key_names_the_nearest() -> None:
    assert problems("sends: true\nrecieves: true\n") == [
        "f.yaml:2: found key 'recieves', expected one of sends, receives, class, services, since, "
        "password, numbers; did you mean 'receives'?",
        "f.yaml:1: key 'receives' is missing: found sends, expected it too, with true or false",
    ]


def test_every_problem_of_a_file_is_told_at_once() -> None:
    text = (
        "sends: yes\nreceives: true\nclass: bigg\nservices:\n- port: 25\n"
        "- {port: 99999, colours: [red]}\nsince: 15.1.2026\nnumbers: {a: 1, b: two}\n"
    )
    assert problems(text) == [
        "f.yaml:1: sends: found 'yes', expected true or false; YAML 1.2 takes yes, no, on and off "
        "for text",
        "f.yaml:3: class: found 'bigg', expected one of big, small; did you mean 'big'?",
        "f.yaml:6: services[1].port: found 99999, expected a port from 1 to 65535",
        "f.yaml:7: since: found '15.1.2026', expected a date such as 2026-01-15",
        "f.yaml:8: numbers.b: found 'two', expected a whole number",
    ]


def test_enum_in_a_list_is_told_with_its_place() -> None:
    assert problems("port: 25\ncolours: [red, blu]\n", Inner) == [
        "f.yaml:2: colours[1]: found 'blu', expected one of red, blue; did you mean 'blue'?"
    ]


def test_arm_of_a_union_is_followed() -> None:
    assert problems("value:\n  port: x\n", Either) == [
        "f.yaml:2: value.port: found 'x', expected a port from 1 to 65535"
    ]
    assert problems("value:\n- {prot: 25}\n", Either)[0] == (
        "f.yaml:2: value[0]: found key 'prot', expected one of port, colours; did you mean 'port'?"
    )
    assert problems("value: maybe\n", Either)[0].startswith("f.yaml:1: value: found 'maybe'")


def test_secret_is_never_quoted() -> None:
    found = problems("sends: true\nreceives: true\npassword: [hunter2]\n")
    assert found == ["f.yaml:3: password: found a value that is not shown, expected text"]


def test_problems_are_counted_out() -> None:
    entries = "\n".join(f"d{n}: {{sends: 1, receives: true}}" for n in range(30))
    found = problems(entries, dict[str, Outer])
    assert len(found) == 21
    assert found[4] == "f.yaml:5: d4.sends: found 1, expected true or false"
    assert found[-1] == "f.yaml: and more; the first 20 are shown"


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
    | st.text(alphabet="ab:-[]{}&*!|>'\"#,% \n?~<1", max_size=40)
)
def test_any_text_gives_a_value_or_a_parse_error(text: str) -> None:
    message = "f.yaml:"
    try:
        decode(parse_yaml(text, "f.yaml"), dict[str, Outer])
    except ParseError as error:
        message = str(error)
    assert message.startswith("f.yaml:")


def test_located_values_convert_like_plain_ones() -> None:
    assert msgspec.to_builtins(load("a: [1, {b: c}]")) == {"a": [1, {"b": "c"}]}
