"""A line of smtpd.conf, gone through from left to right."""

import re

from audits.errors import ParseError
from audits.facts.mta import ConfigLine, Problem
from audits.parse.opensmtpd.statement import Operand
from audits.parse.opensmtpd.token import Token

_MOST_SHOWN = 400
# Statements that may hold keys, or logins with what proves them.
SECRETIVE = frozenset({"srs", "queue", "table"})
_LOGIN = re.compile(r"://[^@\s/]*@")


class SyntaxAt(ParseError):
    """A word that may not stand where it does, and what should."""

    def __init__(self, token: Token, expected: str, found: str | None = None) -> None:
        super().__init__(expected)
        text = repr(token.text[:60]) if token.kind != "end" else "the end of the line"
        self.problem = Problem("syntax", True, found or f"found {text}", expected, token.place)


class Cursor:
    """The tokens of one statement, of which the last is its end.

    keywords: the words that are no value unless they stand in quotes.
    """

    def __init__(self, tokens: list[Token], keywords: frozenset[str]) -> None:
        self._tokens = tokens
        self._keywords = keywords
        self._at = 0

    @property
    def here(self) -> Token:
        return self._tokens[min(self._at, len(self._tokens) - 1)]

    @property
    def done(self) -> bool:
        return self.here.kind == "end"

    def take(self) -> Token:
        token = self.here
        self._at += 1
        return token

    def skip(self, *words: str) -> bool:
        """Goes past one of these keywords or signs, if one stands here."""
        if self.here.says(*words):
            self._at += 1
            return True
        return False

    def need(self, *words: str) -> str:
        """Goes past one of these keywords, which must stand here."""
        if not self.here.says(*words):
            raise SyntaxAt(self.here, " or ".join(f"`{word}`" for word in words))
        return self.take().text

    def text(self, what: str) -> str:
        """A word or a text in quotes, which must stand here."""
        if not self._is_text():
            expected = f"{what}, in quotes" if self.here.kind == "word" else what
            raise SyntaxAt(self.here, expected)
        return self.take().text

    def _is_text(self) -> bool:
        token = self.here
        return token.kind == "string" or (token.kind == "word" and token.text not in self._keywords)

    def at_value(self) -> bool:
        """Whether a value, a table or a list stands here."""
        return self._is_text() or self.here.says("<", "{")

    def operand(self, what: str) -> Operand:
        """`<table>`, a value, or `{ value, value }`."""
        if self.skip("<"):
            name = self.text("the name of a table")
            self.need(">")
            return Operand(name)
        if self.here.says("{"):
            return Operand(None, tuple(key for key, _ in self.listed()))
        return Operand(None, (self.text(what),))

    def listed(self) -> list[tuple[str, str]]:
        """`{ value, value }` or `{ key = value, key = value }`; smtpd lets commas be left out."""
        self.need("{")
        found = []
        while not self.skip("}"):
            key = self.text("a value")
            value = self.text("a value") if self.skip("=") else ""
            found.append((key, value))
            self.skip(",")
        return found

    def finish(self) -> None:
        """Nothing more may stand here."""
        if not self.done:
            raise SyntaxAt(self.here, "the end of the line")

    def rest(self) -> tuple[str, ...]:
        """All words up to the end."""
        found = []
        while not self.done:
            found.append(self.take().text)
        return tuple(found)

    def line(self) -> ConfigLine:
        """The statement as evidence, without what a login could be made of."""
        tokens = self._tokens[:-1]
        words = [f'"{token.text}"' if token.kind == "string" else token.text for token in tokens]
        if words[0] in SECRETIVE:
            pairs = any(token.says("=") for token in tokens)
            shown = 1 if words[0] != "table" else 2 if pairs else len(words)
            words = [*words[:shown], *(["[left out]"] if words[shown:] else [])]
        text = _LOGIN.sub("://[left out]@", " ".join(words))
        text = text.replace("< ", "<").replace(" >", ">").replace("! ", "!")
        text = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."
        return ConfigLine(self._tokens[0].place, text)
