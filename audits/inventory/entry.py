"""What the files of an inventory may say: hosts and groups in Nornir's format, and domains."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from audits.settings import Mailbox, Port, SecretReference
from audits.subject import Role

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
