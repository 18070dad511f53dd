"""The XML of a mail program's automatic configuration, as Thunderbird and others read it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, XMLParser
from xml.etree.ElementTree import ParseError as XmlError

from msgspec import Struct

from audits.errors import ParseError
from audits.facts.autoconfig import ClientServer

MAX_BYTES = 65_536
_MAX_SERVERS = 50
_MAX_TEXT = 200


class _Elements:
    """Builds plain elements, and gives up at the first sign of a document type.

    A configuration has none; entities that multiply, or that lead to files, come with one.
    """

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ParseError("it has a document type, which no configuration needs")

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        element = Element(tag, attributes)
        if self._open:
            self._open[-1].append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)
        return element

    def end(self, tag: str) -> Element:
        return self._open.pop()

    def data(self, text: str) -> None:
        if self._open and not len(self._open[-1]):
            self._open[-1].text = (self._open[-1].text or "") + text

    def close(self) -> Element | None:
        return self.root


class Configuration(Struct, frozen=True):
    """The servers of a document, incoming ones first as they stand."""

    servers: tuple[ClientServer, ...]


def autoconfig(document: bytes) -> Configuration:
    """The `clientConfig` in a document of at most MAX_BYTES.

    Raises ParseError for anything else: too long, no XML, a document type, another root.
    """
    if len(document) > MAX_BYTES:
        raise ParseError(f"more than {MAX_BYTES} bytes")
    try:
        parser = XMLParser(target=_Elements())
        parser.feed(document)
        root = parser.close()
    except (XmlError, ValueError, LookupError) as error:
        raise ParseError(f"it is no XML: {error}") from error
    if not isinstance(root, Element) or root.tag != "clientConfig":
        found = root.tag if isinstance(root, Element) else "nothing"
        raise ParseError(f"its root is {found[:_MAX_TEXT]}, not clientConfig")
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
                    protocol=server.get("type", "")[:_MAX_TEXT].lower(),
                    host=_text(server, "hostname").lower(),
                    port=_text(server, "port"),
                    socket_type=_text(server, "socketType"),
                    authentication=tuple(
                        (method.text or "").strip()[:_MAX_TEXT]
                        for method in server.findall("authentication")
                    ),
                )


def _text(server: Element, name: str) -> str:
    return (server.findtext(name) or "").strip()[:_MAX_TEXT]
