"""The parts of an Exim configuration: options, named lists, ACLs and drivers, by section."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from audits.facts.mta import ConfigLine, Problem
from audits.parse.exim.defaults import MAIN_OPTIONS, SWITCHES
from audits.parse.exim.source import Line, Source, shortened

_NAME = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*")
_BEGIN = re.compile(r"begin[ \t]+(\w*)[ \t]*(.*)", re.DOTALL)
_LIST = re.compile(
    r"(?:hide[ \t]+)?(domain|host|address|localpart)list(?:_cache)?[ \t]+([A-Za-z]\w*)[ \t]*=[ \t]*"
)
_LISTS_HIDE = re.compile(r"hide[ \t]+")
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_SECTIONS = frozenset(
    {"acl", "authenticators", "local_scan", "retry", "rewrite", "routers", "transports"}
)
_DRIVERS = ("routers", "transports", "authenticators")
_LEFT_OUT = "[left out]"
_SECRET = re.compile(r"password|secret|_servers$|server_condition$|client_send$", re.IGNORECASE)

VERBS = frozenset({"accept", "defer", "deny", "discard", "drop", "require", "warn"})
MODIFIERS = frozenset(
    {
        "add_header",
        "continue",
        "control",
        "delay",
        "endpass",
        "log_message",
        "log_reject_target",
        "logwrite",
        "message",
        "queue",
        "remove_header",
        "set",
        "udpsend",
    }
)
CONDITIONS = frozenset(
    {
        "acl",
        "atrn_domains",
        "authenticated",
        "bmi_optin",
        "condition",
        "decode",
        "demime",
        "dkim_signers",
        "dkim_status",
        "dmarc_status",
        "dnslists",
        "domains",
        "encrypted",
        "hosts",
        "local_parts",
        "malware",
        "mime_regex",
        "ratelimit",
        "recipients",
        "regex",
        "seen",
        "sender_domains",
        "senders",
        "spam",
        "spf",
        "spf_guess",
        "verify",
    }
)


@dataclass(frozen=True)
class Option:
    """`name = value`; the value of a switch is `true` or `false`. line, offset: where it stands.

    hidden: marked with `hide`, or of a kind that holds passwords.
    """

    name: str
    value: str
    line: Line
    offset: int
    hidden: bool = False

    @property
    def shown(self) -> str:
        """The value as it may be stored; a word alone is no secret that a login is made of."""
        plain = self.value.lower() in ("true", "yes", "1", "false", "no", "0")
        return _LEFT_OUT if self.hidden and not plain else shortened(self.value)

    @property
    def config_line(self) -> ConfigLine:
        return ConfigLine(self.line.place, f"{self.name} = {self.shown}".rstrip())

    @cached_property
    def lines(self) -> tuple[ConfigLine, ...]:
        """The line as evidence, with those of its macros after it."""
        if self.hidden:
            return (self.config_line,)
        at = self.config_line
        return (at, *(line for line in self.line.macros if line != at))


@dataclass(frozen=True)
class NamedList:
    """A list that others refer to as `+name`. kind: domain, host, address or localpart."""

    kind: str
    name: str
    option: Option


@dataclass(frozen=True)
class Condition:
    """A condition or modifier of an ACL statement; value: empty for `endpass`."""

    name: str
    value: str
    negated: bool
    line: Line
    offset: int


@dataclass(frozen=True)
class Statement:
    """A verb with its conditions, in their order."""

    verb: str
    line: Line
    conditions: tuple[Condition, ...]

    @cached_property
    def lines(self) -> tuple[ConfigLine, ...]:
        """The lines that it stands on: the verb's, and those of its conditions."""
        found = [self.line, *(c.line for c in self.conditions if c.name not in MODIFIERS)]
        return tuple(dict.fromkeys(line for each in found for line in each.lines))


@dataclass(frozen=True)
class Acl:
    """An access control list. line: its name; None for one that stands in an option itself."""

    name: str
    line: Line | None
    statements: tuple[Statement, ...]


@dataclass
class Driver:
    """A router, a transport or an authenticator."""

    name: str
    line: Line
    options: dict[str, Option] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        option = self.options.get(name)
        return option.value if option else default

    def lines(self, *names: str) -> tuple[ConfigLine, ...]:
        """The lines of its options as evidence, or else that of its name."""
        found = [line for n in names if n in self.options for line in self.options[n].lines]
        return tuple(dict.fromkeys(found)) or (self.line.config_line,)


@dataclass
class Config:
    """A whole configuration. lists: by kind and name."""

    options: dict[str, Option] = field(default_factory=dict)
    lists: dict[tuple[str, str], NamedList] = field(default_factory=dict)
    acls: dict[str, Acl] = field(default_factory=dict)
    routers: list[Driver] = field(default_factory=list)
    transports: list[Driver] = field(default_factory=list)
    authenticators: list[Driver] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse_config(source: Source) -> Config:
    """The parts of a configuration; what is wrong with a line is a problem of it. Never raises."""
    config = Config(problems=list(source.problems))
    sections: dict[str, list[Line]] = {"main": []}
    current = "main"
    for line in source.lines:
        begins = _BEGIN.fullmatch(line.text)
        if begins is None:
            sections[current].append(line)
            continue
        current = begins[1]
        if current not in _SECTIONS:
            known = ", ".join(sorted(_SECTIONS))
            _wrong(config, line, begins.start(1), f"the section {current!r}", f"one of {known}")
        elif current in sections:
            _wrong(config, line, 0, f"the section {current!r} a second time", "one of each")
        sections.setdefault(current, [])
    _main(config, sections["main"])
    _acls(config, sections.get("acl", []))
    for name in _DRIVERS:
        _drivers(config, sections.get(name, []), getattr(config, name))
    return config


def _wrong(config: Config, line: Line, offset: int, found: str, expected: str) -> None:
    place = line.place_at(offset)
    config.problems.append(Problem("syntax", True, f"found {found}", expected, place))


# --- options ---


def _main(config: Config, lines: list[Line]) -> None:
    for line in lines:
        named = _LIST.match(line.text)
        if named is not None:
            kind, name = named.groups()
            hidden = _LISTS_HIDE.match(line.text) is not None
            full = f"{kind}list {name}"
            option = Option(full, unquoted(line.text[named.end() :]), line, named.end(), hidden)
            if (kind, name) in config.lists:
                _wrong(config, line, 0, f"the {full} a second time", "one list of each name")
            config.lists[kind, name] = NamedList(kind, name, option)
            continue
        option_ = _option(config, line, SWITCHES)
        if option_ is None:
            continue
        if option_.name in config.options:
            _twice(config, option_)
        config.options[option_.name] = option_


def _twice(config: Config, option: Option) -> None:
    found = f"`{option.name}` a second time"
    _wrong(config, option.line, 0, found, "one line for each option")


def _option(config: Config, line: Line, switches: frozenset[str] | None) -> Option | None:
    """`name = value`, `name`, `no_name` or `not_name`, with `hide` before it or not.

    switches: the options that may stand without a value; any may where they are not known.
    """
    text, begins, hidden = line.text, 0, False
    hide = _LISTS_HIDE.match(text)
    if hide is not None:
        begins, hidden = hide.end(), True
    name = _NAME.match(text, begins)
    if name is None:
        _wrong(config, line, begins, repr(text[:60]), "`name = value`")
        return None
    if text.startswith("=", name.end()):
        offset = name.end() + 1
        offset += len(text[offset:]) - len(text[offset:].lstrip())
        value = text[offset:]
        known = switches is not None and name[1] in switches
        if known and value.lower() not in ("true", "false", "yes", "no"):
            _wrong(config, line, offset, repr(shortened(value)[:60]), "true, false, yes or no")
        if known:
            value = "true" if value.lower() in ("true", "yes") else "false"
        secret = hidden or _SECRET.search(name[1]) is not None
        return Option(name[1], unquoted(value), line, offset, secret)
    if name.end() < len(text):
        _wrong(config, line, name.end(), repr(text[name.end() :][:60]), "`=` after a name")
        return None
    if switches is None or name[1] in switches:
        return Option(name[1], "true", line, len(text))
    for prefix in ("not_", "no_"):
        plain = name[1].removeprefix(prefix)
        if plain != name[1] and plain in switches:
            return Option(plain, "false", line, len(text))
    if name[1] in MAIN_OPTIONS:
        _wrong(config, line, name.end(), f"`{name[1]}` without a value", f"`{name[1]} = value`")
    else:
        place = line.place_at(begins)
        message = f"Exim has no option `{name[1]}`"
        config.problems.append(Problem("unknown", True, message, "an option", place))
    return None


def unquoted(value: str) -> str:
    """The value of an option: what stands in quotes, with its escapes, or all of it."""
    if not value.startswith('"'):
        return value
    end = re.search(r'(?<!\\)(?:\\\\)*"', value[1:])
    inside = value[1 : end.end()] if end else value[1:]
    return _ESCAPE.sub(_escaped, inside)


def _escaped(found: re.Match[str]) -> str:
    sign = found[1]
    if sign[0].isdecimal() and sign[0] in "01234567":
        return chr(int(sign, 8) & 0xFF)
    if sign[0] == "x" and len(sign) > 1:
        return chr(int(sign[1:], 16))
    return _ESCAPES.get(sign, sign)


def _drivers(config: Config, lines: list[Line], into: list[Driver]) -> None:
    for line in lines:
        name = _NAME.match(line.text)
        if name is not None and line.text.startswith(":", name.end()):
            rest = line.text[name.end() + 1 :].strip()
            if rest and not rest.startswith("#"):
                _wrong(config, line, name.end() + 1, repr(rest[:60]), "nothing after a name")
            into.append(Driver(name[1], line))
            continue
        if not into:
            _wrong(config, line, 0, repr(line.text[:60]), "`name:` before its options")
            continue
        option = _driver_option(config, line)
        if option is not None:
            into[-1].options[option.name] = option


def _driver_option(config: Config, line: Line) -> Option | None:
    option = _option(config, line, None)
    if option is None or option.value != "true" or "=" in line.text:
        return option
    for prefix in ("not_", "no_"):
        if option.name.startswith(prefix):
            return Option(option.name.removeprefix(prefix), "false", line, option.offset)
    return option


# --- ACLs ---


def _acls(config: Config, lines: list[Line]) -> None:
    name: str | None = None
    at: Line | None = None
    body: list[Line] = []
    for line in lines:
        named = _NAME.match(line.text)
        if named is None or not line.text.startswith(":", named.end()):
            body.append(line)
            continue
        if name is not None:
            config.acls[name] = Acl(name, at, tuple(statements(config, body)))
        elif body:
            _wrong(config, body[0], 0, repr(body[0].text[:60]), "`name:` of an ACL")
        name, at, body = named[1], line, []
    if name is not None:
        config.acls[name] = Acl(name, at, tuple(statements(config, body)))
    elif body:
        _wrong(config, body[0], 0, repr(body[0].text[:60]), "`name:` of an ACL")


def statements(config: Config, lines: list[Line]) -> Iterator[Statement]:
    """The statements of one ACL."""
    verb: str | None = None
    at: Line | None = None
    held: list[Condition] = []
    for line in lines:
        word = _NAME.match(line.text)
        if word is not None and word[1] in VERBS and not line.text.startswith("=", word.end()):
            if verb is not None and at is not None:
                yield Statement(verb, at, tuple(held))
            verb, at, held = word[1], line, []
            if word.end() >= len(line.text):
                continue
            begins = word.end()
        else:
            begins = 0
        if verb is None:
            expected = f"one of {', '.join(sorted(VERBS))}"
            _wrong(config, line, 0, repr(line.text[:60]), expected)
            continue
        condition = _condition(config, line, begins)
        if condition is not None:
            held.append(condition)
    if verb is not None and at is not None:
        yield Statement(verb, at, tuple(held))


def _condition(config: Config, line: Line, begins: int) -> Condition | None:
    text = line.text
    begins += len(text[begins:]) - len(text[begins:].lstrip())
    negated = text.startswith("!", begins)
    name = _NAME.match(text, begins + negated)
    if name is None or name[1] not in CONDITIONS | MODIFIERS:
        _wrong(config, line, begins, repr(text[begins:][:60]), "a condition or a modifier")
        return None
    if name[1] == "endpass":
        return Condition("endpass", "", False, line, begins)
    end = name.end()
    if name[1] == "set":
        variable = re.compile(r"(acl_[cm]\w+)[ \t]*").match(text, end)
        if variable is None:
            _wrong(config, line, end, repr(text[end:][:60]), "acl_c or acl_m with a name")
            return None
        end = variable.end()
    if not text.startswith("=", end):
        _wrong(config, line, end, repr(text[end:][:60]), f"`=` after `{name[1]}`")
        return None
    value = text[end + 1 :]
    stripped = value.lstrip()
    if name[1] == "set" and variable is not None:
        stripped = f"{variable[1]}={stripped}"
    offset = end + 1 + len(value) - len(value.lstrip())
    return Condition(name[1], stripped.rstrip(), negated, line, offset)


def inline_acl(text: str, line: Line, offset: int) -> Acl:
    """An ACL that is written in an option in place of its name."""
    lines = []
    for part in text.split("\n"):
        if part.strip():
            lines.append(Line(part.strip(), ((0, line.place_at(offset)),), line.macros))
    return Acl("", None, tuple(statements(Config(), lines)))
