"""Whether a client is on a list of hosts, domains, local parts or addresses (chapter 10)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine
from audits.parse.exim.config import Option
from audits.parse.exim.daemon import FOREIGN, Client, Daemon, Finding, Truth, settled
from audits.parse.exim.expansion import matches
from audits.parse.exim.source import pieces, shortened
from audits.parse.trust_list import Network, Trusted, TrustList

_DEEPEST = 6
_MOST_ITEMS = 20_000
_EVERYONE = ("0.0.0.0/0", "::/0")
_TABLE = re.compile(
    r"(?P<partial>partial\d*(?:\([^)]*\))?-)?(?P<net>net\d*-)?(?P<type>[a-z]+\d?)(?P<rest>\*?@?)"
    r"(?:,[^;]*)?\s*;\s*(?P<path>.*)",
    re.DOTALL,
)
_OF_TEXT = frozenset({"lsearch", "wildlsearch", "nwildlsearch", "iplsearch"})
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"|([^:\s]+(?:::[^:\s]+)*|[0-9A-Fa-f:.]+/\d+)')
# Names that no domain of others ends in (RFC 6761, RFC 6762, RFC 8375, RFC 9476).
_NEVER_FOREIGN = frozenset(
    {"corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost"}
)


@dataclass(frozen=True)
class Item:
    """An item of a list, nested ones unfolded. unread: why its own items are not known.

    implied: the `*` that follows a list which ends in an item with `!`.
    """

    text: str
    negated: bool
    lines: tuple[ConfigLine, ...]
    unread: str | None = None
    implied: bool = False


@dataclass(frozen=True)
class ListText:
    """A list where it stands. kind: host, domain, localpart or address."""

    kind: str
    text: str
    option: Option

    def lines_of(self, offset: int) -> tuple[ConfigLine, ...]:
        at = self.option.line.physical(self.option.offset + offset)
        return (ConfigLine(at, self.option.config_line.text), *self.option.line.macros)


class Matcher:
    """Lists as they are for one client."""

    def __init__(
        self, daemon: Daemon, client: Client, held: Mapping[str, str | None] | None = None
    ) -> None:
        self._daemon = daemon
        self._client = client
        self._held = held or {}
        self._count = 0
        # Whether a list within a list is another one for other clients.
        self._depends = False

    def match(self, listed: ListText) -> Finding:
        """Whether the client, or what it asks for, is on a list."""
        outcome = self._daemon.expand(listed.text, self._client, self._held)
        if outcome.text is None:
            return settled(outcome, f"`{shortened(listed.text)}`")
        client = self._client
        asked = {"domain": client.domain, "localpart": client.local_part, "address": client.sender}
        key = (listed.kind, outcome.text, listed.lines_of(0), asked.get(listed.kind))
        if key not in self._daemon.found:
            self._depends = False
            finding = self._match(listed)
            if self._depends:
                return finding
            self._daemon.found[key] = finding
        return self._daemon.found[key]

    def _match(self, listed: ListText) -> Finding:
        found = list(self.items(listed))
        if listed.kind == "host":
            return self._hosts(found)
        if listed.kind == "domain":
            return self._first(found, self._domain)
        if listed.kind == "localpart":
            return self._chosen(found) or self._first(found, self._local_part)
        return self._chosen(found) or self._first(found, self._address)

    def trusted(self, listed: ListText) -> tuple[tuple[Trusted, ...], tuple[str, ...]]:
        """The networks of a list of hosts, and why there may be more of them."""
        networks: list[Trusted] = []
        reasons: list[str] = []
        for item in self.items(listed):
            # A macro's line, where it is what brings the item in.
            brings = [line for line in item.lines if item.text in line.text]
            line = next(iter((*reversed(brings), *item.lines)), None)
            if item.unread:
                reasons.append(item.unread)
            elif item.text == "*":
                networks += (Trusted(ip_network(n), item.negated, line) for n in _EVERYONE)
            elif (network := _network(item.text)) is not None:
                networks.append(Trusted(network, item.negated, line))
            elif not _is_local(item.text) and not item.text.startswith("+"):
                reasons.append(f"which addresses {item.text!r} has, files don't tell")
        return tuple(networks), tuple(reasons)

    # --- unfolding ---

    def items(self, listed: ListText, depth: int = 0) -> Iterator[Item]:
        """The items of a list, those of named lists, of files and of tables in their place."""
        self._depends = self._depends or (depth > 0 and "$" in listed.text)
        outcome = self._daemon.expand(listed.text, self._client, self._held)
        if outcome.forced:
            return
        if outcome.text is None:
            why = settled(outcome, f"`{shortened(listed.text)}`").why
            yield Item(listed.text, False, listed.lines_of(0), why)
            return
        same = outcome.text == listed.text
        last: Item | None = None
        for text, offset in pieces(outcome.text):
            if self._spent() or depth > _DEEPEST:
                yield Item(text, False, listed.lines_of(0), "a list that is too long to follow")
                return
            negated = text.startswith("!")
            bare = text.lstrip("! \t")
            lines = listed.lines_of(offset if same else 0)
            last = Item(bare, negated, lines)
            yield from self._unfolded(listed.kind, last, depth)
        if last is not None and last.negated:
            yield Item("*", False, last.lines, implied=True)

    def _spent(self) -> bool:
        """Counts an item; whether there were too many."""
        self._count += 1
        self._daemon.budget.items -= 1
        return self._count > _MOST_ITEMS or self._daemon.budget.items < 0

    def _unfolded(self, kind: str, item: Item, depth: int) -> Iterator[Item]:
        inner: Iterator[Item] | None = None
        if item.text.startswith("+"):
            named = self._daemon.config.lists.get((kind, item.text[1:]))
            if named is not None:
                text = ListText(kind, named.option.value, named.option)
                inner = self.items(text, depth + 1)
        elif item.text.startswith("/"):
            inner = self._file(item)
        elif (table := _TABLE.fullmatch(item.text)) is not None and item.text[:1] not in "^*":
            inner = self._table(item, table, kind)
        if inner is None:
            yield item
            return
        for each in inner:
            lines = tuple(dict.fromkeys((*item.lines, *each.lines)))
            if item.text.startswith("+"):
                lines = each.lines
            negated = each.negated != item.negated
            yield Item(each.text, negated, lines, each.unread, each.implied)

    def _file(self, item: Item) -> Iterator[Item]:
        found = self._daemon.tree.read(item.text)
        if isinstance(found, Silence):
            yield Item(item.text, False, (), f"the list {item.text} was not supplied")
            return
        for line in found.text.split("\n"):
            text = line.partition("#")[0].strip() if line[:1] != "^" else line.strip()
            if text:
                if self._spent():
                    yield Item(text, False, (), f"{item.text} is too long to follow")
                    return
                yield Item(text.lstrip("! "), text.startswith("!"), ())

    def _table(self, item: Item, table: re.Match[str], kind: str) -> Iterator[Item]:
        if table["type"] not in _OF_TEXT:
            yield Item(item.text, False, (), f"table {item.text} was not supplied")
            return
        path = table["path"].strip()
        found = self._daemon.tree.read(path)
        if isinstance(found, Silence):
            yield Item(item.text, False, (), f"table {item.text} was not supplied")
            return
        for line in found.text.split("\n"):
            key = _KEY.match(line)
            if not line.strip() or line[:1] in "# \t" or key is None:
                continue
            if self._spent():
                yield Item(item.text, False, (), f"{path} is too long to follow")
                return
            text = key[1] or key[2]
            if table["type"] == "lsearch" and not table["rest"] and kind != "host":
                text = text.lstrip("*^") or "."
            yield Item(text, False, ())
            if table["partial"] and not text.startswith("*"):
                yield Item(f"*.{text.removeprefix('.')}", False, ())

    # --- matching ---

    def _first(self, found: list[Item], of: Callable[[Item], Finding]) -> Finding:
        """What the first item that applies says; open where one before it can't be decided."""
        open_: tuple[Item, Finding] | None = None
        for item in found:
            got = Finding(Truth.OPEN, item.unread) if item.unread else of(item)
            if got.truth is Truth.YES and (open_ is None or open_[0].negated is item.negated):
                answer = Truth.NO if item.negated else Truth.YES
                return Finding(answer, self._said(item), item.lines)
            if got.truth is Truth.YES:
                break
            if got.truth is not Truth.NO:
                open_ = open_ or (item, got)
        if open_ is None:
            return Finding(Truth.NO)
        return Finding(open_[1].truth, open_[1].why, open_[0].lines)

    @staticmethod
    def _said(item: Item) -> str:
        if item.implied:
            return "the list ends in an item with `!`, so all others are on it"
        return f"`{item.text}` is on the list"

    def _chosen(self, found: list[Item]) -> Finding | None:
        """What a client that may choose its sender and the mailbox makes of a list of them."""
        if not found:
            return Finding(Truth.NO)
        every = next((item for item in found if item.text in ("*", "*@*", "^.*")), None)
        if every is found[0] and every is not None:
            return Finding(Truth.NO if every.negated else Truth.YES, self._said(every), every.lines)
        return None

    def _domain(self, item: Item) -> Finding:
        domain, text = self._client.domain.lower(), item.text.lower()
        if text == "*":
            return Finding(Truth.YES)
        if text == "@":
            return self._truth(domain == self._daemon.hostname)
        if text.startswith("@mx_"):
            return Finding(Truth.CHOSEN, "whoever names this host in an MX record is on the list")
        if text.startswith("^"):
            return self._truth(matches(item.text, domain), item.text)
        if text.startswith("*"):
            suffix = text[1:]
            label = suffix.removeprefix(".")
            wide = domain == FOREIGN and "." not in label and label not in _NEVER_FOREIGN
            return self._truth(wide or domain.endswith(suffix))
        return self._truth(domain == text)

    def _local_part(self, item: Item) -> Finding:
        part = self._client.local_part
        if part is None:
            return Finding(Truth.CHOSEN, "a client chooses the mailbox")
        text = item.text
        if text.startswith("^"):
            return self._truth(matches(text, part), text)
        if text.startswith("*"):
            return self._truth(part.lower().endswith(text[1:].lower()))
        return self._truth(part.lower() == text.lower())

    def _address(self, item: Item) -> Finding:
        sender = self._client.sender
        if sender is None:
            return Finding(Truth.CHOSEN, "a client chooses its sender")
        text = item.text.lower()
        if text.startswith("^"):
            return self._truth(matches(item.text, sender), item.text)
        local, at, domain = text.rpartition("@")
        if not at:
            return self._truth(text == "*" or sender.rpartition("@")[2].lower() == text.lstrip("*"))
        theirs = sender.lower().rpartition("@")
        if not domain.startswith(("+", "*")):
            return self._truth(local in ("*", theirs[0]) and domain == theirs[2])
        return Finding(Truth.CHOSEN, "a client chooses its sender")

    @staticmethod
    def _truth(holds: bool | None, pattern: str = "") -> Finding:
        if holds is None:
            return Finding(Truth.OPEN, f"what `{pattern}` matches is not worked out")
        return Finding(Truth.YES if holds else Truth.NO)

    def _hosts(self, found: list[Item]) -> Finding:
        """Whether a stranger is on a list of hosts: by a network of everybody, or without one."""
        networks: list[Trusted] = []
        brought: dict[Network, tuple[ConfigLine, ...]] = {}
        open_: Item | None = None
        for item in found:
            if item.unread:
                open_ = open_ or item
            elif item.text == "*" or matches_all(item.text):
                if item.negated:
                    break
                if open_ is not None and open_.negated:
                    return Finding(Truth.OPEN, open_.unread or "", open_.lines)
                return Finding(Truth.YES, self._said(item), item.lines)
            elif (network := _network(item.text)) is not None:
                networks.append(Trusted(network, item.negated, None))
                brought.setdefault(network, item.lines)
        everybody = TrustList(tuple(networks), None).everybody
        if everybody:
            shown = " and ".join(str(trusted.network) for trusted in everybody)
            lines = tuple(dict.fromkeys(line for t in everybody for line in brought[t.network]))
            return Finding(Truth.YES, f"{shown} is everybody", lines)
        if open_ is not None and not open_.negated:
            return Finding(Truth.OPEN, open_.unread or "", open_.lines)
        return Finding(Truth.NO)


def matches_all(pattern: str) -> bool:
    """Whether an expression matches every name."""
    return pattern in ("^", "^.*", "^.*$", "^.+", "^.", "^.*\\$")


def _is_local(text: str) -> bool:
    return text in ("", "@", "@[]", "localhost", "127.0.0.1", "::1")


def _network(text: str) -> Network | None:
    """`10.0.0.0/8`, `192.0.2.1`, `[2001:db8::1]`; None for a name."""
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None
