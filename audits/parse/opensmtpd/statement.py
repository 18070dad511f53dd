"""What smtpd.conf declares: tables, keys, filters, listeners, actions and rules."""

from dataclasses import dataclass, field
from typing import Literal

from audits.facts.mta import ConfigLine, Problem


@dataclass(frozen=True)
class Operand:
    """What a condition compares with: a table by name, or values that stand here."""

    table: str | None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """A condition, such as `!from src <trusted>`.

    what: `any`, `local` (the host itself), `own` (the domains that it counts as its own), else the
    word that the file has: `src`, `domain`, `mail-from`, `auth` ...
    """

    what: str
    negated: bool = False
    regex: bool = False
    operand: Operand | None = None


@dataclass(frozen=True)
class Rule:
    """A rule that accepts or rejects. action: its name; None in the grammar before 6.4.

    relays: mail goes on to another server; None where the action is not known.
    """

    accepts: bool
    source: Condition
    destination: Condition
    options: tuple[Condition, ...]
    action: str | None
    relays: bool | None
    line: ConfigLine


@dataclass(frozen=True)
class Action:
    """relay: the words after `relay`; None for an action that delivers here."""

    name: str
    relay: tuple[str, ...] | None
    line: ConfigLine


@dataclass(frozen=True)
class Filter:
    """conditions: of a built-in filter that turns away; None for a program or a chain.

    chain: the filters of a chain.
    """

    name: str
    conditions: tuple[Condition, ...] | None
    turns_away: bool
    chain: tuple[str, ...]
    line: ConfigLine


@dataclass(frozen=True)
class Table:
    """entries: keys of a table that stands in the file; else path is where they are."""

    name: str
    entries: tuple[str, ...] | None
    path: str
    line: ConfigLine


@dataclass
class Listening:
    """A `listen on` line. logins: the table that passwords are compared with."""

    interface: str
    line: ConfigLine
    port: int | None = None
    tls: Literal["", "tls", "tls-require", "smtps", "secure"] = ""
    auth: Literal["", "auth", "auth-optional"] = ""
    logins: str = ""
    pki: tuple[str, ...] = ()
    tag: str = ""
    filters: tuple[str, ...] = ()
    senders: bool = False
    ciphers: str = ""
    protocols: str = ""


@dataclass
class Declared:
    """A whole smtpd.conf. old: in the grammar before 6.4."""

    old: bool
    version: tuple[int, ...]
    tables: dict[str, Table] = field(default_factory=dict)
    pki: dict[str, dict[str, str]] = field(default_factory=dict)
    filters: dict[str, Filter] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    listening: list[Listening] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    ciphers: str = ""
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    lines: list[tuple[str, ConfigLine]] = field(default_factory=list)
