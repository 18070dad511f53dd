"""DNS names and messages between wire and text, sans-IO (RFC 1035, RFC 6891, RFC 8914)."""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache

import dns.edns
import dns.exception
import dns.flags
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdata import GenericRdata, Rdata
from dns.rdtypes.ANY.RRSIG import RRSIG
from msgspec import Struct

from audits.errors import ParseError
from audits.facts.dnssec import Signature

UDP_PAYLOAD = 1232
MAX_ALIASES = 8

_CLASS_IN = int(dns.rdataclass.IN)
# RFC 6840 section 5.7: AD in a query asks for AD in the answer, without the bulk that DO brings.
_FLAGS = dns.flags.RD | dns.flags.AD
_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")  # type, class, TTL, length of the data
_OPTION = struct.Struct("!HH")
_OPT_CODE = int(dns.rdatatype.OPT)
_CNAME_CODE = int(dns.rdatatype.CNAME)
_SOA_CODE = int(dns.rdatatype.SOA)
_RRSIG_CODE = int(dns.rdatatype.RRSIG)
_EDE_CODE = int(dns.edns.OptionType.EDE)
# RFC 6891 section 6.1.2: root name, type OPT, payload size, extended RCODE and flags, no options.
_OPT = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, UDP_PAYLOAD, 0, 0)
# RFC 3225 section 3: DO is the top bit of the flags.
_OPT_DO = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, UDP_PAYLOAD, dns.flags.DO, 0)
# RFC 2181 section 8: a TTL with its top bit set counts as zero.
_MAX_TTL_S = 2**31 - 1
_MAX_TEXT = 200


class Response(Struct, frozen=True):
    """What one response says of one question.

    rcode: its mnemonic. alias_chain: targets of the CNAMEs that it follows, in order.
    ends_in_alias: the last target is not answered for, and has to be asked for itself.
    ttl_s: the shortest on the way; for a negative answer by RFC 2308 section 5, 0 without SOA.
    signatures: of the answer and of its denial. zone: that of the last name, where the response is
    negative and says so, or is its SOA. Both are filled in only where DNSSEC was asked for.
    """

    rcode: str
    authenticated: bool
    extended_errors: tuple[str, ...]
    alias_chain: tuple[str, ...]
    rdatas: tuple[Rdata, ...]
    ends_in_alias: bool
    ttl_s: int
    signatures: tuple[Signature, ...] = ()
    zone: str | None = None


def name_text(name: dns.name.Name) -> str:
    """A name as facts hold it: lower case, no final dot, odd octets in presentation format."""
    return name.to_text(omit_final_dot=True).lower()


def ascii_name(text: str) -> str:
    """`text` as facts hold a name; U-labels become A-labels (RFC 5891).

    Raises ParseError where it is no domain name.
    """
    if text.isascii() and "\\" not in text:
        return text.lower().removesuffix(".") or "."
    try:
        return name_text(dns.name.from_text(text, idna_codec=dns.name.IDNA_2008_Practical))
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ParseError(f"{text!r} is not a domain name: {error}") from error


def wire_name(name: str) -> bytes:
    """The wire form of a name that `ascii_name` gave (RFC 1035 section 3.1).

    Raises ParseError for an empty label and for one or a name that is too long.
    """
    if name == ".":
        return b"\0"
    if "\\" in name:
        try:
            return dns.name.from_text(name).to_wire() or b""
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ParseError(f"{name!r} is not a domain name: {error}") from error
    labels = name.encode("ascii").split(b".")
    if len(name) > 253 or not all(0 < len(label) < 64 for label in labels):
        raise ParseError(f"{name!r} is not a domain name: a label is empty or too long")
    return b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"


@cache
def rdtype_code(rdtype: str) -> dns.rdatatype.RdataType:
    """The number of a record type by its mnemonic."""
    return dns.rdatatype.from_text(rdtype)


def question_section(name: str, rdtype: str) -> bytes:
    """The question section for a name that `ascii_name` gave; raises ParseError as wire_name."""
    return wire_name(name) + struct.pack("!HH", rdtype_code(rdtype), _CLASS_IN)


def query_message(
    number: int, question: bytes, *, dnssec: bool = False, checking_disabled: bool = False
) -> bytes:
    """A query with that id for a question section: RD and AD set, EDNS.

    dnssec: DO is set, so that signatures come along (RFC 3225 section 3). checking_disabled: CD is
    set, and a validating resolver also gives what it finds bogus (RFC 4035 section 3.2.2).
    """
    flags = _FLAGS | dns.flags.CD if checking_disabled else _FLAGS
    return _HEADER.pack(number, flags, 1, 0, 0, 1) + question + (_OPT_DO if dnssec else _OPT)


def answers_question(wire: bytes, question: bytes) -> bool:
    """Whether a message is a response to that question (RFC 5452 section 9.1).

    A server that could not read the query may leave the question out of its error.
    """
    if len(wire) < 12 or not wire[2] & 0x80:
        return False
    if wire[4:6] == b"\0\0":
        return wire[3] & 0x0F not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    return wire[12 : 12 + len(question)].lower() == question.lower()


def is_truncated(wire: bytes) -> bool:
    """Whether TC is set in the header of a message."""
    return bool(wire[2] & 0x02)


def response(wire: bytes, rdtype: str, *, dnssec: bool = False) -> Response:
    """What a response to a question of that type says; raises ParseError where it is malformed.

    Only what the answer needs is decoded, which makes this several times as fast as building the
    whole message. dnssec: signatures are read too.
    """
    try:
        return _response(wire, rdtype_code(rdtype), dnssec)
    # The last two: an offset beyond the end, and what dnspython lets through for hostile rdata.
    except (dns.exception.DNSException, struct.error, IndexError, ValueError) as error:
        raise ParseError(f"malformed answer: {type(error).__name__}: {error}") from error


class _Record(Struct, frozen=True):
    """One resource record, undecoded (RFC 1035 section 4.1.3). owner: as _skim gives it."""

    owner: bytes
    rdtype: int
    rdclass: int
    ttl: int
    start: int
    end: int


def _response(wire: bytes, rdtype: dns.rdatatype.RdataType, dnssec: bool) -> Response:
    _, flags, questions, *counts = _HEADER.unpack_from(wire)
    offset = _HEADER.size
    asked = b""
    for _ in range(questions):
        asked, offset = _skim(wire, offset)
        offset += 4
    sections: list[list[_Record]] = []
    for count in counts:
        section = []
        for _ in range(count):
            record, offset = _record(wire, offset)
            section.append(record)
        sections.append(section)
    answer, authority, additional = sections
    rdatas, chain, ttls = _follow(wire, asked, answer, rdtype)
    soa = None if rdatas else _negative_ttl(wire, authority)
    if not rdatas:
        ttls.append(soa or 0)
    opt = next((record for record in additional if record.rdtype == _OPT_CODE), None)
    rcode = flags & 0x0F | (opt.ttl >> 24 << 4 if opt else 0)
    return Response(
        rcode=dns.rcode.to_text(dns.rcode.Rcode(rcode)),
        authenticated=bool(flags & dns.flags.AD),
        extended_errors=tuple(_extended_errors(wire, opt)) if opt else (),
        alias_chain=chain,
        rdatas=rdatas,
        ends_in_alias=bool(chain and not rdatas and soa is None and rcode == 0),
        ttl_s=min(ttl if ttl <= _MAX_TTL_S else 0 for ttl in ttls),
        signatures=tuple(_signatures(wire, answer + authority)) if dnssec else (),
        zone=_zone(answer + authority) if dnssec else None,
    )


def _skim(wire: bytes, offset: int) -> tuple[bytes, int]:
    """A name in lower-case wire form without compression, and the offset behind it.

    Pointers lead only backwards (RFC 1035 section 4.1.4), so that none can loop.
    """
    labels = []
    behind = 0
    earliest = offset
    while length := wire[offset]:
        if length < 0x40:
            labels.append(wire[offset : offset + 1 + length])
            offset += 1 + length
            continue
        pointer = int.from_bytes(wire[offset : offset + 2], "big") & 0x3FFF
        if length < 0xC0 or pointer >= earliest:
            raise ParseError("malformed answer: a name is compressed in a way that does not end")
        behind = behind or offset + 2
        offset = earliest = pointer
    name = b"".join(labels).lower()
    if len(name) > 254:
        raise ParseError("malformed answer: a name is longer than 255 octets")
    return name, behind or offset + 1


def _record(wire: bytes, offset: int) -> tuple[_Record, int]:
    owner, offset = _skim(wire, offset)
    rdtype, rdclass, ttl, length = _FIXED.unpack_from(wire, offset)
    start = offset + _FIXED.size
    if start + length > len(wire):
        raise ParseError("malformed answer: a record reaches beyond the end")
    return _Record(owner, rdtype, rdclass, ttl, start, start + length), start + length


def _follow(
    wire: bytes, owner: bytes, answer: list[_Record], rdtype: dns.rdatatype.RdataType
) -> tuple[tuple[Rdata, ...], tuple[str, ...], list[int]]:
    """The records wanted, each once, the aliases that lead to them, and all their TTLs."""
    chain: list[str] = []
    ttls: list[int] = []
    while True:
        mine = [r for r in answer if r.owner == owner and r.rdclass == _CLASS_IN]
        wanted = [record for record in mine if record.rdtype == rdtype]
        if wanted:
            # A duplicate is no second record (RFC 2181 section 5).
            rdatas = {
                wire[record.start : record.end]: _rdata(wire, rdtype, record) for record in wanted
            }
            return tuple(rdatas.values()), tuple(chain), ttls + [r.ttl for r in wanted]
        alias = next((record for record in mine if record.rdtype == _CNAME_CODE), None)
        if alias is None:
            return (), tuple(chain), ttls
        if len(chain) >= MAX_ALIASES:
            raise ParseError(f"more than {MAX_ALIASES} aliases in one answer")
        owner, _ = _skim(wire, alias.start)
        chain.append(name_text(dns.name.from_wire(wire, alias.start)[0]))
        ttls.append(alias.ttl)


def _rdata(wire: bytes, rdtype: dns.rdatatype.RdataType, record: _Record) -> Rdata:
    """One record decoded. TLSA stays as octets: dnspython refuses what `parse.tlsa` describes."""
    if rdtype == dns.rdatatype.TLSA:
        return GenericRdata(dns.rdataclass.IN, rdtype, wire[record.start : record.end])
    length = record.end - record.start
    return dns.rdata.from_wire(dns.rdataclass.IN, rdtype, wire, record.start, length)


def _negative_ttl(wire: bytes, authority: list[_Record]) -> int | None:
    """The lesser of the SOA's TTL and its last field, MINIMUM (RFC 2308 section 5)."""
    for record in authority:
        if record.rdtype == _SOA_CODE and record.end - record.start >= 22:
            return min(record.ttl, int.from_bytes(wire[record.end - 4 : record.end], "big"))
    return None


def _signatures(wire: bytes, records: Iterable[_Record]) -> Iterator[Signature]:
    """The RRSIG records of a response (RFC 4034 section 3.1)."""
    for record in records:
        if record.rdtype != _RRSIG_CODE or record.rdclass != _CLASS_IN:
            continue
        length = record.end - record.start
        rdata = dns.rdata.from_wire(
            dns.rdataclass.IN, dns.rdatatype.RRSIG, wire, record.start, length
        )
        assert isinstance(rdata, RRSIG)
        yield Signature(
            name=_owner_text(record),
            covers=dns.rdatatype.to_text(rdata.type_covered),
            algorithm=int(rdata.algorithm),
            key_tag=rdata.key_tag,
            signer=name_text(rdata.signer),
            inception=datetime.fromtimestamp(rdata.inception, UTC),
            expiration=datetime.fromtimestamp(rdata.expiration, UTC),
        )


def _zone(records: Iterable[_Record]) -> str | None:
    """The owner of the SOA in a response: the apex of the zone that speaks (RFC 2308 section 3)."""
    owners = (_owner_text(record) for record in records if record.rdtype == _SOA_CODE)
    return next(owners, None)


def _owner_text(record: _Record) -> str:
    return name_text(dns.name.from_wire(record.owner + b"\0", 0)[0])


def _extended_errors(wire: bytes, opt: _Record) -> Iterator[str]:
    """The EDE options of an OPT record (RFC 6891 section 6.1.2, RFC 8914 section 2)."""
    offset = opt.start
    while offset + 4 <= opt.end:
        code, length = _OPTION.unpack_from(wire, offset)
        value = wire[offset + 4 : min(offset + 4 + length, opt.end)]
        if code == _EDE_CODE and len(value) >= 2:
            yield _extended_error(int.from_bytes(value[:2], "big"), value[2:])
        offset += 4 + length


def _extended_error(code: int, text: bytes) -> str:
    known = any(code == each for each in dns.edns.EDECode)
    meaning = dns.edns.EDECode(code).name.replace("_", " ") if known else ""
    said = text.decode(errors="replace").strip("\0")[:_MAX_TEXT]
    return " ".join(filter(None, (str(code), meaning, said and f"({said})")))
