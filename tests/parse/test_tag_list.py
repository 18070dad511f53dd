"""Tag lists."""

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.facts.dns import Tag
from audits.parse.tag_list import quoted, tag_list


def test_names_and_values_are_trimmed_and_kept_in_order() -> None:
    parsed = tag_list(" a = 1 ;\r\n b=2 3\t;")
    assert parsed.tags == (Tag("a", "1"), Tag("b", "2 3"))
    assert parsed.malformed is None


def test_a_value_may_hold_equals_signs_and_be_empty() -> None:
    assert tag_list("p=abc==; q=").tags == (Tag("p", "abc=="), Tag("q", ""))


def test_a_tag_given_twice_is_malformed_and_both_are_kept() -> None:
    parsed = tag_list("p=; p=KEY")
    assert parsed.malformed == "tag p is given twice"
    assert parsed.value("p") == ""


def test_what_is_no_tag_is_named_in_the_fault() -> None:
    assert tag_list("a=1; ?; b=2").malformed == '"?" is not a tag'
    assert tag_list("a=1;; b=2").malformed == '"" is not a tag'
    assert tag_list("a=\x01").malformed == "tag a: character outside printable ASCII"


def test_long_text_is_cut_in_messages() -> None:
    assert len(quoted("x" * 1000)) == 62


@settings(max_examples=200)
@given(st.text())
def test_any_text_gives_a_value(text: str) -> None:
    assert all(tag.name for tag in tag_list(text).tags)
