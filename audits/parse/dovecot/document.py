"""A Dovecot configuration as one tree of sections, with what it includes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine, Problem
from audits.facts.place import Place
from audits.parse.config_tree import ConfigTree
from audits.parse.dovecot.line import Line, lines

# Dovecot has no such limits; files that include each other would keep it busy for ever.
_MOST_FILES = 500
_MOST_LINES = 10_000
_DEEPEST = 20
_MOST_SHOWN = 400
_LONGEST_LOOKED_AT = 1_000
_MOST_EXPANDED = 10_000

_REFERENCE = re.compile(r"(?<!\S)\$(SET:)?(\w+)")
_SECRET = re.compile(
    r"pass(word)?$|secret|key$|token|nonce|dnpass|^connect$|credentials|api_header"
)
_IN_ARGUMENTS = re.compile(r"\b(pass(?:word)?|master_pass|secret)=\S+", re.IGNORECASE)
# Sections that have a name of their own, where one is written as a path: `service/auth/user`.
_NAMED = frozenset(
    {
        "service",
        "inet_listener",
        "unix_listener",
        "fifo_listener",
        "protocol",
        "namespace",
        "mailbox",
        "passdb",
        "userdb",
        "local",
        "remote",
        "local_name",
    }
)


@dataclass(frozen=True)
class Setting:
    """`name = value`, references put in. file: where the value is a file's content, its path."""

    name: str
    value: str
    place: Place
    file: str | None = None

    @property
    def line(self) -> ConfigLine:
        """The setting as evidence, without what a login could be made of."""
        return ConfigLine(self.place, f"{self.name} = {self.shown}".rstrip())

    @property
    def shown(self) -> str:
        """The value as it may be stored."""
        if self.file is not None:
            return f"<{self.file}"
        if self.value and _SECRET.search(self.name) and not self.value.startswith("/"):
            return "[left out]"
        value = _IN_ARGUMENTS.sub(
            r"\1=[left out]", " ".join(self.value[:_LONGEST_LOOKED_AT].split())
        )
        return value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]} ..."


@dataclass
class Section:
    """`name argument { ... }`; the whole configuration is one without either."""

    name: str
    argument: str
    place: Place
    items: list["Setting | Section"] = field(default_factory=list)
    _last: dict[str, tuple[int, Setting]] = field(default_factory=dict)
    _unnamed: dict[str, list[tuple[int, "Section"]]] = field(default_factory=dict)

    @property
    def line(self) -> ConfigLine:
        return ConfigLine(self.place, f"{self.name} {self.argument}".rstrip() + " {")

    def add(self, item: "Setting | Section") -> None:
        """Puts a setting or a section at the end."""
        if isinstance(item, Setting):
            self._last[item.name] = (len(self.items), item)
        elif not item.argument:
            self._unnamed.setdefault(item.name, []).append((len(self.items), item))
        self.items.append(item)

    def setting(self, name: str) -> Setting | None:
        """The last setting of that name, here and not deeper.

        Since Dovecot 2.4 `ssl_server_cert_file` may stand as `cert_file` in a section `ssl_server`.
        """
        found = self._placed(name)
        return found[1] if found else None

    def named(self, name: str) -> "Setting | Section | None":
        """The last setting or section without argument of that very name."""
        setting = self._last.get(name)
        section = self._unnamed.get(name, [None])[-1]
        if setting is None or section is None:
            found = setting or section
            return found[1] if found else None
        return setting[1] if setting[0] > section[0] else section[1]

    def _placed(self, name: str) -> tuple[int, Setting] | None:
        """The setting with its place among the items."""
        best = self._last.get(name)
        end = name.find("_")
        while end > 0:
            for at, section in reversed(self._unnamed.get(name[:end], ())):
                inner = section.setting(name[end + 1 :])
                if inner is not None:
                    best = (at, inner) if best is None or at > best[0] else best
                    break
            end = name.find("_", end + 1)
        return best

    def sections(self, *names: str) -> Iterator["Section"]:
        """The sections of these names, here and not deeper, in their order."""
        for item in self.items:
            if isinstance(item, Section) and item.name in names:
                yield item


@dataclass
class Document:
    """A configuration read whole.

    unread: what it includes and nobody supplied; missing: those of it that have to be there.
    """

    root: Section
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def version(self) -> str | None:
        """What the files themselves say that they are written for, since 2.4."""
        said = self.root.setting("dovecot_config_version")
        return said.value if said else None


def read_document(tree: ConfigTree, path: str, shown: str) -> Document:
    """The file at a path, which is in the tree under the name `shown`, and all that it includes."""
    document = Document(Section("", "", Place(shown, 1)))
    _Reader(tree, document).file(path, [document.root], ())
    return document


class _Reader:
    def __init__(self, tree: ConfigTree, document: Document) -> None:
        self._tree = tree
        self._document = document
        self._files = 0
        self._lines = 0

    def file(self, path: str, within: list[Section], including: tuple[str, ...]) -> None:
        """Reads one file into the sections that are open where it is included."""
        found = self._tree.read(path)
        if isinstance(found, Silence):
            self._document.unread.append(f"{path}: {found.detail}")
            return
        self._files += 1
        opened = [*within]
        for line in lines(found.text, found.shown):
            self._lines += 1
            if self._lines > _MOST_LINES:
                if self._lines == _MOST_LINES + 1:
                    place = line.place
                    self._wrong(place, "found more lines than any configuration has", "fewer")
                return
            if isinstance(line, Problem):
                self._document.problems.append(line)
            elif line.kind == "include":
                self._include(line, path, opened, (*including, normpath(path)))
            elif line.kind == "set":
                self._set(line, path, opened)
            elif line.kind == "open":
                section = Section(line.name, line.value, line.place)
                if len(opened) < _DEEPEST:
                    opened[-1].add(section)
                opened.append(section)
            elif len(opened) > len(within):
                opened.pop()
            else:
                self._wrong(line.place, "found a `}` that closes nothing", "a section before it")
        for section in opened[len(within) :]:
            self._wrong(section.place, f"`{section.line.text}` is never closed", "a line `}`")

    def _set(self, line: Line, path: str, opened: list[Section]) -> None:
        section = opened[-1]
        parts = [part for part in line.name.split("/") if part]
        while len(parts) > 1:
            name = parts.pop(0)
            argument = parts.pop(0) if name in _NAMED and len(parts) > 1 else ""
            inner = Section(name, argument, line.place)
            section.add(inner)
            section = inner
        name = parts[0] if parts else line.name
        value, file = line.value, None
        if not line.literal and value.startswith("<"):
            file = join(dirname(path), value[1:].strip())
            value = ""
        elif not line.literal:
            value = self._expanded(name, value, opened)
        section.add(Setting(name, value, line.place, file))

    def _expanded(self, name: str, value: str, opened: list[Section]) -> str:
        """A value with `$name` replaced by what that name has so far, from inside outwards."""

        def put_in(reference: re.Match[str]) -> str:
            for section in reversed(opened):
                found = section.setting(reference[2])
                if found is not None:
                    return found.value
            return "" if reference[2] == name else reference[0]

        return _REFERENCE.sub(put_in, value)[:_MOST_EXPANDED] if "$" in value else value

    def _include(
        self, line: Line, path: str, opened: list[Section], including: tuple[str, ...]
    ) -> None:
        pattern = normpath(join(dirname(path), line.value.strip("\"'")))
        matching = [each for each in self._tree.matching(pattern) if each not in including]
        for each in matching:
            if self._files >= _MOST_FILES or len(including) >= _DEEPEST:
                self._wrong(line.place, f"`{line.value}` includes without end", "fewer files")
                return
            self.file(each, opened, including)
        if matching:
            return
        if pattern in including:
            self._wrong(line.place, f"`{line.value}` includes itself", "another file")
        elif not line.optional:
            self._document.unread.append(f"{pattern} was not supplied")
            self._document.missing.append(f"{pattern} was not supplied")
        elif not pattern.startswith(f"{dirname(path)}/"):
            self._document.unread.append(f"{pattern} was not supplied")

    def _wrong(self, place: Place, found: str, expected: str) -> None:
        self._document.problems.append(Problem("syntax", True, found, expected, place))
