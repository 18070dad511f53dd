"""How each host of the inventory is logged in to: its own settings, then those of the run."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct
from nornir.core.inventory import ConnectionOptions, Host

from audits.errors import UsageError
from audits.facts.fact import Reason, Silence
from audits.parse.known_hosts import host_name
from audits.settings import KeyFingerprint, SecretReference, SshSettings, Word

# Its name in `connection_options` of the inventory.
NAME = "ssh"

_PORT = 22
_JUMP = re.compile(r"(?:([^@\s]+)@)?(\[[0-9A-Fa-f:.]+\]|[^@:\s]+)(?::(\d{1,5}))?")


class Login(Struct, frozen=True):
    """Where and as whom to log in, and what to expect there.

    name: what the inventory calls the host. known_hosts, key: paths. fingerprint: the one host key
    that counts, such as `SHA256:...`. password, key_passphrase: references; whoever opens the
    connection resolves them. via: the host to go through.
    """

    name: str
    hostname: str
    port: int
    username: str
    known_hosts: str
    fingerprint: str | None
    key: str | None
    key_passphrase: str | None
    agent: bool
    password: str | None
    via: "Login | None"
    connect_s: float

    def __str__(self) -> str:
        return host_name(self.hostname, self.port)


class SshExtras(Struct, frozen=True, forbid_unknown_fields=True):
    """`connection_options.ssh.extras` of a host or group: what the settings say, for it alone."""

    key: Word | None = None
    key_passphrase: SecretReference | None = None
    agent: bool | None = None
    jump: Word | None = None
    fingerprint: KeyFingerprint | None = None


@dataclass(frozen=True)
class SshAccess:
    """How hosts are reached. hosts: by name. logins: or why there is none for a host.

    reveal: resolves the reference of a secret, raising UsageError.
    """

    hosts: Mapping[str, Host]
    logins: Mapping[str, Login | Silence]
    reveal: Callable[[str], str]


def ssh_access(
    hosts: Mapping[str, Host], settings: SshSettings, base: Path, reveal: Callable[[str], str]
) -> SshAccess:
    """The access to all hosts of an inventory; `base` is where its relative paths begin.

    Raises UsageError for a host that the settings name and nobody knows, and for extras or a jump
    host that can't be understood.
    """
    unknown = sorted(set(settings.fingerprints) - set(hosts))
    if unknown:
        raise UsageError(
            f"ssh: fingerprints: found {unknown[0]!r}, expected a host of the inventory"
        )
    logins = {name: _login(host, hosts, settings, base) for name, host in hosts.items()}
    return SshAccess(hosts, logins, reveal)


def _login(
    host: Host,
    hosts: Mapping[str, Host],
    settings: SshSettings,
    base: Path,
    *,
    direct: bool = False,
) -> Login | Silence:
    """How one host is logged in to. direct: it is a jump host itself."""
    # Not `Host.get`, which takes free data for attributes of the same name.
    options = host.get_connection_parameters(NAME)
    extras = _extras(host.name, options)
    username = options.username or settings.user
    if username is None:
        words = f"nothing says as whom to log in to {host.name}: neither its username nor ssh.user"
        return Silence(Reason.NOT_DECLARED, words)
    own = str(base / Path(extras.key).expanduser()) if extras.key is not None else None
    pinned = extras.fingerprint or settings.fingerprints.get(host.name)
    login = Login(
        name=host.name,
        hostname=options.hostname or host.name,
        port=options.port or _PORT,
        username=username,
        known_hosts=settings.known_hosts,
        fingerprint=pinned,
        key=own or settings.key,
        key_passphrase=extras.key_passphrase if own is not None else settings.key_passphrase,
        agent=settings.agent if extras.agent is None else extras.agent,
        password=options.password,
        via=None,
        connect_s=settings.connect_s,
    )
    jump = extras.jump or settings.jump
    if jump is None or direct or jump == host.name:
        return login
    via = _jump(jump, login, hosts, settings, base)
    return via if isinstance(via, Silence) else msgspec.structs.replace(login, via=via)


def _jump(
    jump: str, behind: Login, hosts: Mapping[str, Host], settings: SshSettings, base: Path
) -> Login | Silence:
    """The host to go through: with its own settings if the inventory has it.

    Any other is logged in to like what is behind it, but with no password that is not its own.
    """
    if jump in hosts:
        return _login(hosts[jump], hosts, settings, base, direct=True)
    found = _JUMP.fullmatch(jump)
    if found is None or int(found[3] or _PORT) not in range(1, 65536):
        raise UsageError(f"ssh: jump: found {jump!r}, expected user@host:port")
    name = found[2].strip("[]")
    return msgspec.structs.replace(
        behind,
        name=name,
        hostname=name,
        port=int(found[3] or _PORT),
        username=found[1] or settings.user or behind.username,
        fingerprint=None,
        password=None,
    )


def _extras(name: str, options: ConnectionOptions) -> SshExtras:
    try:
        return msgspec.convert(options.extras or {}, SshExtras)
    except msgspec.ValidationError as error:
        where = f"{name}: connection_options: {NAME}: extras"
        raise UsageError(f"{where}: {error}") from error
