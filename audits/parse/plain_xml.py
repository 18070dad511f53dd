"""XML from strangers: small, and without a document type."""

from xml.etree.ElementTree import Element, XMLParser
from xml.etree.ElementTree import ParseError as XmlError

from audits.errors import ParseError

MAX_BYTES = 65_536
MAX_TEXT = 200


def root_of(document: bytes) -> Element:
    """The root of a document of at most MAX_BYTES.

    Raises ParseError for anything else: too long, no XML, a document type.
    """
    if len(document) > MAX_BYTES:
        raise ParseError(f"more than {MAX_BYTES} bytes")
    try:
        parser = XMLParser(target=_Elements())
        parser.feed(document)
        root = parser.close()
    except (XmlError, ValueError, LookupError) as error:
        raise ParseError(f"it is no XML: {error}") from error
    if not isinstance(root, Element):
        raise ParseError("it has no element")
    return root


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
