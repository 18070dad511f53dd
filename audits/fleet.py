"""The inventory: Nornir's own files and `domains.yaml`, read into a fleet of declared subjects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from audits.document import read_document, shown
from audits.errors import InventoryError, ParseError, UsageError
from audits.facts.declared import (
    Attestation,
    DeclaredDomain,
    DeclaredHost,
    DeclaredSelector,
    DeclaredSender,
    DeclaredService,
)
from audits.facts.fact import Observed, Provenance
from audits.parse.declared_name import (
    declared_address,
    declared_endpoint,
    declared_name,
    declared_network,
)
from audits.parse.located_yaml import Document, Key, decode, nearest
from audits.selector import Selection, unmatched
from audits.settings import Mailbox, SecretReference
from audits.subject import Domain, MailHost, Role, Service

if TYPE_CHECKING:
    from nornir.core.inventory import ConnectionOptions as NornirOptions
    from nornir.core.inventory import Inventory

T = TypeVar("T")

Port = Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
Text = Annotated[str, Meta(min_length=1, description="text")]
GroupName = Annotated[
    str, Meta(pattern=r"^[^\s,!:]+$", description="a name without space, comma, colon or `!`")
]
_Roles = Annotated[tuple[Role, ...], Meta(min_length=1, description=f"a list of {', '.join(Role)}")]


class ServiceEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A port of a host. connect: `address:port` that a probe dials instead."""

    port: Port
    connect: str | None = None


Fingerprint = Annotated[
    str,
    Meta(
        pattern=r"^(verified|any|sha256:[0-9a-f]{64})$",
        description="`verified`, `any`, or `sha256:` and the digest of a public key in lower hex",
    ),
]


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    """An account that may submit mail, and where its password is.

    mailbox: its own; default, the user name, at the host's first domain where it has none.
    other_mailbox: somebody else's, that it must not send as; default, a random one beside its own.
    certificate: to whom the password is given: a server whose certificate is trusted and fits its
    name, one with that public key (SHA-256 of the SubjectPublicKeyInfo), or any.
    """

    username: Text
    password: SecretReference
    mailbox: Mailbox | None = None
    other_mailbox: Mailbox | None = None
    certificate: Fingerprint = "verified"


class SubmissionMfa(Struct, frozen=True, forbid_unknown_fields=True):
    """What users log in with, as somebody answers for. by: who; date, expires: UTC, inclusive."""

    value: Literal["tokens", "app-passwords", "certificates", "passwords"]
    evidence_uri: Text
    by: Text
    on: date = msgspec.field(name="date")
    expires: date


class Attest(Struct, frozen=True, forbid_unknown_fields=True):
    """What can't be seen from outside and is attested instead."""

    submission_mfa: SubmissionMfa | None = None


class Mail(Struct, frozen=True, forbid_unknown_fields=True):
    """What the inventory says of a host's mail, under `data.mail`; keys are inherited one by one.

    addresses: default, its A and AAAA records. services: default, by role. domains: those it
    accepts mail for. behind_gateway: prefixes of a filtering service in front. tls_mandatory: it
    takes mail on port 25 inside TLS only. private_ca: a PEM file. login: used only where a probe
    needs one. attest: statements that audits rely on.
    """

    roles: _Roles | UnsetType = UNSET
    addresses: tuple[str, ...] | UnsetType = UNSET
    services: tuple[ServiceEntry, ...] | UnsetType = UNSET
    domains: tuple[str, ...] | UnsetType = UNSET
    helo_name: str | UnsetType | None = UNSET
    sends_from: tuple[str, ...] | UnsetType = UNSET
    behind_gateway: tuple[str, ...] | UnsetType = UNSET
    tls_mandatory: bool | UnsetType = UNSET
    private_ca: Text | UnsetType | None = UNSET
    login: Login | UnsetType | None = UNSET
    attest: Attest | UnsetType | None = UNSET


class Data(Struct, frozen=True):
    """Nornir's free data. `mail` is ours; whatever else is there belongs to others."""

    mail: Mail = Mail()


class ConnectionEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """How one kind of connection, such as SSH, reaches a host: Nornir's connection options."""

    hostname: str | None = None
    port: Port | None = None
    username: str | None = None
    password: SecretReference | None = None
    platform: str | None = None
    extras: dict[str, Any] | None = None


class DefaultsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for every host that neither says otherwise nor has a group that does."""

    hostname: str | None = None
    port: Port | None = None
    username: str | None = None
    password: SecretReference | None = None
    platform: str | None = None
    data: Data | None = None
    connection_options: dict[str, ConnectionEntry] | None = None


class HostEntry(DefaultsEntry, frozen=True, forbid_unknown_fields=True):
    """A host or a group of hosts in Nornir's format. groups: in order of precedence."""

    groups: tuple[GroupName, ...] | None = None


class SelectorEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A DKIM selector. owner: `self`, or the sender that signs with it."""

    selector: Text
    owner: Text = "self"
    created: date | None = None
    active: bool = True


class DomainEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A domain. Neither `sends` nor `receives`: parked.

    mx: the hosts that are expected; default, whatever is published. submission, senders: hosts of
    the inventory that take its users' mail, and that send for it.
    """

    sends: bool
    receives: bool
    groups: tuple[GroupName, ...] | None = None
    mx: tuple[str, ...] | None = None
    submission: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    dkim: tuple[SelectorEntry, ...] = ()
    mail_class: Literal["transactional", "general-users", "mixed"] | None = msgspec.field(
        default=None, name="class"
    )


HostFile = dict[str, HostEntry | None]
GroupFile = dict[str, HostEntry | None]
DefaultsFile = DefaultsEntry | None
DomainFile = dict[str, DomainEntry]


class Connections(Struct, frozen=True):
    """Nornir's side of the inventory: how to reach a host, by its normalised name."""

    hosts: dict[str, HostEntry]
    groups: dict[str, HostEntry]
    defaults: DefaultsEntry


class Fleet(Struct, frozen=True):
    """What a run is about.

    host_names: every host of the inventory, sorted, whatever the run is limited to.
    logins: by host name; a password is a reference, for `audits.secret`.
    """

    domains: tuple[Observed[DeclaredDomain], ...]
    hosts: tuple[Observed[DeclaredHost], ...]
    host_names: tuple[str, ...]
    logins: dict[str, Login]
    connections: Connections


def read_fleet(
    folder: Path,
    *,
    vantage: str,
    at: datetime,
    root: Path | None = None,
    plugin: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Fleet:
    """The fleet that `hosts.yaml`, `groups.yaml`, `defaults.yaml` and `domains.yaml` declare.

    root: the folder from which facts name these files; default, the one that `folder` is in.
    plugin: a Nornir inventory plugin to take the hosts from instead, with its options; hosts
    for which it has no `data.mail` are not part of the fleet.
    Raises InventoryError with a line for every problem.
    """
    hosts, groups, defaults = _host_documents(folder, plugin, options or {})
    domains = _document(folder, "domains.yaml")
    if hosts is None and domains is None:
        raise InventoryError(
            f"{shown(folder)}: found neither hosts.yaml nor domains.yaml, expected an inventory"
        )
    problems: list[str] = []
    files = _Files(
        hosts=_File(hosts, HostFile, problems),
        groups=_File(groups, GroupFile, problems),
        defaults=_File(defaults, DefaultsFile, problems),
        domains=_File(domains, DomainFile, problems),
    )
    _stop_at(problems)
    declared = _Declared(files, problems, optional_mail=plugin is not None)
    declared.take_hosts()
    declared.take_domains()
    _stop_at(problems)
    top = root if root is not None and folder.is_relative_to(root) else folder.parent
    named = folder.relative_to(top)
    return declared.fleet(lambda source: Provenance("inventory", vantage, at, source), named)


def _stop_at(problems: Sequence[str]) -> None:
    if problems:
        raise InventoryError("\n".join(problems))


def _document(folder: Path, name: str) -> Document | None:
    path = folder / name
    return read_document(path, InventoryError) if path.exists() else None


class _File:
    """A decoded file beside the document that knows its lines; empty where there is no file."""

    def __init__(self, document: Document | None, kind: Any, problems: list[str]) -> None:
        self.document = document or Document("", None)
        self.entries: Any = None
        if self.document.root is not None:
            try:
                self.entries = decode(self.document, kind)
            except ParseError as error:
                problems.append(str(error))


@dataclass(frozen=True)
class _Files:
    hosts: _File
    groups: _File
    defaults: _File
    domains: _File


@dataclass
class _Checker:
    """Brings values into the form of facts; what can't be is noted with its place."""

    document: Document
    problems: list[str]

    def note(self, path: Sequence[Key], error: ParseError) -> None:
        self.problems.append(self.document.problem(path, str(error)))

    def one(self, read: Callable[[str], str], text: str, path: tuple[Key, ...]) -> str:
        try:
            return read(text)
        except ParseError as error:
            self.note(path, error)
            return text

    def every(
        self, read: Callable[[str], str], texts: Sequence[str], path: tuple[Key, ...]
    ) -> tuple[str, ...]:
        found = (self.one(read, text, (*path, i)) for i, text in enumerate(texts))
        return tuple(dict.fromkeys(found))

    def mail(self, mail: Mail, path: tuple[Key, ...]) -> Mail:
        """The same with canonical names and addresses."""
        changed: dict[str, Any] = {}
        for key, read in _MAIL_LISTS.items():
            texts = getattr(mail, key)
            if texts is not UNSET:
                changed[key] = self.every(read, texts, (*path, key))
        if isinstance(mail.helo_name, str):
            changed["helo_name"] = self.one(declared_name, mail.helo_name, (*path, "helo_name"))
        if mail.services is not UNSET:
            changed["services"] = self._services(mail.services, (*path, "services"))
        if isinstance(mail.attest, Attest):
            self._attest(mail.attest, (*path, "attest"))
        if mail.roles is not UNSET and Role.NONE in mail.roles and len(set(mail.roles)) > 1:
            self.note((*path, "roles"), ParseError("found 'none' beside others, expected it alone"))
        return msgspec.structs.replace(mail, **changed)

    def _attest(self, attest: Attest, path: tuple[Key, ...]) -> None:
        for key in Attest.__struct_fields__:
            stated: SubmissionMfa | None = getattr(attest, key)
            if stated is not None and stated.expires < stated.on:
                error = f"found {stated.expires}, expected a day not before {stated.on}"
                self.note((*path, key, "expires"), ParseError(error))

    def _services(
        self, services: tuple[ServiceEntry, ...], path: tuple[Key, ...]
    ) -> tuple[ServiceEntry, ...]:
        seen: dict[int, ServiceEntry] = {}
        for place, service in enumerate(services):
            if service.port in seen:
                error = ParseError(f"found port {service.port} again, expected it once")
                self.note((*path, place, "port"), error)
            connect = service.connect
            if connect is not None:
                connect = self.one(declared_endpoint, connect, (*path, place, "connect"))
            seen[service.port] = ServiceEntry(service.port, connect)
        return tuple(seen.values())


_MAIL_LISTS: dict[str, Callable[[str], str]] = {
    "addresses": declared_address,
    "domains": declared_name,
    "sends_from": declared_address,
    "behind_gateway": declared_network,
}
_MAIL_PATH = ("data", "mail")

# RFC 5321 section 4.5.4.2; RFC 8314 section 3.3 and RFC 6409 section 3.1
_PORTS = {Role.MX: (25,), Role.RELAY: (25,), Role.MSA: (465, 587)}


@dataclass
class _Declared:
    """The inventory on its way from decoded files to facts."""

    files: _Files
    problems: list[str]
    optional_mail: bool
    hosts: dict[str, tuple[DeclaredHost, Document, str]] = field(default_factory=dict)
    domains: dict[str, tuple[DeclaredDomain, Document, str]] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    connections: dict[str, HostEntry] = field(default_factory=dict)
    lineages: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups: dict[str, HostEntry] = {
            name: entry or HostEntry() for name, entry in (self.files.groups.entries or {}).items()
        }
        self.defaults: DefaultsEntry = self.files.defaults.entries or DefaultsEntry()
        self._inherited = {
            name: self._mail(self.files.groups.document, entry, (name,))
            for name, entry in self.groups.items()
        }
        self._default_mail = self._mail(self.files.defaults.document, self.defaults, ())
        for name, entry in self.groups.items():
            self._check_groups(self.files.groups.document, name, entry.groups or ())

    def _mail(self, document: Document, entry: DefaultsEntry, path: tuple[Key, ...]) -> Mail:
        mail = entry.data.mail if entry.data else Mail()
        return _Checker(document, self.problems).mail(mail, (*path, *_MAIL_PATH))

    def _check_groups(self, document: Document, name: str, groups: Sequence[str]) -> None:
        for place, group in enumerate(groups):
            if group not in self.groups:
                known = list(self.groups)
                self.problems.append(
                    document.problem(
                        (name, "groups", place),
                        f"found {group!r}, expected a group of groups.yaml{nearest(group, known)}",
                    )
                )

    def lineage(self, groups: Sequence[str], above: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Groups and the groups of groups, in the order in which Nornir lets them inherit."""
        found: dict[str, None] = {}
        for group in groups:
            if group in above:
                path = (group, "groups")
                self.problems.append(
                    self.files.groups.document.problem(
                        path, f"found the circle {' > '.join((*above, group))}, expected none"
                    )
                )
                continue
            if group not in self.lineages and group in self.groups:
                parents = self.groups[group].groups or ()
                self.lineages[group] = self.lineage(parents, (*above, group))
            found.update(dict.fromkeys((group, *self.lineages.get(group, ()))))
        return tuple(found)

    def take_hosts(self) -> None:
        document = self.files.hosts.document
        for written, entry in (self.files.hosts.entries or {}).items():
            entry = entry or HostEntry()
            groups = self.lineage(entry.groups or ())
            own = self._mail(document, entry, (written,))
            mail = _merged(
                own, *(self._inherited.get(g, Mail()) for g in groups), self._default_mail
            )
            if mail.roles is UNSET and self.optional_mail:
                continue
            name = self._new_name(document, written, self.hosts)
            self._check_groups(document, written, entry.groups or ())
            if mail.roles is UNSET:
                self.problems.append(self._no_roles(document, written))
            self.hosts[name] = (_declared_host(name, groups, mail), document, written)
            self.connections[name] = entry
            if isinstance(mail.login, Login):
                self.logins[name] = mail.login

    def _new_name(self, document: Document, written: str, taken: Mapping[str, Any]) -> str:
        try:
            name = declared_name(written)
        except ParseError as error:
            self.problems.append(f"{document.where((written,))}: {error}")
            return written
        if name in taken:
            first = taken[name][2]
            self.problems.append(
                f"{document.where((written,))}: found {written!r} again, expected it once; it "
                f"stands at line {document.line((first,))} already, as {first!r}"
            )
        return name

    def _no_roles(self, document: Document, written: str) -> str:
        data = (document.root[written] or {}).get("data") or {}
        odd = [key for key in data if key != "mail" and nearest(key, ["mail"])]
        path: tuple[Key, ...] = (written, "data", odd[0]) if odd else (written,)
        return (
            f"{document.where(path)}: {written}: data.mail.roles: found nothing here, in its "
            f"groups or in defaults.yaml, expected a list of {', '.join(Role)}"
            + (f"; did you mean 'mail' by {odd[0]!r}?" if odd else "")
        )

    def take_domains(self) -> None:
        document = self.files.domains.document
        check = _Checker(document, self.problems)
        for written, entry in (self.files.domains.entries or {}).items():
            name = self._new_name(document, written, self.domains)
            expected_mx = entry.mx
            if expected_mx is not None:
                expected_mx = check.every(declared_name, expected_mx, (written, "mx"))
            senders = self._known(check, entry.senders, (written, "senders"))
            declared = DeclaredDomain(
                subject=Domain(name),
                groups=tuple(dict.fromkeys(entry.groups or ())),
                sends=entry.sends,
                receives=entry.receives,
                mx=expected_mx,
                submission=self._known(check, entry.submission, (written, "submission")),
                senders=senders,
                dkim=tuple(
                    DeclaredSelector(s.selector.lower(), s.owner, s.created, s.active)
                    for s in entry.dkim
                ),
                mail_class=entry.mail_class,
                sending=tuple(map(self._sender, senders)),
            )
            self.domains[name] = (declared, document, written)

    def _sender(self, name: str) -> DeclaredSender:
        """A sender of the inventory; one that is not known is a problem already."""
        if name not in self.hosts:
            return DeclaredSender(name, ())
        host = self.hosts[name][0]
        return DeclaredSender(name, host.sends_from or host.addresses)

    def _known(
        self, check: _Checker, texts: Sequence[str], path: tuple[Key, ...]
    ) -> tuple[str, ...]:
        """Names of hosts that the inventory must know."""

        def known(text: str) -> str:
            name = declared_name(text)
            if name not in self.hosts:
                close = nearest(name, list(self.hosts))
                raise ParseError(f"found {text!r}, expected a host of the inventory{close}")
            return name

        return check.every(known, texts, path)

    def fleet(self, provenance: Callable[[str], Provenance], named: Path) -> Fleet:
        def source(document: Document, written: str, file: str) -> Provenance:
            line = document.line((written,))
            return provenance(f"{(named / file).as_posix()}:{line}" if line else document.name)

        return Fleet(
            domains=tuple(
                Observed(declared, source(document, written, "domains.yaml"))
                for _, (declared, document, written) in sorted(self.domains.items())
            ),
            hosts=tuple(
                Observed(declared, source(document, written, "hosts.yaml"))
                for _, (declared, document, written) in sorted(self.hosts.items())
            ),
            host_names=tuple(sorted(self.hosts)),
            logins=self.logins,
            connections=Connections(self.connections, self.groups, self.defaults),
        )


def _merged(*layers: Mail) -> Mail:
    """Key by key, the first that says something."""
    found = {
        key: next((v for layer in layers if (v := getattr(layer, key)) is not UNSET), UNSET)
        for key in Mail.__struct_fields__
    }
    return Mail(**found)


def _declared_host(name: str, groups: tuple[str, ...], mail: Mail) -> DeclaredHost:
    roles = tuple(dict.fromkeys(_or(mail.roles, ())))
    ports = sorted({port for role in roles for port in _PORTS.get(role, ())})
    services = _or(mail.services, tuple(ServiceEntry(port) for port in ports))
    login = _or(mail.login, None)
    return DeclaredHost(
        subject=MailHost(name),
        groups=groups,
        roles=roles,
        addresses=_or(mail.addresses, ()),
        services=tuple(DeclaredService(s.port, s.connect) for s in services),
        domains=_or(mail.domains, ()),
        helo_name=_or(mail.helo_name, None),
        sends_from=_or(mail.sends_from, ()),
        behind_gateway=_or(mail.behind_gateway, ()),
        tls_mandatory=_or(mail.tls_mandatory, False),
        private_ca=_or(mail.private_ca, None),
        login=login.username if login else None,
        attestations=tuple(_attestations(_or(mail.attest, None))),
    )


def _attestations(attest: Attest | None) -> Iterator[Attestation]:
    for key in Attest.__struct_fields__ if attest else ():
        stated: SubmissionMfa | None = getattr(attest, key)
        if stated is not None:
            yield Attestation(
                about=key,
                value=stated.value,
                evidence_uri=stated.evidence_uri,
                by=stated.by,
                on=stated.on,
                expires=stated.expires,
            )


def _or(value: T | UnsetType, default: T) -> T:
    return default if isinstance(value, UnsetType) else value


def limit(fleet: Fleet, selection: Selection) -> Fleet:
    """What the selection names; a term with a port keeps only that service of a host.

    `host_names` stays whole. Raises UsageError where a term names nothing.
    """
    domains = [domain.fact for domain in fleet.domains]
    hosts = [host.fact for host in fleet.hosts]
    strangers = unmatched(selection, domains, hosts)
    if strangers:
        known = [domain.subject.name for domain in domains] + [host.subject.name for host in hosts]
        known += sorted({group for domain in domains for group in domain.groups})
        known += sorted({group for host in hosts for group in host.groups})
        raise UsageError(
            "\n".join(
                f"limit {selection.text!r}: found {s.text!r}, which names nothing in the "
                f"inventory, expected a domain, host, group or role of it"
                f"{nearest(s.pattern, known)}"
                for s in strangers
            )
        )
    return msgspec.structs.replace(
        fleet,
        domains=tuple(d for d in fleet.domains if selection.covers(d.fact.subject, d.fact, None)),
        hosts=tuple(_limited(fleet.hosts, selection)),
    )


def _limited(
    hosts: Sequence[Observed[DeclaredHost]], selection: Selection
) -> Iterator[Observed[DeclaredHost]]:
    for host in hosts:
        name = host.fact.subject.name
        services = tuple(
            service
            for service in host.fact.services
            if selection.covers(Service(name, "", service.port), None, host.fact)
        )
        if services or selection.covers(host.fact.subject, None, host.fact):
            fact = msgspec.structs.replace(host.fact, services=services)
            yield Observed(fact, host.provenance)


# --- Nornir -------------------------------------------------------------------------------------


def _host_documents(
    folder: Path, plugin: str | None, options: Mapping[str, Any]
) -> tuple[Document | None, Document | None, Document | None]:
    """Hosts, groups and defaults; from the plugin, where there is one, without lines."""
    if plugin is None:
        return (
            _document(folder, "hosts.yaml"),
            _document(folder, "groups.yaml"),
            _document(folder, "defaults.yaml"),
        )
    inventory = _load_plugin(plugin, options)
    name = f"inventory plugin {plugin}"
    defaults = _plain(inventory.defaults.dict())
    return (
        Document(f"{name}: hosts", {n: _plain(h.dict()) for n, h in inventory.hosts.items()}),
        Document(f"{name}: groups", {n: _plain(g.dict()) for n, g in inventory.groups.items()}),
        Document(f"{name}: defaults", defaults),
    )


def _plain(element: Mapping[str, Any]) -> dict[str, Any]:
    """A Nornir element as its file would hold it; of its data, only ours."""
    data = element.get("data") or {}
    kept = {key: element[key] for key in HostEntry.__struct_fields__ if element.get(key)}
    kept.pop("data", None)
    return kept | ({"data": {"mail": data["mail"]}} if "mail" in data else {})


def _load_plugin(name: str, options: Mapping[str, Any]) -> "Inventory":
    """The inventory of the one plugin that is named; others are not even imported.

    Nornir's own registration imports every plugin there is, and one that is broken stops all.
    """
    from nornir.core.exceptions import PluginNotRegistered
    from nornir.core.plugins.inventory import InventoryPluginRegister

    try:
        for entry in entry_points(group="nornir.plugins.inventory", name=name):
            InventoryPluginRegister.register(name, entry.load())
        return InventoryPluginRegister.get_plugin(name)(**options).load()
    except PluginNotRegistered as error:
        known = sorted(entry_points(group="nornir.plugins.inventory").names)
        raise InventoryError(
            f"inventory: plugin: found {name!r}, expected one that is installed: "
            f"{', '.join(known)}{nearest(name, known)}"
        ) from error
    except (OSError, ImportError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise InventoryError(
            f"inventory: plugin {name}: {type(error).__name__}: {error}"
        ) from error


def nornir_inventory(fleet: Fleet) -> "Inventory":
    """Nornir's inventory of the fleet's hosts, for connections to them.

    Passwords in it are references still, for whoever opens a connection to resolve; free data is
    left out, so that what is sent to workers stays small.
    """
    from nornir.core.inventory import (
        Defaults,
        Group,
        Groups,
        Host,
        Hosts,
        Inventory,
        ParentGroups,
    )

    top = fleet.connections.defaults
    defaults = Defaults(**_attributes(top), connection_options=_options(top))
    groups = Groups()
    for name, entry in fleet.connections.groups.items():
        groups[name] = Group(
            name=name, **_attributes(entry), connection_options=_options(entry), defaults=defaults
        )
    for name, entry in fleet.connections.groups.items():
        groups[name].groups = ParentGroups([groups[parent] for parent in entry.groups or ()])
    hosts = Hosts()
    for declared in fleet.hosts:
        name = declared.fact.subject.name
        entry = fleet.connections.hosts[name]
        hosts[name] = Host(
            name=name,
            **_attributes(entry),
            groups=ParentGroups([groups[group] for group in entry.groups or ()]),
            connection_options=_options(entry),
            defaults=defaults,
        )
    return Inventory(hosts=hosts, groups=groups, defaults=defaults)


def _attributes(entry: DefaultsEntry | ConnectionEntry) -> dict[str, Any]:
    return {
        "hostname": entry.hostname,
        "port": entry.port,
        "username": entry.username,
        "password": entry.password,
        "platform": entry.platform,
    }


def _options(entry: DefaultsEntry) -> "dict[str, NornirOptions]":
    from nornir.core.inventory import ConnectionOptions

    return {
        name: ConnectionOptions(**_attributes(option), extras=option.extras)
        for name, option in (entry.connection_options or {}).items()
    }
