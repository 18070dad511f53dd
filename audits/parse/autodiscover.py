"""Microsoft's Autodiscover in plain old XML: what a mail program asks, and what it is told.

By [MS-OXDSCLI], as Outlook and others do it for servers of IMAP, POP3 and SMTP.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from msgspec import Struct

from audits.errors import ParseError
from audits.facts.autoconfig import ClientServer
from audits.parse.plain_xml import MAX_TEXT, root_of

PATH = "/autodiscover/autodiscover.xml"
_MAX_SERVERS = 50
_SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
_DIRECTIONS = {"imap": "incoming", "pop3": "incoming", "smtp": "outgoing"}
# The values of `Encryption`, in the words of other configurations.
_SOCKET_TYPES = {"ssl": "SSL", "tls": "STARTTLS", "none": "plain"}


class Discovery(Struct, frozen=True):
    """What a response holds. elsewhere: the URL or address that it sends programs to, or None."""

    servers: tuple[ClientServer, ...]
    elsewhere: str | None


def request(domain: str) -> bytes:
    """The question for the settings of `postmaster` at a domain, where no person is named."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<Autodiscover xmlns="{_SCHEMAS}/requestschema/2006"><Request>'
        f"<EMailAddress>postmaster@{domain}</EMailAddress>"
        f"<AcceptableResponseSchema>{_SCHEMAS}/responseschema/2006a</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode()


def discovery(document: bytes) -> Discovery:
    """The `Autodiscover` response in a document.

    A server that does not know the mailbox, or tells strangers nothing, answers with an error:
    there are no servers then. Raises ParseError for anything else: what `root_of` refuses, another
    root.
    """
    root = root_of(document)
    if _local(root) != "Autodiscover":
        raise ParseError(f"its root is {_local(root)[:MAX_TEXT]}, not Autodiscover")
    elements = list(root.iter())
    servers = tuple(_servers(elements))
    if len(servers) > _MAX_SERVERS:
        raise ParseError(f"more than {_MAX_SERVERS} servers")
    moved = next((e for e in elements if _local(e) in ("RedirectUrl", "RedirectAddr")), None)
    elsewhere = None if moved is None else (moved.text or "").strip()[:MAX_TEXT] or None
    return Discovery(servers, elsewhere)


def _servers(elements: list[Element]) -> Iterator[ClientServer]:
    for protocol in elements:
        kind = _text(protocol, "Type").lower() if _local(protocol) == "Protocol" else ""
        if kind in _DIRECTIONS:
            yield ClientServer(
                direction=_DIRECTIONS[kind],
                protocol=kind,
                host=_text(protocol, "Server").lower(),
                port=_text(protocol, "Port"),
                socket_type=_socket_type(protocol),
                authentication=("SPA",) if _text(protocol, "SPA").lower() == "on" else (),
            )


def _socket_type(protocol: Element) -> str:
    """`Encryption` outranks `SSL`, which is on where it is absent ([MS-OXDSCLI])."""
    encryption = _text(protocol, "Encryption")
    if encryption:
        return _SOCKET_TYPES.get(encryption.lower(), encryption)
    return "plain" if _text(protocol, "SSL").lower() == "off" else "SSL"


def _text(element: Element, name: str) -> str:
    """The text of the first child of that local name; empty where there is none."""
    found = next((child for child in element if _local(child) == name), None)
    return "" if found is None else (found.text or "").strip()[:MAX_TEXT]


def _local(element: Element) -> str:
    """The name of an element without its namespace: servers in use get that wrong."""
    return element.tag.rpartition("}")[2]
