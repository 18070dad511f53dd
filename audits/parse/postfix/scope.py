"""What parameters come to for one service: its overrides, main.cf, then built-in values."""

import re
from collections.abc import Iterator, Mapping

from audits.facts.mta import ConfigLine
from audits.facts.place import Place
from audits.parse.postfix.defaults import Version, defaults
from audits.parse.postfix.expansion import expand, references
from audits.parse.postfix.main_cf import BLANK, Entry
from audits.parse.postfix.master_cf import MasterService

_MOST_SHOWN = 400
_SECRET = re.compile(r"password|passwd|secret", re.IGNORECASE)
# Tables that hold what they answer in their own name.
_INLINE = re.compile(r"(static|inline):(\{[^}]*\}|\S+)")


class Scope:
    """The parameters as one service has them; without a service as main.cf gives them to all."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        version: Version,
        service: MasterService | None = None,
        folder: str = "",
    ) -> None:
        """`folder`: where main.cf is, on its host."""
        self.version = version
        self._folder = folder
        self.service = service
        self._entries = entries
        self._defaults = defaults(version)
        self._version = ".".join(map(str, version))

    def of(self, service: MasterService) -> "Scope":
        """The same for a service of master.cf."""
        return Scope(self._entries, self.version, service, self._folder)

    def raw(self, name: str) -> str | None:
        """The value as written, or the default; None where there is no such parameter."""
        override = self.service.override(name) if self.service else None
        if override is not None:
            return override.value
        entry = self._entries.get(name)
        if entry is not None:
            return entry.value
        if name == "mydomain":
            return (self.raw("myhostname") or "").partition(".")[2] or None
        of_this_one = {"mail_version": self._version, "config_directory": self._folder}
        return of_this_one.get(name) or self._defaults.get(name)

    def value(self, name: str) -> str:
        """The value with its references put in, blanks trimmed; raises ParseError."""
        return expand(self.raw(name) or "", self.raw).strip(BLANK)

    def words(self, name: str) -> list[str]:
        """The value as a list; braces keep together what stands in them; raises ParseError."""
        return list(split(self.value(name)))

    def says_yes(self, name: str) -> bool:
        """Whether a switch is on; raises ParseError."""
        return self.value(name).lower() == "yes"

    def line(self, name: str) -> ConfigLine | None:
        """The line that gives a parameter its value; None for a built-in one."""
        override = self.service.override(name) if self.service else None
        if override is not None:
            return ConfigLine(override.place, f"-o {name}={shown(name, override.value)}")
        entry = self._entries.get(name)
        return config_line(entry) if entry is not None else None

    def value_place(self, name: str) -> Place | None:
        """Where the value of a parameter begins; None for a built-in one."""
        override = self.service.override(name) if self.service else None
        entry = override or self._entries.get(name)
        return entry.value_place if entry is not None else None

    def line_with(self, name: str, word: str) -> ConfigLine | None:
        """The line of a parameter, at the physical line on which a word of its value stands."""
        line = self.line(name)
        entry = self._entries.get(name)
        overridden = self.service is not None and self.service.override(name) is not None
        if line is None or entry is None or overridden:
            return line
        return ConfigLine(entry.place_of(word), line.text)

    def lines(self, *names: str) -> tuple[ConfigLine, ...]:
        """The lines of parameters, and of those that their values refer to; built-in ones aside."""
        found = (self.line(name) for name in self._with_references(names))
        return tuple(dict.fromkeys(line for line in found if line is not None))

    def _with_references(self, names: tuple[str, ...]) -> Iterator[str]:
        seen: set[str] = set()
        left = list(reversed(names))
        while left:
            name = left.pop()
            if name in seen:
                continue
            seen.add(name)
            yield name
            left += references(self.raw(name) or "")


def config_line(entry: Entry) -> ConfigLine:
    """A parameter of main.cf as evidence."""
    return ConfigLine(entry.place, f"{entry.name} = {shown(entry.name, entry.value)}".rstrip())


def shown(name: str, value: str) -> str:
    """A value as it may be stored: of bounded length, and without what a login could be made of."""
    folded = " ".join(value.split())
    if _SECRET.search(name):
        folded = _INLINE.sub(r"\1:[left out]", folded)
    return folded if len(folded) <= _MOST_SHOWN else f"{folded[:_MOST_SHOWN]} ..."


def split(value: str) -> Iterator[str]:
    """The items of a list, which commas and blanks separate; `{ ... }` is one item."""
    item, depth = "", 0
    for sign in value:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth <= 0 and (sign in BLANK or sign == ","):
            if item:
                yield item
            item = ""
        else:
            item += sign
    if item:
        yield item
