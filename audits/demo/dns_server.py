"""A small authoritative DNS server on loopback, for the demonstration fleet and for tests."""

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

_LOOPBACK = "127.0.0.1"
_MAX_ALIASES = 8
_PLAIN_UDP_PAYLOAD = 512
_MAX_MESSAGE = 65535

# Every name outside the given zones does not exist, and somebody says so with authority.
_ROOT = """
@ 60 SOA a.root-servers.invalid. hostmaster.invalid. 1 3600 600 86400 60
@ 60 NS a.root-servers.invalid.
"""


class ZoneMap:
    """Zones by origin, and what they answer (RFC 1034 section 4.3.2)."""

    def __init__(self, zones: Mapping[str, str]) -> None:
        texts = {".": _ROOT, **zones}
        self._zones: dict[dns.name.Name, dns.zone.Zone] = {}
        for origin, text in texts.items():
            zone = dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
            self._zones[dns.name.from_text(origin)] = zone
        # Names that exist only because a name below them does (RFC 8020).
        self._existing = {
            parent for zone in self._zones.values() for name in zone for parent in _and_above(name)
        }

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response to a query with one question, aliases followed across all zones."""
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AA
        if len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
            return response
        question = query.question[0]
        name = question.name
        for _ in range(_MAX_ALIASES):
            zone, node = self._find(name)
            owner = name
            if node is not None and (found := _rrset(node, owner, question.rdtype)):
                response.answer.append(found)
                signed = _rrset(node, owner, dns.rdatatype.RRSIG, covers=question.rdtype)
                if signed and query.ednsflags & dns.flags.DO:
                    response.answer.append(signed)
                return response
            alias = None if node is None else _rrset(node, owner, dns.rdatatype.CNAME)
            if alias is None:
                self._deny(response, zone, name, node)
                return response
            response.answer.append(alias)
            name = alias[0].target
        return response

    def _find(self, name: dns.name.Name) -> tuple[dns.zone.Zone, dns.node.Node | None]:
        zone = next(self._zones[n] for n in _and_above(name) if n in self._zones)
        node = zone.get_node(name)
        if node is None and name not in self._existing:
            node = self._wildcard(zone, name)
        return zone, node

    def _wildcard(self, zone: dns.zone.Zone, name: dns.name.Name) -> dns.node.Node | None:
        """The wildcard at the closest encloser (RFC 4592 section 3.3.1)."""
        encloser = next(n for n in _and_above(name) if n in self._existing)
        return zone.get_node(dns.name.Name((b"*", *encloser.labels)))

    def _deny(
        self,
        response: dns.message.Message,
        zone: dns.zone.Zone,
        name: dns.name.Name,
        node: dns.node.Node | None,
    ) -> None:
        """NXDOMAIN or NODATA, with the SOA that says for how long (RFC 2308 section 3)."""
        if node is None and name not in self._existing:
            response.set_rcode(dns.rcode.NXDOMAIN)
        assert zone.origin is not None
        apex = zone.get_node(zone.origin)
        soa = None if apex is None else _rrset(apex, zone.origin, dns.rdatatype.SOA)
        if soa is not None:
            response.authority.append(soa)


class DnsServer:
    """Serves a ZoneMap over UDP and TCP on one loopback port.

    `zones`: master file text (RFC 1035 section 5) by origin. `port`: 0 for any free one.
    """

    def __init__(self, zones: Mapping[str, str], *, port: int = 0) -> None:
        self.zones = ZoneMap(zones)
        self.address = _LOOPBACK
        self.port = port
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "DnsServer":
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._serve_tcp, self.address, self.port)
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(self.address, self.port)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        # not wait_closed(), which from Python 3.12 on waits for clients that stay connected
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, wire: bytes, peer: tuple[str, int]) -> None:
        """Answer a datagram in a task of its own."""
        task = asyncio.get_running_loop().create_task(self._serve_udp(wire, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reply(self, wire: bytes, *, over_tcp: bool) -> Iterable[bytes]:
        """The messages to send back for one that came; none for what is no query."""
        query = _query(wire)
        if query is None:
            return ()
        return (self._fit(self.zones.answer(query), query, over_tcp),)

    def _fit(
        self, response: dns.message.Message, query: dns.message.Message, over_tcp: bool
    ) -> bytes:
        """The wire form, cut to the size that the client takes over UDP (RFC 2181 section 9)."""
        wire = response.to_wire(max_size=_MAX_MESSAGE)
        limit = query.payload if query.edns >= 0 else _PLAIN_UDP_PAYLOAD
        if over_tcp or len(wire) <= max(limit, _PLAIN_UDP_PAYLOAD):
            return wire
        response.answer.clear()
        response.authority.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()

    async def _serve_udp(self, wire: bytes, peer: tuple[str, int]) -> None:
        for answer in await self.reply(wire, over_tcp=False):
            if self._udp is not None and not self._udp.is_closing():
                self._udp.sendto(answer, peer)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
                for answer in await self.reply(wire, over_tcp=True):
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.begin(data, addr)


def _query(wire: bytes) -> dns.message.Message | None:
    try:
        return dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None


def _and_above(name: dns.name.Name) -> Iterable[dns.name.Name]:
    """The name and all that enclose it, the root last."""
    while True:
        yield name
        if name == dns.name.root:
            return
        name = name.parent()


def _rrset(
    node: dns.node.Node,
    owner: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    covers: dns.rdatatype.RdataType = dns.rdatatype.NONE,
) -> dns.rrset.RRset | None:
    rdataset = node.get_rdataset(dns.rdataclass.IN, rdtype, covers)
    if rdataset is None:
        return None
    return dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset))
