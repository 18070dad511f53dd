"""Restriction lists: what becomes of a stranger's RCPT, item by item as smtpd(8) goes through them.

A stranger chooses what can be forged: EHLO name, sender, the names in DNS of its address. So a
table that lets some sender through lets every stranger through.
"""

import re
from dataclasses import dataclass
from enum import Enum

from audits.errors import ParseError
from audits.facts.mta import ConfigLine
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.network import everybody
from audits.parse.postfix.scope import Scope, split
from audits.parse.postfix.table import TableEntry, is_table, read_table
from audits.parse.trust_list import TrustList

_DEEPEST = 20
_MOST_STEPS = 10_000

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
_BEFORE_RCPT = frozenset(
    {"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"}
)
_AFTER_RCPT = frozenset({"smtpd_data_restrictions", "smtpd_end_of_data_restrictions"})
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
_BY_THEMSELVES = (
    "defer defer_if_permit defer_if_reject permit permit_auth_destination permit_inet_interfaces"
    " permit_mx_backup permit_mynetworks permit_naked_ip_address permit_sasl_authenticated"
    " permit_tls_all_clientcerts permit_tls_clientcerts reject"
    " reject_authenticated_sender_login_mismatch reject_invalid_helo_hostname"
    " reject_invalid_hostname reject_known_sender_login_mismatch reject_maps_rbl"
    " reject_multi_recipient_bounce reject_non_fqdn_helo_hostname reject_non_fqdn_hostname"
    " reject_non_fqdn_recipient reject_non_fqdn_sender reject_plaintext_session"
    " reject_sender_login_mismatch reject_unauth_pipelining"
    " reject_unauthenticated_sender_login_mismatch reject_unknown_address reject_unknown_client"
    " reject_unknown_client_hostname reject_unknown_helo_hostname reject_unknown_hostname"
    " reject_unknown_recipient_domain reject_unknown_reverse_client_hostname"
    " reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender"
    " reject_unverified_recipient reject_unverified_sender"
)
KNOWN = frozenset(_BY_THEMSELVES.split()) | {"warn_if_reject"} | _WITH_ARGUMENT | _UNAUTHORISED
_CHECKS = re.compile(
    r"check_((client|reverse_client_hostname|helo|sender|recipient)(_(a|mx|ns))?_access"
    r"|(ccert|sasl|etrn)_access|policy_service|(recipient|sender)_maps|address_map)"
)
# Restrictions that do nothing while it isn't known whom the mail is for.
_BY_DESTINATION = _UNAUTHORISED | {"permit_auth_destination", "permit_mx_backup"}
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
# Where systems keep the CAs of the Web: anybody gets a certificate from one of those.
_PUBLIC_CAS = re.compile(r"/etc/(ssl/certs|pki/tls|pki/ca-trust|ssl/cert\.pem)|/usr/share/ca-cert")
_BARE_TABLE_MEANS = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
}


def takes_argument(word: str) -> bool:
    """Whether the item of a list after this one belongs to it."""
    name = word.lower()
    return name in _WITH_ARGUMENT or (name.startswith("check_") and name not in _UNAUTHORISED)


def is_restriction(word: str) -> bool:
    """Whether Postfix knows a restriction of that name, itself and not as a class or a table."""
    name = word.lower()
    return name in KNOWN or _CHECKS.fullmatch(name) is not None


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
    return _has_required(scope, scope.words(name), frozenset(), 0)


def _has_required(scope: Scope, words: list[str], seen: frozenset[str], depth: int) -> bool:
    """As smtpd looks for it: `permit` ends the search in its own list or class alone."""
    classes = frozenset(scope.words("smtpd_restriction_classes")) - seen
    rest = iter(words)
    for word in rest:
        name = word.lower()
        if name == "warn_if_reject":
            next(rest, None)
        elif name == "permit":
            return False
        elif name in REQUIRED or (
            word in classes
            and depth < _DEEPEST
            and _has_required(scope, scope.words(word), seen | {word}, depth + 1)
        ):
            return True
    return False


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
        self._steps = 0

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
        warned = False
        for word in rest:
            if word.lower() == "warn_if_reject":
                warned = True
                continue
            argument = next(rest, None) if takes_argument(word) else None
            found = self._item(word, argument, depth)
            # It turns a refusal into a line of the log, and leaves alone what lets through.
            if found is not None and not (warned and found.fate is Fate.REFUSED):
                return found
            warned = False
        return None

    def _item(self, word: str, argument: str | None, depth: int) -> Course | None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ParseError("found restrictions that grow beyond measure, expected fewer")
        if word in self._classes:
            if depth >= _DEEPEST:
                raise ParseError(f"found the class {word} within itself, expected an end")
            return self._walk(self._scope.words(word), depth + 1)
        if is_table(word):
            word, argument = _BARE_TABLE_MEANS.get(self._name, "check_recipient_access"), word
        word = word.lower()
        if self._has_no_destination and (word in _BY_DESTINATION or word in _BY_RECIPIENT):
            return None
        if word.startswith("check_") and argument is not None:
            return self._check(word, argument, depth)
        if not is_restriction(word):
            return self._refused(word, f"`{word}` is no restriction, which smtpd answers with 451")
        return self._plain(word)

    @property
    def _has_no_destination(self) -> bool:
        """The list is gone through before RCPT, or for many recipients at once."""
        return self._name in _AFTER_RCPT or (
            self._name in _BEFORE_RCPT and not self._scope.says_yes("smtpd_delay_reject")
        )

    def _plain(self, word: str) -> Course | None:
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
        return self._permit(word)

    @property
    def _beyond(self) -> bool:
        """The destination is none that this host answers for."""
        return self._stranger.foreign and self._stranger.everywhere is None

    def _permit(self, word: str) -> Course | None:
        """An item that lets through for a reason that a stranger can bring about.

        Lists of good clients in the DNS (`permit_dnswl_client`) are none: they never let mail to
        domains of others through.
        """
        reasons = {
            "permit": "`permit` lets everything through",
            "permit_naked_ip_address": "an address in place of a name is enough in EHLO",
        }
        if word == "permit_mx_backup":
            return self._mx_backup(word)
        if word == "permit_tls_all_clientcerts":
            return self._any_certificate(word)
        reason = reasons.get(word)
        return self._through(word, reason) if reason else None

    def _mx_backup(self, word: str) -> Course | None:
        """It holds where somebody else is the primary MX of a domain, and this host a later one."""
        networks = self._scope.words("permit_mx_backup_networks")
        if networks and not everybody(networks):
            return None
        return self._through(word, "whoever names this host in an MX record may relay through it")

    def _any_certificate(self, word: str) -> Course | None:
        """A certificate counts where it is asked for, and issued by a CA that is trusted."""
        says_yes = self._scope.says_yes
        if not (says_yes("smtpd_tls_ask_ccert") or says_yes("smtpd_tls_req_ccert")):
            return None
        named = [self._scope.value(name) for name in ("smtpd_tls_CAfile", "smtpd_tls_CApath")]
        if says_yes("tls_append_default_CA") or any(map(_PUBLIC_CAS.match, named)):
            return self._through(word, "any client certificate of a public CA is enough")
        if any(named):
            whose = " and ".join(filter(None, named))
            self._leave_open(word, f"`{word}`: whom the CA in {whose} certifies, files can't tell")
        return None

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
        if entry.key.endswith("@"):
            return False  # that user at any domain whatsoever
        domain = entry.key.rpartition("@")[2].lstrip(".")
        if not domain:
            return True
        own: list[str] = []
        for name in ("mydestination", "relay_domains", "virtual_alias_domains"):
            own += self._scope.words(name)
        own += self._scope.words("virtual_mailbox_domains")
        return any(domain == name or domain.endswith(f".{name}") for name in map(str.lower, own))

    def _effect(self, entry: TableEntry, depth: int) -> Course | None:
        """The action of an access table's entry (access(5)); None for one that goes on."""
        action, *rest = list(split(entry.value)) or ["dunno"]
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
