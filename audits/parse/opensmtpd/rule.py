"""Rules: which of them a stranger's mail comes to; the first that matches decides (smtpd.conf(5)).

A stranger chooses what can be forged: EHLO name, sender, and the name that its address has in the
DNS, which `rdns` does not confirm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

from audits.facts.fact import Silence
from audits.facts.mta import Answer, ConfigLine, Question, Ruling
from audits.parse.config_tree import ConfigTree
from audits.parse.opensmtpd.statement import Condition, Declared, Listening, Operand, Rule

_NEEDLESS = frozenset({"auth", "helo", "mail-from", "rdns", "fcrdns"})
_FORGED = frozenset({"helo", "mail-from", "rdns", "fcrdns"})
# Expressions that every text matches.
_EVERYTHING = frozenset({"", ".", ".*", ".+", "^", "^.*", ".*$", "^.*$"})
# Half of all IPv4 addresses, and the block that every public IPv6 address is from (RFC 4291).
_MOST_OF = {4: 1, 6: 3}


class Match(IntEnum):
    """Whether a stranger's mail matches: as it likes (MAY), or whatever it does."""

    NEVER = 0
    UNKNOWN = 1
    MAY = 2
    ALWAYS = 3


@dataclass(frozen=True)
class Stranger:
    """Mail that a listener gets from a stranger. foreign: for a domain of others."""

    listening: Listening
    foreign: bool


class Rules:
    """The rules of a configuration, with the tables that they name."""

    def __init__(self, declared: Declared, tree: ConfigTree) -> None:
        self._declared = declared
        self._tree = tree

    # --- who gets through ---

    def ruling(self, question: Question, stranger: Stranger) -> Ruling:
        """Whether a stranger's mail is taken: to be relayed where it is foreign."""
        listening = stranger.listening
        if listening.auth == "auth":
            why = "`auth` takes no mail before a login"
            return Ruling(question, "no", why, (listening.line,))
        turned_away = self._turned_away(listening)
        answer, why, lines = self._course(stranger)
        if answer == "yes" and turned_away is not Match.NEVER:
            answer = "no" if turned_away is Match.ALWAYS else "undecided"
            why = f"filters of the listener ({', '.join(listening.filters)}) come before `{why}`"
            lines = (listening.line, *lines)
        return Ruling(question, answer, why, lines)

    def _course(self, stranger: Stranger) -> tuple[Answer, str, tuple[ConfigLine, ...]]:
        """The way through the rules: an answer, why, and the lines that decide."""
        doubts: list[Rule] = []
        for rule in self._declared.rules:
            match = self._match(rule, stranger)
            if match is Match.NEVER:
                continue
            takes = rule.accepts and (rule.relays is not False or not stranger.foreign)
            if match is Match.UNKNOWN:
                doubts.append(rule)
            elif takes:
                barred = [doubt for doubt in doubts if not doubt.accepts]
                if barred:
                    return self._open(barred[0])
                return "yes", rule.line.text, self._lines(rule)
            elif match is Match.ALWAYS:
                return self._refused(doubts, stranger, f"`{rule.line.text}` decides", (rule.line,))
        return self._refused(doubts, stranger, "no rule takes it, and so it is refused", ())

    def _refused(
        self, doubts: list[Rule], stranger: Stranger, why: str, lines: tuple[ConfigLine, ...]
    ) -> tuple[Answer, str, tuple[ConfigLine, ...]]:
        for rule in doubts:
            if rule.accepts and (rule.relays is not False or not stranger.foreign):
                return self._open(rule)
        if self._declared.unread and not lines:
            return "undecided", self._declared.unread[0], ()
        return "no", why, lines

    def _open(self, rule: Rule) -> tuple[Answer, str, tuple[ConfigLine, ...]]:
        reasons = [
            reason
            for condition in (rule.source, rule.destination, *rule.options)
            for reason in self._unread(condition)
        ]
        why = reasons[0] if reasons else f"what `{rule.line.text}` matches can't be told"
        return "undecided", why, (rule.line,)

    def _lines(self, rule: Rule) -> tuple[ConfigLine, ...]:
        """The rule, then its tables and its action."""
        action = self._declared.actions.get(rule.action or "")
        operands = (each.operand for each in (rule.source, rule.destination, *rule.options))
        tables = (self._declared.tables.get(each.table or "") for each in operands if each)
        found = (*tables, action)
        return (rule.line, *(each.line for each in found if each is not None))

    def _turned_away(self, listening: Listening) -> Match:
        """Whether built-in filters of a listener keep strangers out whatever they do."""
        found, names, seen = Match.NEVER, [*listening.filters], set[str]()
        while names:
            name = names.pop()
            each = self._declared.filters.get(name)
            if name in seen or each is None:
                continue
            seen.add(name)
            names += each.chain
            # A program may turn away what it takes for spam, which is no rule about who may relay.
            if each.conditions is None or not each.turns_away:
                continue
            match = self._all(each.conditions, Stranger(listening, foreign=True))
            found = max(found, Match.NEVER if match is Match.MAY else match)
        return found

    # --- conditions ---

    def _match(self, rule: Rule, stranger: Stranger) -> Match:
        return self._all((rule.source, rule.destination, *rule.options), stranger)

    def _all(self, conditions: tuple[Condition, ...], stranger: Stranger) -> Match:
        return min((self._one(each, stranger) for each in conditions), default=Match.ALWAYS)

    def _one(self, condition: Condition, stranger: Stranger) -> Match:
        match = self._plain(condition, stranger)
        if not condition.negated:
            return match
        opposite = {Match.NEVER: Match.ALWAYS, Match.ALWAYS: Match.NEVER}
        return opposite.get(match, match)

    def _plain(self, condition: Condition, stranger: Stranger) -> Match:
        """A condition as it would be without its `!`."""
        what = condition.what
        if what == "any":
            return Match.ALWAYS
        if what in ("socket", "local", "auth"):
            return Match.NEVER
        if what == "own":
            return Match.NEVER if stranger.foreign else Match.ALWAYS
        if what == "tls":
            tls = stranger.listening.tls
            return {"": Match.NEVER, "tls": Match.MAY, "secure": Match.MAY}.get(tls, Match.ALWAYS)
        if what in _FORGED:
            return Match.MAY
        if condition.operand is None:
            return Match.UNKNOWN
        if what == "tag":
            return self._tag(condition, condition.operand, stranger.listening.tag)
        values = self._values(condition.operand)
        if values is None:
            return Match.UNKNOWN
        if what == "src":
            return self._from_address(condition, values)
        return self._to(condition, values, stranger)

    def _tag(self, condition: Condition, operand: Operand, tag: str) -> Match:
        values = self._values(operand)
        if values is None or condition.regex:
            return Match.UNKNOWN
        return Match.ALWAYS if tag in values else Match.NEVER

    def _from_address(self, condition: Condition, values: tuple[str, ...]) -> Match:
        if condition.regex:
            everybody = _EVERYTHING & set(values)
            return Match.ALWAYS if everybody else Match.UNKNOWN
        return Match.ALWAYS if is_everybody(values) else Match.NEVER

    def _to(self, condition: Condition, values: tuple[str, ...], stranger: Stranger) -> Match:
        domains = {value.rpartition("@")[2] for value in values}
        if (_EVERYTHING if condition.regex else {"*", ""}) & domains:
            return Match.ALWAYS
        if not stranger.foreign:
            return Match.MAY
        if not condition.regex:
            return Match.NEVER
        # An expression is for own domains as a rule; one without an end takes others too.
        return Match.NEVER if all(_is_bounded(value) for value in values) else Match.MAY

    # --- tables ---

    def _values(self, operand: Operand) -> tuple[str, ...] | None:
        """The values to compare with; None where a table can't be read."""
        if operand.table is None:
            return operand.values
        table = self._declared.tables.get(operand.table)
        if table is None:
            return None
        if table.entries is not None:
            return table.entries
        found = self._tree.read(table.path) if table.path else None
        if found is None or isinstance(found, Silence):
            return None
        lines = (line.split("#")[0].split() for line in found.text.split("\n"))
        return tuple(words[0] for words in lines if words)

    def _unread(self, condition: Condition) -> Iterator[str]:
        operand = condition.operand
        if operand is None or condition.what in _NEEDLESS:
            return  # nobody needs to read logins
        if self._values(operand) is None:
            yield f"table {operand.table} was not supplied"

    def trusted(self) -> Iterator[tuple[str, ConfigLine]]:
        """The networks whose mail to others is relayed without login, with their rules."""
        for rule in self._declared.rules:
            relays = rule.accepts and rule.relays
            operand = rule.source.operand
            by_address = rule.source.what == "src" and not rule.source.negated
            if not relays or not by_address or operand is None or rule.source.regex:
                continue
            if any(option.what == "auth" and not option.negated for option in rule.options):
                continue
            for value in self._values(operand) or ():
                network = _network(value)
                if network is not None:
                    yield str(network), rule.line

    def unread_networks(self) -> Iterator[str]:
        """Why the list of those networks may be longer."""
        for rule in self._declared.rules:
            if rule.accepts and rule.relays and rule.source.what == "src":
                yield from self._unread(rule.source)


def is_everybody(values: tuple[str, ...]) -> bool:
    """Whether a list of networks takes in strangers; `!` before one takes it out."""
    networks = [_network(value) for value in values if not value.startswith("!")]
    found = [network for network in networks if network is not None]
    halves = [network for network in found if network.prefixlen <= _MOST_OF[network.version]]
    return bool(halves)


def _network(value: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(value.strip("[]").removeprefix("IPv6:"), strict=False)
    except ValueError:
        return None


def _is_bounded(expression: str) -> bool:
    """Whether an expression fixes how a domain ends."""
    return expression.endswith("$") and not expression.endswith((".*$", ".+$"))
