"""The XML of a mail program's automatic configuration, as Thunderbird and others read it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from msgspec import Struct

from audits.errors import ParseError
from audits.facts.autoconfig import ClientServer
from audits.parse.plain_xml import MAX_TEXT, root_of

_MAX_SERVERS = 50


class Configuration(Struct, frozen=True):
    """The servers of a document, incoming ones first as they stand."""

    servers: tuple[ClientServer, ...]


def autoconfig(document: bytes) -> Configuration:
    """The `clientConfig` in a document.

    Raises ParseError for anything else: what `root_of` refuses, another root.
    """
    root = root_of(document)
    if root.tag != "clientConfig":
        raise ParseError(f"its root is {root.tag[:MAX_TEXT]}, not clientConfig")
    servers = tuple(_servers(root))
    if len(servers) > _MAX_SERVERS:
        raise ParseError(f"more than {_MAX_SERVERS} servers")
    return Configuration(servers)


def _servers(root: Element) -> Iterator[ClientServer]:
    for provider in root.findall("emailProvider"):
        for direction in ("incoming", "outgoing"):
            for server in provider.findall(f"{direction}Server"):
                yield ClientServer(
                    direction=direction,
                    protocol=server.get("type", "")[:MAX_TEXT].lower(),
                    host=_text(server, "hostname").lower(),
                    port=_text(server, "port"),
                    socket_type=_text(server, "socketType"),
                    authentication=tuple(
                        (method.text or "").strip()[:MAX_TEXT]
                        for method in server.findall("authentication")
                    ),
                )


def _text(server: Element, name: str) -> str:
    return (server.findtext(name) or "").strip()[:MAX_TEXT]
