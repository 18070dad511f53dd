"""Text from outside made safe to show: nothing invisible, nothing that steers a terminal or a page.

Escaping for HTML is left to the template engine; what comes from here is plain visible text.
"""

import unicodedata

QUOTE_LIMIT = 600
_COMBINING_LIMIT = 3

# Code points that draw nothing although Unicode counts them as letters or marks.
_BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class _Visible(dict[int, str]):
    """A table for str.translate that fills itself."""

    def __missing__(self, code: int) -> str:
        shown = _escape(code) if _hidden(code) else chr(code)
        self[code] = shown
        return shown


def _hidden(code: int) -> bool:
    return (
        unicodedata.category(chr(code)) in _HIDDEN_CATEGORIES
        or code in _BLANK
        or code in _VARIATION_SELECTORS
    )


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_TABLE = _Visible()


def visible(text: str, limit: int = QUOTE_LIMIT) -> str:
    """One line in which every control, format and invisible character is written out (`\\u202e`).

    Longer text than `limit` characters is cut, and says how much is missing.
    """
    if len(text) > limit:
        return f"{visible(text[:limit])} … ({len(text) - limit:,} more characters)"
    if text.isascii() and text.isprintable():
        return text
    return _tame_marks(text.translate(_TABLE))


def visible_lines(text: str, limit: int = 4000) -> str:
    """The same for text of several lines: line feeds stay."""
    return "\n".join(visible(line, limit) for line in text[:limit].split("\n")) + (
        f"\n… ({len(text) - limit:,} more characters)" if len(text) > limit else ""
    )


def _tame_marks(text: str) -> str:
    """Combining marks beyond three on one letter are written out: a tower of them hides lines."""
    run, shown = 0, []
    for letter in text:
        run = run + 1 if unicodedata.combining(letter) else 0
        shown.append(letter if run <= _COMBINING_LIMIT else _escape(ord(letter)))
    return "".join(shown)
