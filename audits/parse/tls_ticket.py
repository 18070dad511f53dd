"""NewSessionTicket messages: what a server promises to clients that come back."""

from audits.errors import ParseError
from audits.facts.tls import SessionTicket
from audits.facts.tls_offer import EARLY_DATA, Version
from audits.parse.tls_fields import Fields

NEW_SESSION_TICKET = 4


def read_ticket(message: bytes, version: Version) -> SessionTicket:
    """The ticket in a whole handshake message, header included; raises ParseError.

    struct {                                        struct {
        uint32 ticket_lifetime;                         uint32 ticket_lifetime_hint;
        uint32 ticket_age_add;                          opaque ticket<0..2^16-1>;
        opaque ticket_nonce<0..255>;                } NewSessionTicket;
        opaque ticket<1..2^16-1>;                   (TLS 1.2, RFC 5077 section 3.3)
        Extension extensions<0..2^16-2>;
    } NewSessionTicket;
    (TLS 1.3, RFC 8446 section 4.6.1)
    """
    header = Fields(message)
    kind = header.number(1)
    if kind != NEW_SESSION_TICKET:
        raise ParseError(f"handshake message {kind} instead of a NewSessionTicket")
    body = Fields(header.vector(3))
    lifetime_s = body.number(4)
    early_data_bytes: int | None = None
    if version is Version.TLS13:
        body.number(4)
        body.vector(1)
        body.vector(2)
        early_data = body.extensions().get(EARLY_DATA)
        if early_data is not None:
            early_data_bytes = _max_early_data(early_data)
    else:
        body.vector(2)
    if header.left or body.left:
        raise ParseError("a NewSessionTicket with octets behind its end")
    return SessionTicket(lifetime_s, early_data_bytes)


def _max_early_data(extension: bytes) -> int:
    """EarlyDataIndication in a NewSessionTicket is a uint32 max_early_data_size."""
    field = Fields(extension)
    size = field.number(4)
    if field.left:
        raise ParseError("an early_data extension of more than 4 octets")
    return size
