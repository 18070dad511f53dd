"""A host as declared: its own mail data and what it inherits, with what follows from its roles."""

from collections.abc import Iterator
from typing import TypeVar

from msgspec import UNSET, UnsetType

from audits.facts.declared import Attestation, DeclaredHost, DeclaredService
from audits.inventory.entry import Attest, Mail, ServiceEntry, SubmissionMfa
from audits.subject import MailHost, Role

T = TypeVar("T")

# RFC 5321 section 4.5.4.2; RFC 8314 section 3.3 and RFC 6409 section 3.1
_PORTS = {Role.MX: (25,), Role.RELAY: (25,), Role.MSA: (465, 587)}


def merged(*layers: Mail) -> Mail:
    """Key by key, the first that says something."""
    found = {
        key: next((v for layer in layers if (v := getattr(layer, key)) is not UNSET), UNSET)
        for key in Mail.__struct_fields__
    }
    return Mail(**found)


def declared_host(name: str, groups: tuple[str, ...], mail: Mail) -> DeclaredHost:
    """A host by its own and inherited mail data; its services are those of its roles by default."""
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
