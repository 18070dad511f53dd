"""Who may relay by a Sendmail configuration: features, the access map and relay-domains.

Sendmail checks the name of a client both ways, so a name in the DNS keeps strangers out; a sender
does not, since anybody can write one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine, Question, Ruling
from audits.facts.place import Place
from audits.parse.config_tree import ConfigTree
from audits.parse.sendmail.source import Source

_OPENING = {
    "promiscuous_relay": "relays for everybody",
    "relay_local_from": "relays for senders of own domains, which anybody can forge",
    "relay_based_on_MX": "relays for every domain whose MX record points here",
    "loose_relay_check": "passes on what a recipient such as user%domain@here names",
}
_RELAY_DOMAINS = "/etc/mail/relay-domains"
_ACCESS = "/etc/mail/access"
_MOST_OF = {4: 1, 6: 3}


@dataclass(frozen=True)
class Entry:
    """An entry of the access map with `RELAY`, or a line of relay-domains.

    tag: `connect`, `to`, `from` or nothing for all of them.
    """

    tag: str
    key: str
    line: ConfigLine


class RelayRules:
    """What lets mail of others through. unread: the access map, where nobody supplied it."""

    def __init__(self, source: Source, tree: ConfigTree) -> None:
        self.source = source
        self.unread: str | None = None
        self.entries = tuple(self._entries(tree))

    def _entries(self, tree: ConfigTree) -> Iterator[Entry]:
        for call in self.source.relay_domains:
            for word in " ".join(call.arguments).split():
                yield Entry("", word.lower(), call.line)
        files = [call.argument(0).split()[-1:] for call in self.source.relay_files]
        for path in (_RELAY_DOMAINS, *(name for names in files for name in names)):
            found = tree.read(path)
            if not isinstance(found, Silence):
                for word, _, line in _lines(found.text, found.shown):
                    yield Entry("", word.lower(), line)
        access = self.source.features.get("access_db")
        if access is not None:
            yield from self._access(access.argument(1), tree)

    def _access(self, argument: str, tree: ConfigTree) -> Iterator[Entry]:
        words = [word for word in argument.split() if word.startswith("/")]
        path = (words[-1] if words else _ACCESS).removesuffix(".db")
        found = tree.read(path)
        if isinstance(found, Silence):
            self.unread = f"the access map {path} was not supplied"
            return
        for key, value, line in _lines(found.text, found.shown):
            tag, colon, rest = key.partition(":")
            tagged = bool(colon) and tag.lower() in ("connect", "to", "from")
            if value.upper() == "RELAY":
                key = rest if tagged else key
                yield Entry(tag.lower() if tagged else "", key.lower(), line)

    def ruling(self) -> Ruling:
        """Whether mail of strangers is relayed."""
        question = Question.RELAY
        for name, why in _OPENING.items():
            feature = self.source.features.get(name)
            if feature is not None:
                return Ruling(question, "yes", f"FEATURE({name}) {why}", (feature.line,))
        by_sender = self.source.features.get("relay_mail_from")
        for entry in self.entries:
            network = network_of(entry.key)
            if network is not None and network.prefixlen <= _MOST_OF[network.version]:
                return Ruling(question, "yes", f"`{entry.line.text}` is everybody", (entry.line,))
            if network is None and "." not in entry.key.strip(".") and entry.tag != "from":
                if entry.key in ("localhost", "localhost.localdomain"):
                    continue
                all_of = "a whole top-level domain" if entry.key else "everybody"
                why = f"`{entry.line.text}` takes in {all_of}"
                return Ruling(question, "yes", why, (entry.line,))
            if by_sender is not None and entry.tag == "from":
                why = f"`{entry.line.text}`: anybody can forge that sender"
                return Ruling(question, "yes", why, (entry.line, by_sender.line))
        if self.unread is not None:
            access = self.source.features["access_db"]
            return Ruling(question, "undecided", self.unread, (access.line,))
        if self.source.unread:
            return Ruling(question, "undecided", self.source.unread[0], ())
        return Ruling(question, "no", "nothing lets mail for domains of others through", ())

    def trusted(self) -> Iterator[tuple[str, ConfigLine]]:
        """The networks that may relay without login, with their lines."""
        for entry in self.entries:
            network = network_of(entry.key) if entry.tag in ("", "connect") else None
            if network is not None:
                yield str(network), entry.line


def _lines(text: str, file: str) -> Iterator[tuple[str, str, ConfigLine]]:
    """Key and value of each line; `#` begins a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split("#")[0].split(None, 1)
        if words:
            at = ConfigLine(Place(file, number), " ".join(line.split())[:200])
            yield words[0], "".join(words[1:]).strip(), at


def network_of(key: str) -> IPv4Network | IPv6Network | None:
    """The network of a key: whole octets as in `10.20`, or `IPv6:2001:db8`; None for a name."""
    if key.lower().startswith("ipv6:"):
        groups = [group for group in key[5:].rstrip(":").split(":") if group]
        joined = (
            key[5:] if "::" in key[5:] else ":".join(groups) + ("::" if len(groups) < 8 else "")
        )
        length = 128 if "::" in key[5:] or len(groups) == 8 else 16 * len(groups)
        return _parsed(f"{joined}/{length}")
    octets = key.strip("[]").rstrip(".").split(".")
    if not 1 <= len(octets) <= 4 or not all(each.isascii() and each.isdecimal() for each in octets):
        return None
    return _parsed(".".join([*octets, "0", "0", "0"][:4]) + f"/{8 * len(octets)}")


def _parsed(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
