"""Restriction lists: what becomes of a stranger's RCPT, item by item as smtpd(8) goes through them.

A stranger chooses what can be forged: EHLO name, sender, the names in DNS of its address. So a
table that lets some sender through lets every stranger through.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from audits.errors import ParseError
from audits.facts.mta import ConfigLine
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.network import TrustList
from audits.parse.postfix.scope import Scope, split
from audits.parse.postfix.table import TableEntry, is_table, read_table

_DEEPEST = 20

LISTS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
)

# One of these must stand in the relay or the recipient list, or smtpd does not start.
REQUIRED = frozenset(
    {
        "reject_unauth_destination",
        "defer_unauth_destination",
        "reject",
        "defer",
        "defer_if_permit",
        "check_relay_domains",
    }
)

_REFUSE = frozenset({"reject", "defer"})
_UNAUTHORISED = frozenset(
    {"reject_unauth_destination", "defer_unauth_destination", "check_relay_domains"}
)
_WITH_ARGUMENT = frozenset(
    {
        "check_policy_service",
        "permit_dnswl_client",
        "permit_rhswl_client",
        "reject_rbl_client",
        "reject_rbl",
        "reject_rhsbl_client",
        "reject_rhsbl_helo",
        "reject_rhsbl_recipient",
        "reject_rhsbl_reverse_client",
        "reject_rhsbl_sender",
        "sleep",
    }
)
# Tables that a stranger can't make match: by address, or by a name confirmed both ways.
_BY_CLIENT = frozenset(
    {"check_client_access", "check_ccert_access", "check_sasl_access", "check_etrn_access"}
)
_BY_RECIPIENT = frozenset(
    {
        "check_recipient_access",
        "check_recipient_a_access",
        "check_recipient_mx_access",
        "check_recipient_ns_access",
    }
)
# What an access table's entry may say (access(5)); anything else is a restriction.
_LETS_THROUGH = frozenset({"ok", "permit"})
_TURNS_AWAY = frozenset({"reject", "defer", "discard", "hold"})
_GOES_ON = frozenset(
    {
        "bcc",
        "defer_if_permit",
        "defer_if_reject",
        "dunno",
        "filter",
        "info",
        "prepend",
        "redirect",
        "warn",
    }
)
_BARE_TABLE_MEANS = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
}


class Fate(Enum):
    """What a list does with the command."""

    LET_THROUGH = "let through"
    REFUSED = "refused"
    OPEN = "open"


@dataclass(frozen=True)
class Course:
    """The way of a command through a list. why: one clause; lines: the items that decide."""

    fate: Fate
    why: str
    lines: tuple[ConfigLine, ...]


@dataclass(frozen=True)
class Stranger:
    """Who asks, and for what: `foreign` is mail to a domain that this host has nothing to do with.

    logged_in: the client is a user. everywhere: why every destination counts as authorised, if so.
    """

    trust: TrustList
    foreign: bool
    logged_in: bool = False
    everywhere: str | None = None


def required_is_there(scope: Scope, name: str) -> bool:
    """Whether a list holds one of the required items before a `permit`; raises ParseError."""
    for word in _flat(scope, scope.words(name), 0):
        if word == "permit":
            return False
        if word in REQUIRED:
            return True
    return False


def _flat(scope: Scope, words: list[str], depth: int) -> Iterator[str]:
    classes = scope.words("smtpd_restriction_classes")
    for word in words:
        if word in classes and depth < _DEEPEST:
            yield from _flat(scope, scope.words(word), depth + 1)
        else:
            yield word.lower()


def course(scope: Scope, tree: ConfigTree, name: str, stranger: Stranger) -> Course:
    """The way of a stranger's RCPT through one list; raises ParseError."""
    return _List(scope, tree, name, stranger).run()


class _List:
    """One walk through one list."""

    def __init__(self, scope: Scope, tree: ConfigTree, name: str, stranger: Stranger) -> None:
        self._scope = scope
        self._tree = tree
        self._name = name
        self._stranger = stranger
        self._classes = frozenset(scope.words("smtpd_restriction_classes"))
        # The first thing that files can't tell, and that might let the command through.
        self._open: Course | None = None
        self._put_off: Course | None = None

    def run(self) -> Course:
        found = self._walk(self._scope.words(self._name), 0)
        if found is None:
            found = Course(Fate.LET_THROUGH, f"{self._name} ends without a refusal", self._lines())
        if found.fate is Fate.REFUSED:
            return self._open or found
        return self._put_off or found

    def _walk(self, words: list[str], depth: int) -> Course | None:
        """What the items come to; None where all of them leave the command alone."""
        rest = iter(words)
        for word in rest:
            if word == "warn_if_reject":
                next(rest, None)
                continue
            argument = None
            if word in _WITH_ARGUMENT or word.startswith("check_"):
                argument = next(rest, None) if word not in _UNAUTHORISED else None
            found = self._item(word, argument, depth)
            if found is not None:
                return found
        return None

    def _item(self, word: str, argument: str | None, depth: int) -> Course | None:
        if word.startswith("{"):
            return self._walk(list(split(word.strip("{} "))), depth)
        if word in self._classes:
            if depth >= _DEEPEST:
                raise ParseError(f"found the class {word} within itself, expected an end")
            return self._walk(self._scope.words(word), depth + 1)
        if is_table(word):
            word, argument = _BARE_TABLE_MEANS.get(self._name, "check_recipient_access"), word
        if word.startswith("check_") and argument is not None:
            return self._check(word, argument, depth)
        return self._plain(word, argument)

    def _plain(self, word: str, argument: str | None) -> Course | None:
        """An item that is decided by itself."""
        if word in _REFUSE:
            return self._refused(word, f"`{word}` refuses what comes to it")
        if word in _UNAUTHORISED:
            return self._unauthorised(word)
        if word == "permit_auth_destination" and not self._beyond:
            return self._through(word, f"`{word}` lets mail to own domains through")
        if word == "permit_sasl_authenticated" and self._stranger.logged_in:
            return self._through(word, f"`{word}` lets users through")
        if word == "permit_mynetworks":
            return self._trusted(word)
        if word == "defer_if_permit":
            self._put_off = Course(
                Fate.OPEN, f"`{word}` puts off what the rest lets through", self._lines(word)
            )
            return None
        return self._permit(word, argument)

    @property
    def _beyond(self) -> bool:
        """The destination is none that this host answers for."""
        return self._stranger.foreign and self._stranger.everywhere is None

    def _permit(self, word: str, argument: str | None) -> Course | None:
        """An item that lets through for a reason that a stranger can bring about."""
        reasons = {
            "permit": "`permit` lets everything through",
            "permit_naked_ip_address": "an address in place of a name is enough in EHLO",
            "permit_tls_all_clientcerts": "any client certificate of a trusted CA is enough",
            "permit_dnswl_client": f"every client on the list {argument} may relay",
            "permit_rhswl_client": f"every domain on the list {argument} may relay",
        }
        if word == "permit_mx_backup":
            if self._scope.words("permit_mx_backup_networks"):
                return None
            reason: str | None = "whoever names this host in an MX record may relay through it"
        else:
            reason = reasons.get(word)
        return self._through(word, reason) if reason else None

    def _unauthorised(self, word: str) -> Course | None:
        if not self._beyond:
            return None
        return self._refused(word, f"`{word}` refuses mail to domains of others")

    def _trusted(self, word: str) -> Course | None:
        everybody = self._stranger.trust.everybody
        if everybody:
            shown = " and ".join(str(trusted.network) for trusted in everybody)
            lines = tuple(trusted.line for trusted in everybody if trusted.line is not None)
            why = f"`{word}` trusts {shown}, so everybody"
            return Course(Fate.LET_THROUGH, why, (*self._lines(word), *lines))
        return None

    def _check(self, word: str, argument: str, depth: int) -> Course | None:
        """A table or a service that is asked."""
        if word == "check_policy_service":
            self._leave_open(word, f"the policy service {argument} may let it through")
            return None
        at = self._line(argument)
        if at is None:
            return None
        for name in split(argument.strip("{} ")) if argument.startswith("{") else (argument,):
            if not is_table(name):
                continue
            table = read_table(name, self._tree, at)
            if table.unread is not None:
                self._leave_open(name, table.unread)
            for entry in table.entries:
                found = self._entry(word, name, entry, depth)
                if found is not None:
                    return found
        return None

    def _entry(self, word: str, table: str, entry: TableEntry, depth: int) -> Course | None:
        """What an entry of an access table does for a stranger whom it can be made to match."""
        if not self._can_match(word, entry):
            return None
        effect = self._effect(entry, depth)
        if effect is None or effect.fate is Fate.REFUSED:
            return effect if entry.every else None
        key = "anything" if entry.every else f"`{entry.key}`"
        why = f"`{word} {table}` lets {key} through"
        return Course(effect.fate, why, (*self._lines(table), entry.line, *effect.lines))

    def _can_match(self, word: str, entry: TableEntry) -> bool:
        if entry.every:
            return True
        if word in _BY_CLIENT:
            return entry.pattern and entry.negated
        if word in _BY_RECIPIENT:
            return self._stranger.foreign and not self._is_own(entry)
        return True

    def _is_own(self, entry: TableEntry) -> bool:
        """Whether a recipient key is within what this host receives mail for anyway."""
        if entry.pattern:
            return True  # what an expression matches is not worked out
        domain = entry.key.rpartition("@")[2].lstrip(".")
        if not domain or entry.key.endswith("@"):
            return True
        own: list[str] = []
        for name in ("mydestination", "relay_domains", "virtual_alias_domains"):
            own += self._scope.words(name)
        own += self._scope.words("virtual_mailbox_domains")
        return any(domain == name or domain.endswith(f".{name}") for name in map(str.lower, own))

    def _effect(self, entry: TableEntry, depth: int) -> Course | None:
        """The action of an access table's entry (access(5)); None for one that goes on."""
        action, *rest = entry.value.split() or ["dunno"]
        word = action.lower()
        if word in _LETS_THROUGH or (word.isdecimal() and word[0] not in "45"):
            return Course(Fate.LET_THROUGH, "", ())
        if word in _TURNS_AWAY or (word[:3].isdecimal() and word[0] in "45"):
            return Course(Fate.REFUSED, f"`{entry.line.text}` refuses", (entry.line,))
        if word in _GOES_ON:
            return None
        return self._walk([action, *rest], depth + 1) if depth < _DEEPEST else None

    # --- evidence ---

    def _line(self, word: str) -> ConfigLine | None:
        """The line on which a word of the list stands, the reference that brings it in included."""
        for name in (self._name, *sorted(self._classes)):
            line = self._scope.line_with(name, word)
            if line is not None and word in (self._scope.raw(name) or ""):
                return line
        return self._scope.line(self._name)

    def _lines(self, word: str = "") -> tuple[ConfigLine, ...]:
        line = self._line(word)
        return (line,) if line is not None else ()

    def _refused(self, word: str, why: str) -> Course:
        return Course(Fate.REFUSED, why, self._lines(word))

    def _through(self, word: str, why: str) -> Course:
        return Course(Fate.LET_THROUGH, why, self._lines(word))

    def _leave_open(self, word: str, why: str) -> None:
        if self._open is None:
            self._open = Course(Fate.OPEN, why, self._lines(word))
