"""Routes to addresses, and the authorisations that cover them (RFC 6811)."""

from typing import Literal

from msgspec import Struct

from audits.facts.fact import Fact
from audits.subject import Address


class Vrp(Struct, frozen=True):
    """One validated ROA payload (RFC 6811 section 2). prefix: CIDR."""

    prefix: str
    max_length: int
    asn: int


class RouteOrigin(Fact, frozen=True, tag="rpki.route"):
    """The route to an address, as the configuration declares it, and every VRP that covers it.

    source: the file of VRPs, as the configuration names it.
    """

    subject: Address
    prefix: str
    asn: int
    covering: tuple[Vrp, ...]
    source: str

    @property
    def state(self) -> Literal["valid", "invalid", "notfound"]:
        """The validation state of the route (RFC 6811 section 2)."""
        if not self.covering:
            return "notfound"
        length = int(self.prefix.rpartition("/")[2])
        matched = (v.asn == self.asn and length <= v.max_length for v in self.covering)
        return "valid" if any(matched) else "invalid"
