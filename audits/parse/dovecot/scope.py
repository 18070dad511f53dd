"""What settings come to for one protocol, for all clients or for those that a filter picks."""

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import islice

from audits.facts.mta import Answer, ConfigLine, Question, Ruling
from audits.parse.dovecot.document import Document, Section, Setting

_FILTERS = ("local", "remote", "local_name")
_MOST_VIEWS = 50
# The first minor release of 2.3 that no longer speaks TLS 1.0 and 1.1 unless told to.
_TLS_1_2_SINCE = (2, 3, 15)

_DEFAULTS = {
    "auth_allow_cleartext": "no",
    "auth_failure_delay": "2 secs",
    "auth_mechanisms": "plain",
    "disable_plaintext_auth": "yes",
    "listen": "*, ::",
    "login_greeting": "Dovecot ready.",
    "ssl": "yes",
}


class Scope:
    """Settings in layers, the last of which wins: all, a protocol, then what a filter picks.

    version: (2, 3, 19) or, where the files are written for it, (2, 4).
    """

    def __init__(
        self, document: Document, version: tuple[int, ...], layers: tuple[Section, ...]
    ) -> None:
        self.document = document
        self.version = version
        self._layers = layers

    @property
    def since_2_4(self) -> bool:
        return self.version >= (2, 4)

    def setting(self, name: str) -> Setting | None:
        """The setting that wins; None for a built-in one."""
        found = (layer.setting(name) for layer in reversed(self._layers))
        return next((setting for setting in found if setting is not None), None)

    def value(self, name: str) -> str:
        """The value, or the built-in one of this version, or nothing."""
        setting = self.setting(name)
        if setting is not None:
            return setting.value
        if name == "ssl_min_protocol":
            older = self.version < _TLS_1_2_SINCE and len(self.version) > 2
            return "TLSv1" if older else "TLSv1.2"
        return _DEFAULTS.get(name, "")

    def says_yes(self, name: str) -> bool:
        return self.value(name).lower() in ("yes", "y", "1")

    def words(self, name: str) -> list[str]:
        """A list: words, or since 2.4 a section of `word = yes` lines."""
        for layer in reversed(self._layers):
            item = layer.named(name)
            if isinstance(item, Section):
                settings = (each for each in item.items if isinstance(each, Setting))
                return [each.name for each in settings if each.value.lower() != "no"]
            if item is not None:
                return item.value.replace(",", " ").split()
        return self.value(name).replace(",", " ").split()

    def lines(self, *names: str) -> tuple[ConfigLine, ...]:
        """The lines of settings; built-in ones aside."""
        found = (self.setting(name) for name in names)
        return tuple(setting.line for setting in found if setting is not None)

    def rules(self, question: Question, answer: Answer, why: str, *names: str) -> Ruling:
        """An answer with the lines of the settings that give it."""
        return Ruling(question, answer, why, self.lines(*names))


def scopes(document: Document, version: tuple[int, ...], protocol: str) -> list[Scope]:
    """How a protocol is set for all clients, then for those that each filter picks.

    A filter for clients in private networks is about nobody that comes from elsewhere.
    """
    root = document.root
    chains = [(root,), *islice(_chains(root, (root,)), _MOST_VIEWS)]
    sections = {id(each): each for chain in chains for each in chain}
    own = {key: _of_protocol(each, protocol) for key, each in sections.items()}
    return [
        Scope(document, version, tuple(part for each in chain for part in (each, own[id(each)])))
        for chain in chains
        if len(chain) == 1 or _concerns(chain[-1], own[id(chain[-1])])
    ]


def _chains(section: Section, above: tuple[Section, ...]) -> Iterator[tuple[Section, ...]]:
    for inner in section.sections(*_FILTERS):
        chain = (*above, inner)
        if inner.name != "remote" or not is_private(inner.argument):
            yield chain
            yield from _chains(inner, chain)


def _of_protocol(section: Section, protocol: str) -> Section:
    """All that a section says of a protocol, in one."""
    whole = Section("protocol", protocol, section.place)
    for each in section.sections("protocol"):
        if _names(each, protocol):
            for item in each.items:
                whole.add(item)
    return whole


def _concerns(section: Section, own: Section) -> bool:
    """Whether a filter says anything about a protocol. own: what it says of that one alone."""
    return bool(own.items) or any(isinstance(item, Setting) for item in section.items)


def _names(section: Section, protocol: str) -> bool:
    negated, names = section.argument.startswith("!"), section.argument.lstrip("!")
    return (protocol in names.split()) != negated


def is_private(networks: str) -> bool:
    """Whether every network of a list is one that nobody on the internet has an address in."""
    for word in networks.replace(",", " ").split():
        try:
            network = ip_network(word, strict=False)
        except ValueError:
            return False
        # Python calls a network private if its first and its last address are: all of IPv4 is.
        if not network.is_private or network.prefixlen < 7:
            return False
    return True
