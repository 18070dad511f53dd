"""A DNS server that answers from zones, and misbehaves at the names that a test scripts."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from audits.demo.dns_server import DnsServer
from audits.settings import ResolverSettings

# A test in which nobody answers need not wait; on a busy machine the others must not lose.
_SILENT_S = 0.3
_PATIENT_S = 9.0


@dataclass(frozen=True)
class Behaviour:
    """What happens to a query instead of, or on top of, the answer from the zone.

    silent: none comes. rcode, ede: an error, with extended error code and text.
    bogus: the error comes only to who wants validation, without CD (RFC 4035 section 3.2.2).
    truncate: TC over UDP; silent_tcp: and nothing over TCP. garbage: octets behind the header.
    wrong_id, wrong_question: an answer to something else comes instead.
    authentic: AD is set. delay_s: it comes late. times: only the first so many queries.
    """

    silent: bool = False
    rcode: str | None = None
    ede: tuple[int, str] | None = None
    bogus: bool = False
    truncate: bool = False
    silent_tcp: bool = False
    garbage: bool = False
    wrong_id: bool = False
    wrong_question: bool = False
    authentic: bool = False
    delay_s: float = 0.0
    times: int | None = None


@dataclass(frozen=True)
class Asked:
    """A query that the server received."""

    name: str
    rdtype: str
    over_tcp: bool
    flags: int
    wants_dnssec: bool


@dataclass
class Script:
    """Behaviours by name, or by name and type; `*` is for every other name."""

    by_name: dict[str | tuple[str, str], Behaviour] = field(default_factory=dict)

    def behaviour(self, name: str, rdtype: str) -> Behaviour:
        for key in ((name, rdtype), name, "*"):
            if key in self.by_name:
                return self.by_name[key]
        return Behaviour()


class ScriptedDns(DnsServer):
    """Zones with misbehaviour on top; `asked` holds all queries in order of arrival."""

    def __init__(
        self,
        zones: Mapping[str, str] | None = None,
        script: Mapping[str | tuple[str, str], Behaviour] | None = None,
        *,
        port: int = 0,
    ) -> None:
        super().__init__(zones or {}, port=port)
        self.script = Script(dict(script or {}))
        self.asked: list[Asked] = []

    async def __aenter__(self) -> "ScriptedDns":
        await super().__aenter__()
        return self

    @property
    def settings(self) -> ResolverSettings:
        """Of a resolver that asks here, once, and waits no longer than the script needs."""
        quiet = any(how.silent or how.silent_tcp for how in self.script.by_name.values())
        timeout_s = _SILENT_S if quiet else _PATIENT_S
        return ResolverSettings((self.address,), self.port, timeout_s=timeout_s, tries=1)

    def names(self, rdtype: str) -> list[str]:
        """The names that were asked for by type, in order."""
        return [asked.name for asked in self.asked if asked.rdtype == rdtype]

    async def reply(self, wire: bytes, *, over_tcp: bool) -> Iterable[bytes]:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        rdtype = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(
            Asked(name, rdtype, over_tcp, int(query.flags), bool(query.ednsflags & dns.flags.DO))
        )
        how = self.script.behaviour(name, rdtype)
        if how.times is not None:
            alike = sum((asked.name, asked.rdtype) == (name, rdtype) for asked in self.asked)
            how = how if alike <= how.times else Behaviour()
        if how.delay_s:
            await asyncio.sleep(how.delay_s)
        if how.silent or (over_tcp and how.silent_tcp):
            return ()
        if how.bogus and query.flags & dns.flags.CD:
            how = Behaviour()
        return self._misbehave(query, how, over_tcp)

    def _misbehave(
        self, query: dns.message.Message, how: Behaviour, over_tcp: bool
    ) -> Iterable[bytes]:
        response = self.zones.answer(query)
        if how.rcode is not None:
            response = dns.message.make_response(query, recursion_available=True)
            response.set_rcode(dns.rcode.from_text(how.rcode))
        if how.ede is not None:
            response.use_edns(
                0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(how.ede[0]), how.ede[1])]
            )
        if how.authentic:
            response.flags |= dns.flags.AD
        if how.truncate and not over_tcp:
            response.answer.clear()
            response.flags |= dns.flags.TC
        if how.wrong_question:
            other = dns.name.from_text("other.example.")
            response.question[0].name = other
        wire = self._fit(response, query, over_tcp)
        if how.wrong_id:
            wire = bytes((wire[0] ^ 0xFF, wire[1])) + wire[2:]
        if how.garbage:
            end = 12 + len(query.question[0].name.to_wire() or b"") + 4
            wire = wire[:6] + b"\0\1" + wire[8:end] + b"\xff" * 40
        return (wire,)
