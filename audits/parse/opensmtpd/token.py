"""The words of smtpd.conf, with macros put in (smtpd.conf(5))."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audits.facts.place import Place

_SIGNS = "(){}<>!=#,"
# smtpd's own buffer for a word; no macro is longer either.
_LONGEST = 8096


@dataclass(frozen=True)
class Token:
    """A word, a text in quotes, a sign, the end of a line, or what can't be read.

    A text in quotes is never a keyword.
    """

    kind: Literal["word", "string", "sign", "end", "wrong"]
    text: str
    place: Place

    def says(self, *words: str) -> bool:
        """Whether this is one of these keywords or signs."""
        return self.kind in ("word", "sign") and self.text in words


class Words:
    """The tokens of one file; macros may be defined while they are read."""

    def __init__(self, text: str, file: str, macros: dict[str, str]) -> None:
        self._text = text
        self._file = file
        self._macros = macros
        self._at = 0
        self._line = 1
        self._begins = 0

    def tokens(self) -> Iterator[Token]:
        """Each token when it is asked for; the last one is the end of a line."""
        while (sign := self._peek()) != "":
            place = self._place()
            if sign == "\n":
                self._take()
                yield Token("end", "", place)
            elif sign.isspace():
                self._take()
            elif sign == "#":
                while self._peek() not in ("", "\n"):
                    self._take()
            elif sign in "\"'":
                yield self._quoted(place)
            elif sign == "$":
                yield from self._macro(place)
            elif sign.isalnum() or sign in ":_":
                yield Token("word", self._word(), place)
            else:
                self._take()
                yield Token("sign", sign, place)
        yield Token("end", "", self._place())

    def _place(self) -> Place:
        return Place(self._file, self._line, self._at - self._begins + 1)

    def _peek(self) -> str:
        """The next character; a backslash and the end of its line are none."""
        while self._text.startswith("\\\n", self._at):
            self._at += 2
            self._line += 1
            self._begins = self._at
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        sign = self._peek()
        self._at += 1
        if sign == "\n":
            self._line += 1
            self._begins = self._at
        return sign

    def _word(self) -> str:
        word: list[str] = []
        while (sign := self._peek()) and not sign.isspace() and sign not in _SIGNS:
            word.append(self._take())
        return "".join(word)

    def _quoted(self, place: Place) -> Token:
        quote, text = self._take(), list[str]()
        while (sign := self._peek()) not in (quote, ""):
            self._take()
            if sign == "\n":
                continue  # a text goes on over lines, without their ends
            if sign == "\\" and self._peek() in (quote, " ", "\t"):
                sign = self._take()
            text.append(sign)
        if self._peek() != quote:
            return Token("wrong", f"{quote}{''.join(text)}", place)
        self._take()
        return Token("string", "".join(text), place)

    def _macro(self, place: Place) -> Iterator[Token]:
        """What a macro stands for, read as if it stood here without quotes."""
        self._take()
        name: list[str] = []
        while (sign := self._peek()) and (sign.isalnum() or sign == "_"):
            name.append(self._take())
        value = self._macros.get("".join(name))
        if value is None:
            yield Token("wrong", f"${''.join(name)}", place)
            return
        for token in Words(value[:_LONGEST], self._file, {}).tokens():
            if token.kind != "end":
                yield Token(token.kind, token.text, place)
