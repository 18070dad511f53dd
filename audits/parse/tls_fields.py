"""The fields of a TLS message, one after the other."""

from audits.errors import ParseError


class Fields:
    """Takes fields off the front of a message; raises ParseError at its end."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._place = 0

    @property
    def left(self) -> int:
        """How many octets are left."""
        return len(self._octets) - self._place

    def take(self, length: int) -> bytes:
        """The next so many octets."""
        if length > self.left:
            raise ParseError("a handshake message that ends early")
        self._place += length
        return self._octets[self._place - length : self._place]

    def number(self, width: int) -> int:
        """The number in the next so many octets."""
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> bytes:
        """A vector whose length is in the first `width` octets (RFC 8446 section 3.4)."""
        return self.take(self.number(width))

    def extensions(self) -> dict[int, bytes]:
        """Extensions by their type; of one that comes twice the last (RFC 8446 section 4.2)."""
        block = Fields(self.vector(2))
        found: dict[int, bytes] = {}
        while block.left:
            kind = block.number(2)
            found[kind] = block.vector(2)
        return found
