"""SASLprep against the examples of RFC 4013 section 3."""

import pytest

from audits.errors import ParseError
from audits.parse.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("pa ss", "pa ss"),
        ("\u05d0\u05d1", "\u05d0\u05d1"),
    ],
)
def test_text_is_prepared(text: str, expected: str) -> None:
    assert saslprep(text) == expected


@pytest.mark.parametrize("text", ["\u0007", "\u06271", "tab\there", "\ue000", "a\u200eb"])
def test_forbidden_text_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        saslprep(text)
    assert text not in str(caught.value)
