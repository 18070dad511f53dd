"""The session tickets that a client is sent, which Python itself keeps to itself."""

import ssl

from audits.errors import ParseError
from audits.facts.tls import SessionTicket, SessionTickets
from audits.facts.tls_offer import Version
from audits.parse.tls_ticket import NEW_SESSION_TICKET, read_ticket
from audits.subject import Service

# A server sends one or two.
MAX_TICKETS = 16
_HANDSHAKE = 22
_VERSIONS = {"TLSv1.3": Version.TLS13, "TLSv1.2": Version.TLS12}


class NotingTickets(ssl.SSLObject):
    """A TLS connection over memory that keeps the first NewSessionTicket messages, as they came."""

    def __new__(cls, *_: object, **__: object) -> "NotingTickets":
        made: NotingTickets = super().__new__(cls)
        made.messages = []
        return made

    messages: list[bytes]


def notes_tickets(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, whose connections note tickets where this Python lets them be seen."""
    context.sslobject_class = NotingTickets
    if hasattr(context, "_msg_callback"):
        # CPython's way to see messages, decrypted. Nothing public shows what a ticket allows:
        # `SSLObject.session` tells of its lifetime alone.
        context._msg_callback = _note
    return context


def _note(
    connection: object, direction: str, version: int, content: int, kind: int, message: bytes
) -> None:
    """OpenSSL's SSL_CTX_set_msg_callback, in Python's words; it must not raise."""
    if content != _HANDSHAKE or kind != NEW_SESSION_TICKET or direction != "read":
        return
    if isinstance(connection, NotingTickets) and len(connection.messages) < MAX_TICKETS:
        connection.messages.append(bytes(message))


def tickets_of(tls: ssl.SSLObject, service: Service) -> SessionTickets | None:
    """The tickets that have come so far; None where they can not be seen."""
    name = tls.version() or ""
    version = _VERSIONS.get(name)
    if version is None or not isinstance(tls, NotingTickets) or not _sees(tls.context):
        return None
    tickets: list[SessionTicket] = []
    malformed: str | None = None
    for message in tls.messages:
        try:
            tickets.append(read_ticket(message, version))
        except ParseError as error:
            malformed = str(error)
    return SessionTickets(service, name, tuple(tickets), malformed)


def _sees(context: ssl.SSLContext) -> bool:
    return getattr(context, "_msg_callback", None) is _note
