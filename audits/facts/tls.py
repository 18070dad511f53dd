"""What a TLS handshake gave: parameters and certificates."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Step
from audits.subject import Service


class TlsHandshake(Fact, frozen=True, tag="tls.handshake"):
    """One handshake with a current client (TLS 1.2 and 1.3).

    completed: False where the server ended it with an alert or what it sent is not TLS; `error`
    then says how. A connection that just broke off or fell silent is unobserved instead.
    version: `TLSv1.3`; cipher: OpenSSL's or IANA's name. server_name: the SNI that was sent.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    completed: bool
    error: str | None
    version: str | None
    cipher: str | None
    server_name: str
    elapsed_s: float


class Certificate(Struct, frozen=True):
    """One X.509 certificate (RFC 5280).

    subject, issuer: RFC 4514 strings. serial: lower hex. dns_names, ip_addresses: of the SAN.
    key_type: rsa, ec, ed25519, ed448, dsa or other. key_bits: modulus or curve size.
    curve: OpenSSL's name for an EC key, else None. self_issued: subject equals issuer.
    eku: purposes of the extended key usage, such as `serverAuth`, else dotted OIDs; empty for none.
    sha256, sha512: of the DER. spki_sha256, spki_sha512: of its SubjectPublicKeyInfo.
    """

    subject: str
    issuer: str
    serial: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key_type: str
    key_bits: int
    curve: str | None
    signature_algorithm: str
    is_ca: bool
    self_issued: bool
    eku: tuple[str, ...]
    sha256: str
    sha512: str
    spki_sha256: str
    spki_sha512: str


class Verification(Struct, frozen=True):
    """What OpenSSL says of the chain as served. code: X509_V_*, 0 is ok. depth: 0 is the leaf.

    at: the time that it was verified for; where a served certificate is outside its dates this is a
    time inside them, so that trust and dates are told apart.
    stores: what was trusted, such as `system` and the path of a private CA.
    """

    code: int
    message: str
    depth: int
    at: datetime
    stores: tuple[str, ...]


class CertificateChain(Fact, frozen=True, tag="tls.chain"):
    """The certificates as served, leaf first. names: those that the service is reached by.

    malformed: why a served certificate could not be read; it is then left out.
    issuers: for each certificate the place of the served one that signed it, else None; a
    self-signed one has none.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    certificates: tuple[Certificate, ...]
    names: tuple[str, ...]
    verification: Verification | None
    malformed: str | None
    issuers: tuple[int | None, ...]

    @property
    def leaf(self) -> Certificate | None:
        """The server's own certificate; None where it is missing or could not be read."""
        first = self.certificates[0] if self.certificates else None
        if first is None or (self.malformed is not None and first.is_ca):
            return None
        return first


KeyType = Literal["rsa", "ecdsa"]


class OtherChain(Fact, frozen=True, tag="tls.other-chain"):
    """What a service presents to a client that takes no key of the type seen first.

    A server may hold a certificate with an RSA key and one with an ECDSA key, and picks by what
    its client takes (RFC 8446 section 4.4.2.2). key_type: the type that was asked for; `ecdsa`
    stands for EdDSA, too.
    chain: None where the server has no such certificate; `refusal` is then the alert that says so.
    Of a server that speaks TLS 1.3 alone no more than that can be seen: there it comes encrypted.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    key_type: KeyType
    chain: CertificateChain | None
    refusal: str | None


class SessionTicket(Struct, frozen=True):
    """A ticket to resume a session with (RFC 8446 section 4.6.1, RFC 5077 section 3.3).

    lifetime_s: as the server says; in TLS 1.2 0 leaves it open. early_data_bytes: how much a client
    may send with it before the handshake ends (0-RTT); None where it may send nothing.
    """

    lifetime_s: int
    early_data_bytes: int | None


class SessionTickets(Fact, frozen=True, tag="tls.tickets"):
    """The tickets that came with a handshake of a current client, up to the first reply inside.

    version: of the session, `TLSv1.3`. malformed: why one could not be read; it is then left out.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    version: str
    tickets: tuple[SessionTicket, ...]
    malformed: str | None
