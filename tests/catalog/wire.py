"""What services say, for tests of audits on the wire: a good service unless a test says worse."""

from datetime import datetime, timedelta
from typing import Any

from audits.facts.declared import HostRoles
from audits.facts.smtp import (
    EhloInTls,
    EhloReply,
    Greeting,
    Keyword,
    RcptReply,
    Reply,
    RoleRecipient,
    StartTls,
    UnauthenticatedMail,
)
from audits.facts.tcp import Egress, PortState
from audits.facts.tls import Certificate, CertificateChain, TlsHandshake, Verification
from audits.subject import Path, Role, Service, Vantage
from tests.build import AS_OF, reply, roles

HOST = "mx1.example.net"
ADDRESS = "192.0.2.10"
MX = Service(HOST, ADDRESS, 25)
SUBMISSION = Service(HOST, ADDRESS, 587)
SUBMISSIONS = Service(HOST, ADDRESS, 465)
ELSEWHERE = Service("mx9.example.org", "198.51.100.9", 25)

RELAYING_DENIED = reply(454, "4.7.1 <canary@sink.example.org>: Relay access denied")
GREYLISTED = reply(450, "4.2.0 <postmaster@example.net>: Greylisted, try again later")


def msa(*ports: int) -> HostRoles:
    """A host for submission, on these ports."""
    return roles(HOST, Role.MSA, ports=ports or (465, 587), mx_of=())


def both() -> HostRoles:
    """A host for incoming mail and for submission."""
    return roles(HOST, Role.MX, Role.MSA, ports=(25, 465, 587))


def foreign() -> HostRoles:
    """An MX host that only DNS led to."""
    return roles(HOST, Role.MX, in_inventory=False)


def port(at: Service = MX, state: Any = "open", detail: str = "") -> PortState:
    return PortState(at, state, f"{at.address}:{at.port}", detail, 0.021)


def egress(*reached: Service) -> Egress:
    return Egress(Vantage("here"), 3, reached)


def greeting(
    at: Service = MX, code: int = 220, text: str = f"{HOST} ESMTP", **how: Any
) -> Greeting:
    return Greeting(at, reply(code, text, **how), text.split()[0] if text else "")


def keywords(*lines: str) -> tuple[Keyword, ...]:
    return tuple(Keyword(words[0], tuple(words[1:])) for words in map(str.split, lines))


def ehlo(at: Service, *lines: str, code: int = 250) -> EhloReply:
    return EhloReply(at, "audit.example.org", reply(code, HOST, *lines), keywords(*lines))


def ehlo_in_tls(at: Service, *lines: str) -> EhloInTls:
    return EhloInTls(at, "audit.example.org", reply(250, HOST, *lines), keywords(*lines))


def starttls(at: Service, answer: Reply | None = None, *, offered: bool = True) -> StartTls:
    return StartTls(at, offered, (answer or reply(220, "go ahead")) if offered else None)


def handshake(at: Service = MX, error: str | None = None) -> TlsHandshake:
    if error is not None:
        return TlsHandshake(at, False, error, None, None, at.host, 0.03)
    return TlsHandshake(at, True, None, "TLSv1.3", "TLS_AES_256_GCM_SHA384", at.host, 0.03)


def recipient(
    at: Service = MX,
    rcpt: Reply | None = None,
    *,
    domain: str = "example.net",
    mail: Reply | None = None,
) -> RoleRecipient:
    accepted = mail or reply(250, "2.1.0 Ok")
    answered = (rcpt or reply(250, "2.1.5 Ok")) if accepted.positive else None
    path = Path(domain, at.host, at.address, at.port)
    return RoleRecipient(
        path, "probe@audit.example.org", accepted, f"postmaster@{domain}", answered
    )


def stranger(
    at: Service = SUBMISSION,
    mail: Reply | None = None,
    *,
    foreign: Reply | None = None,
    local: Reply | None = None,
) -> UnauthenticatedMail:
    return UnauthenticatedMail(
        at,
        "probe@audit.example.org",
        mail or reply(250, "2.1.0 Ok"),
        RcptReply("canary@sink.example.org", foreign) if foreign else None,
        RcptReply("postmaster@example.net", local) if local else None,
    )


def certificate(
    *,
    not_before: datetime = AS_OF - timedelta(days=30),
    not_after: datetime = AS_OF + timedelta(days=60),
    **fields: Any,
) -> Certificate:
    whole: dict[str, Any] = {
        "subject": f"CN={HOST}",
        "issuer": "CN=Example Issuing CA",
        "serial": "0a",
        "dns_names": (HOST,),
        "ip_addresses": (),
        "key_type": "ec",
        "key_bits": 256,
        "curve": "secp256r1",
        "signature_algorithm": "ecdsa-with-sha256",
        "is_ca": False,
        "self_issued": False,
        "eku": ("serverAuth",),
        "sha256": "ab" * 32,
        "sha512": "ab" * 64,
        "spki_sha256": "cd" * 32,
        "spki_sha512": "cd" * 64,
    }
    return Certificate(not_before=not_before, not_after=not_after, **(whole | fields))


def chain(
    at: Service = MX,
    *certificates: Certificate,
    code: int = 0,
    message: str = "ok",
    names: tuple[str, ...] = (HOST,),
    malformed: str | None = None,
) -> CertificateChain:
    """A chain in which every certificate was signed by the next."""
    verification = Verification(code, message, 0, AS_OF, ("system",))
    served = certificates or (certificate(),)
    issuers = (*range(1, len(served)), None)
    return CertificateChain(at, served, names, verification, malformed, issuers)
