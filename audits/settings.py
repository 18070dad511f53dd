"""The settings of a run, as `mailproof.yaml` gives them, with their defaults."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Text = Annotated[str, Meta(pattern=r"\S", description="text")]
Port = Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
Count = Annotated[int, Meta(ge=1, description="a whole number from 1")]
Seconds = Annotated[
    float, Meta(gt=0, le=86400, description="a number of seconds above 0, a day at most")
]
Pause = Annotated[
    float, Meta(ge=0, le=86400, description="a number of seconds from 0, a day at most")
]
Word = Annotated[str, Meta(pattern=r"^\S(.*\S)?$", description="text")]
SecretReference = Annotated[
    str,
    Meta(
        pattern=r"^(env|file|cmd):.+",
        description="a reference env:NAME, file:PATH or cmd:COMMAND, never the secret itself",
    ),
]
KeyFingerprint = Annotated[
    str,
    Meta(
        pattern=r"^SHA256:[A-Za-z0-9+/]{43}$",
        description="a fingerprint as ssh-keygen -l shows it, SHA256: and 43 characters",
    ),
]
AsNumber = Annotated[
    int, Meta(ge=1, le=4294967295, description="an AS number, as digits without AS")
]
# sub-domain = Let-dig [Ldh-str]; Local-part here is Dot-string: RFC 5321 section 4.1.2
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
HeloName = Annotated[
    str,
    Meta(
        pattern=rf"^({_DOMAIN}|\[[0-9A-Za-z:.]+\])$",
        description="a host name such as audit.example.net, or an address in brackets",
    ),
]
Mailbox = Annotated[
    str,
    Meta(
        pattern=rf"^{_ATEXT}(\.{_ATEXT})*@{_DOMAIN}$",
        description="a mailbox such as probe@audit.example.net",
    ),
]


class SecondResolverSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A resolver of somebody else's making, which validates too. addresses: one at least."""

    addresses: Annotated[tuple[str, ...], Meta(min_length=1)]
    port: Port = 53


class ResolverSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which resolver answers. addresses: empty for the system's own.

    validating: what the operator says of it; None leaves it to the pre-flight.
    signed_name, bogus_name: names that the pre-flight asks for; `.` is signed, and a bogus name is
    only asked for where one is given. tries: rounds over all addresses. second: is asked as well
    for whatever DNSSEC decides on; what only one of the two refuses is unknown.
    """

    addresses: tuple[str, ...] = ()
    port: Port = 53
    validating: bool | None = None
    signed_name: str = "."
    bogus_name: str | None = None
    timeout_s: Seconds = 3.0
    tries: Count = 2
    second: SecondResolverSettings | None = None


class TrustSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is trusted beside the system's public roots. ca_file: path of a PEM file."""

    ca_file: str | None = None


class VantageSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The place a run observes from. addresses: those it is seen under from outside."""

    name: Word = "here"
    addresses: tuple[str, ...] = ()


class ImapSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A mailbox over IMAP, inside TLS from the start. password: a reference such as `env:NAME`."""

    host: HeloName
    username: Word
    password: Word
    port: Port = 993
    folder: Word = "INBOX"


class CanarySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A mailbox that relay probes may send one message a host to, if `--canary` asks for it.

    It takes mail for `user+TOKEN@domain` as its own. owned: its domain is the operator's; need not
    be said of a domain in domains.yaml or below one. Read in one of two ways: maildir, a path from
    the configuration's folder, such as the store of `mailproof sink`; or imap. window_s: how long
    a message is waited for.
    """

    mailbox: Mailbox
    owned: bool = False
    maildir: str | None = None
    imap: ImapSettings | None = None
    window_s: Seconds = 30.0


class ProbeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a probe names itself, its envelope sender, and the foreign recipient of relay probes.

    recipient: a mailbox that the operator owns, at a domain that no audited host serves.
    relay_forms: `usual` tries eight ways of relaying in one connection to a service, `most` 21 in
    four, `all` two more under a forged name in EHLO, for which some servers ban a client.
    tls: `policy` offers services what the audits in force ask about, `all` everything, to know all
    that they accept; that takes some dozens of connections to each.
    own_mailboxes: mailboxes of the operator at domains that audited hosts serve; `--smuggling`
    (smuggling: on) sends messages to them.
    """

    ehlo: HeloName = "mailproof.invalid"
    sender: Mailbox = "probe@mailproof.invalid"
    recipient: Mailbox = "canary@mailproof.invalid"
    relay_forms: Literal["usual", "most", "all"] = "usual"
    canary: CanarySettings | None = None
    tls: Literal["policy", "all"] = "policy"
    own_mailboxes: tuple[Mailbox, ...] = ()
    smuggling: Literal["off", "on"] = "off"


class ReputationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which block lists are asked (RFC 5782). None is by default: most have terms of use.

    zones: names such as `dnsbl.example.org`, below which a list answers for outbound addresses.
    domain_zones: those below which one answers for domains that send mail.
    """

    zones: tuple[HeloName, ...] = ()
    domain_zones: tuple[HeloName, ...] = ()


class RpkiSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What routes are validated against (RFC 6811), without asking anybody.

    vrp_file: validated ROA payloads as a validator exports them, JSON or CSV. origins: the AS
    number that announces each of our prefixes.
    """

    vrp_file: str | None = None
    origins: dict[str, AsNumber] = field(default_factory=dict)


class SshSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How hosts of the inventory are logged in to, to read their configuration. Nothing is written.

    known_hosts: a file of host keys, without which no host is trusted; its path, like that of
    `key`, is relative to the configuration. A key that is not there is never taken. user, key,
    jump: where the inventory does not say otherwise of a host. agent: whether the keys of a running
    agent are offered; it is never forwarded. jump: `user@host:port` of a host to go through, or a
    host of the inventory. fingerprints: host keys that alone count, by host of the inventory.
    connect_s, command_s: how long one connection, and one command, may take.
    """

    known_hosts: Word
    user: Word | None = None
    key: Word | None = None
    key_passphrase: SecretReference | None = None
    agent: bool = True
    jump: Word | None = None
    fingerprints: dict[str, KeyFingerprint] = field(default_factory=dict)
    connect_s: Seconds = 10.0
    command_s: Seconds = 20.0


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of patience and pace. `_s` are seconds.

    concurrency: subjects at once. per_address: connections at once to one address.
    gap_s: how long at most the server at an address is given to let go of a connection that ended
    in the middle, before another takes its place.
    domain_s, host_s: deadline for all that is asked of one domain, one host or service.
    """

    concurrency: Count = 200
    per_address: Count = 2
    gap_s: Pause = 0.5
    connect_s: Seconds = 10.0
    banner_s: Seconds = 30.0
    reply_s: Seconds = 30.0
    tls_s: Seconds = 10.0
    https_s: Seconds = 60.0
    domain_s: Seconds = 120.0
    host_s: Seconds = 120.0


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All that a run can be told, apart from inventory, policy and waivers.

    ssh: without it no host is logged in to.
    redirect: `address:port` to the `address:port` that is dialled instead, IPv6 in brackets; for
    tests and the demo, where a host that the inventory does not know can't say it with `connect`.
    """

    resolver: ResolverSettings = ResolverSettings()
    trust: TrustSettings = TrustSettings()
    vantage: VantageSettings = VantageSettings()
    probe: ProbeSettings = ProbeSettings()
    limits: LimitSettings = LimitSettings()
    reputation: ReputationSettings = ReputationSettings()
    rpki: RpkiSettings = RpkiSettings()
    ssh: SshSettings | None = None
    redirect: dict[str, str] = field(default_factory=dict)
