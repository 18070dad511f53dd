"""What a host's services say of themselves, as facts at a glance: EHLO, TLS, certificate."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from audits.facts.declared import HostRoles
from audits.facts.smtp import EhloInTls, EhloReply, Keyword
from audits.facts.snapshot import Snapshot
from audits.facts.tls import CertificateChain, TlsHandshake
from audits.facts.tls_offer import TlsOffers, Version
from audits.report.sanitise import visible
from audits.report.words import day
from audits.subject import MailHost, Service

# As they are mostly read; XCLIENT and the like are for those who look into facts.jsonl.
_SHOWN: Final = (
    "SIZE",
    "PIPELINING",
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "REQUIRETLS",
    "LIMITS",
)
_ROWS: Final = 12
_MECHANISMS: Final = 12
_WORD: Final = 48
_LONGEST: Final = 120

# TLS Supported Groups (IANA registry), by the names that RFC 8422, 8446 and 7919 give them.
_GROUPS: Final = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    29: "x25519",
    30: "x448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}


class ServiceRow(Struct, frozen=True):
    """One service. announced, login: what EHLO said, inside TLS where there is any.

    clear: it was said in clear, for want of an answer inside TLS. tls: version and cipher.
    groups: of the key exchange, those that were seen to be chosen. Each is empty where nothing of
    it was seen or announced.
    """

    name: str
    announced: tuple[str, ...]
    login: tuple[str, ...]
    clear: bool
    tls: str
    groups: str
    certificate: str
    dates: str


def service_rows(host: MailHost, snapshot: Snapshot) -> tuple[ServiceRow, ...]:
    """The services of a host that answered EHLO or shook hands, at most twelve, by port."""
    roles = snapshot.fact(HostRoles, host)
    found = (_row(service, snapshot) for service in (roles.services if roles else ())[:_ROWS])
    return tuple(row for row in found if row is not None)


def _row(service: Service, snapshot: Snapshot) -> ServiceRow | None:
    inside = snapshot.fact(EhloInTls, service)
    ehlo = inside or snapshot.fact(EhloReply, service)
    handshake = snapshot.fact(TlsHandshake, service)
    if ehlo is None and handshake is None:
        return None
    keywords = ehlo.keywords if ehlo is not None else ()
    certificate, dates = _certificate(snapshot.fact(CertificateChain, service))
    return ServiceRow(
        visible(f"{service.port}, {service.address}"),
        tuple(_announced(keywords)),
        tuple(visible(mechanism, _WORD) for mechanism in _login(keywords)[:_MECHANISMS]),
        inside is None,
        _tls(handshake),
        ", ".join(_groups(handshake, snapshot.fact(TlsOffers, service))),
        certificate,
        dates,
    )


def _announced(keywords: Iterable[Keyword]) -> Iterator[str]:
    said = {keyword.name: keyword for keyword in keywords}
    for name in _SHOWN:
        if name in said:
            yield visible(" ".join((name, *said[name].params)), _WORD)


def _login(keywords: Iterable[Keyword]) -> list[str]:
    """SASL mechanisms, each once."""
    said = (m for keyword in keywords if keyword.name == "AUTH" for m in keyword.params)
    return list(dict.fromkeys(said))


def _tls(handshake: TlsHandshake | None) -> str:
    if handshake is None:
        return ""
    if not handshake.completed:
        return visible(handshake.error or "the handshake failed", _LONGEST)
    return visible(f"{handshake.version or ''} {handshake.cipher or ''}".strip(), _LONGEST)


def _groups(handshake: TlsHandshake | None, offers: TlsOffers | None) -> dict[str, None]:
    """Those that the service chose in the version of the handshake, each once."""
    if handshake is None or handshake.version is None or offers is None:
        return {}
    return {
        _GROUPS.get(answer.group, f"group {answer.group}"): None
        for _, answer in offers.answers()
        if answer.group is not None and _name(answer.version) == handshake.version
    }


def _name(version: Version) -> str:
    """As OpenSSL writes it: `TLSv1.3`."""
    return version.words.replace("TLS ", "TLSv")


def _certificate(chain: CertificateChain | None) -> tuple[str, str]:
    """Whom it is for, and its dates."""
    leaf = chain.leaf if chain is not None else None
    if leaf is None:
        return "", ""
    names = leaf.dns_names or (leaf.subject,)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        visible(names[0], _LONGEST) + more,
        f"{day(leaf.not_before)} to {day(leaf.not_after)}",
    )
