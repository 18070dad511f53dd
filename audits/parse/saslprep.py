"""User names and passwords in the one form that both sides of a login compare: SASLprep."""

import stringprep
import unicodedata

from audits.errors import ParseError

# RFC 4013 section 2.3
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """The text as RFC 4013 section 2 prepares it, for a query: unassigned code points stay.

    Raises ParseError, which quotes nothing of it, for what the profile forbids.
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(forbids(character) for character in prepared for forbids in _PROHIBITED):
        raise ParseError("a name or password holds a character that SASLprep forbids")
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """RFC 3454 section 6: text from right to left begins and ends so, and holds no other."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not ends or any(map(stringprep.in_table_d2, text)):
        raise ParseError("a name or password mixes directions of writing as SASLprep forbids")
