"""An Exim as its files describe it, and a client of one of its listeners."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from audits.facts.mta import ConfigLine
from audits.parse.config_tree import ConfigTree
from audits.parse.exim.config import Config
from audits.parse.exim.defaults import Build, default
from audits.parse.exim.expansion import Lookup, Outcome, expand

# Stands for every domain that a host has nothing to do with.
FOREIGN = "domain-of-others.com"

# What a client decides for itself. A name in DNS counts: anybody may have one that fits.
_CHOSEN = (
    "sender_address",
    "sender_helo_name",
    "sender_host_name",
    "sender_rate",
    "local_part",
    "h_",
    "message_",
    "body_",
    "rcpt_",
    "recipients",
    "dnslist_",
    "smtp_command",
    "spam_",
    "malware_",
    "spf_",
    "dkim_",
    "dmarc_",
    "max_received_linelength",
    "received_count",
)


class Truth(Enum):
    """How a condition comes out; CHOSEN: as the client likes."""

    YES = "yes"
    NO = "no"
    OPEN = "open"
    CHOSEN = "chosen"

    def negated(self) -> "Truth":
        return {Truth.YES: Truth.NO, Truth.NO: Truth.YES}.get(self, self)


@dataclass(frozen=True)
class Finding:
    """How a condition or list comes out. why: one clause; lines: what makes it so."""

    truth: Truth
    why: str = ""
    lines: tuple[ConfigLine, ...] = ()


@dataclass(frozen=True)
class Client:
    """A client outside every trusted network, and what it asks for.

    domain: of the recipient; FOREIGN for one of others. local_part, sender: None for whatever suits
    it. user: who it is logged in as; None for a stranger.
    """

    port: int
    encrypted: bool
    domain: str = FOREIGN
    local_part: str | None = None
    sender: str | None = None
    user: str | None = None


@dataclass
class Budget:
    """How many items of lists are looked at before all others are left open."""

    items: int = 200_000


@dataclass(frozen=True)
class Daemon:
    """What all reasoning needs: the configuration, the files that it refers to, which Exim it is.

    unread: why includes are missing, so that what is not set may yet be. found: how lists came out
    that say the same to every client.
    """

    config: Config
    tree: ConfigTree
    build: Build
    unread: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    found: dict[tuple[object, ...], Finding] = field(default_factory=dict)

    def raw(self, name: str) -> str:
        """A main option as written, or its default."""
        option = self.config.options.get(name)
        return option.value if option else default(name, self.build.number)

    def lines(self, *names: str) -> tuple[ConfigLine, ...]:
        """The lines that set these options; none for defaults."""
        options = (self.config.options.get(name) for name in names)
        found = [line for option in options if option for line in option.lines]
        return tuple(dict.fromkeys(found))

    def switch(self, name: str) -> bool:
        return self.raw(name) == "true"

    def expand(
        self, text: str, client: Client, held: Mapping[str, str | None] | None = None
    ) -> Outcome:
        """A string as it is for a client; held: the ACL variables."""
        return expand(text, self._variables(client, held or {}))

    def value(self, name: str, client: Client) -> Outcome:
        """A main option as it is for a client."""
        return self.expand(self.raw(name), client)

    @property
    def hostname(self) -> str:
        """The host's own name; what the system says is not in the files."""
        return self.raw("primary_hostname").lower()

    def _variables(self, client: Client, held: Mapping[str, str | None]) -> Lookup:
        known: dict[str, str | None] = {}

        def lookup(name: str) -> str | None:
            if name.startswith(("acl_c", "acl_m")):
                return held.get(name, "")
            if not known:
                known.update(self._of(client))
            return known.get(name)

        return lookup

    def _of(self, client: Client) -> dict[str, str | None]:
        """Variables by their names; None for those that the client chooses."""
        cipher = "TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256"
        return {
            "received_port": str(client.port),
            "interface_port": str(client.port),
            "tls_in_cipher": cipher if client.encrypted else "",
            "tls_cipher": cipher if client.encrypted else "",
            "tls_in_cipher_std": "TLS_AES_256_GCM_SHA384" if client.encrypted else "",
            "tls_in_ver": "TLS1.3" if client.encrypted else "",
            "tls_in_certificate_verified": "0",
            "tls_certificate_verified": "0",
            "tls_in_peerdn": "",
            "authenticated_id": client.user or "",
            "sender_host_authenticated": "plain" if client.user else "",
            "domain": client.domain,
            "local_part": client.local_part,
            "sender_address": client.sender,
            "sender_address_domain": _part(client.sender, 2),
            "sender_address_local_part": _part(client.sender, 0),
            "primary_hostname": self.hostname or None,
            "qualify_domain": self.qualify_domain or None,
            "smtp_active_hostname": self.hostname or None,
            "version_number": self.build.text or None,
            "exim_version": self.build.text or None,
        }

    @property
    def qualify_domain(self) -> str:
        written = self.raw("qualify_domain")
        return self.hostname if "$" in written else written


def _part(address: str | None, which: int) -> str | None:
    return None if address is None else address.rpartition("@")[which]


def settled(outcome: Outcome, what: str) -> Finding:
    """What a string leaves that can't be expanded here: the client's choice, or a question."""
    missing = outcome.missing or ["a part of it"]
    names = " and ".join(dict.fromkeys(missing))
    if all(name.lstrip("${").startswith(_CHOSEN) for name in missing):
        return Finding(Truth.CHOSEN, f"a client decides on {names} in {what}")
    return Finding(Truth.OPEN, f"{what} depends on {names}, which files don't tell")
