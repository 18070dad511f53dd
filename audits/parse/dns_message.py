"""DNS names and messages between wire and text, sans-IO (RFC 1035, RFC 6891, RFC 8914)."""

import struct
from functools import cache

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdata import Rdata
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.SOA import SOA
from dns.rrset import RRset
from msgspec import Struct

from audits.errors import ParseError

UDP_PAYLOAD = 1232
MAX_ALIASES = 8

_CLASS_IN = 1
# RFC 6840 section 5.7: AD in a query asks for AD in the answer, without the bulk that DO brings.
_FLAGS = dns.flags.RD | dns.flags.AD
_HEADER = struct.Struct("!HHHHHH")
# RFC 6891 section 6.1.2: root name, type OPT, payload size, extended RCODE and flags, no options.
_OPT = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, UDP_PAYLOAD, 0, 0)
# RFC 2181 section 8: a TTL with its top bit set counts as zero.
_MAX_TTL_S = 2**31 - 1
_MAX_TEXT = 200


class Response(Struct, frozen=True):
    """What one response says of one question.

    rcode: its mnemonic. alias_chain: targets of the CNAMEs that it follows, in order.
    ends_in_alias: the last target is not answered for, and has to be asked for itself.
    ttl_s: the shortest on the way; for a negative answer by RFC 2308 section 5, 0 without SOA.
    """

    rcode: str
    authenticated: bool
    extended_errors: tuple[str, ...]
    alias_chain: tuple[str, ...]
    rdatas: tuple[Rdata, ...]
    ends_in_alias: bool
    ttl_s: int


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
def rdtype_code(rdtype: str) -> int:
    """The number of a record type by its mnemonic."""
    return int(dns.rdatatype.from_text(rdtype))


def question_section(name: str, rdtype: str) -> bytes:
    """The question section for a name that `ascii_name` gave; raises ParseError as wire_name."""
    return wire_name(name) + struct.pack("!HH", rdtype_code(rdtype), _CLASS_IN)


def query_message(number: int, question: bytes) -> bytes:
    """A query with that id for a question section: RD and AD set, EDNS, DO clear."""
    return _HEADER.pack(number, _FLAGS, 1, 0, 0, 1) + question + _OPT


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


def response(wire: bytes, rdtype: str) -> Response:
    """What a response to a question of that type says; raises ParseError where it is malformed."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
        return _response(message, rdtype_code(rdtype))
    # dnspython lets a few errors of the struct and codec kind through for hostile messages.
    except (dns.exception.DNSException, ValueError, struct.error, IndexError) as error:
        raise ParseError(f"malformed answer: {type(error).__name__}: {error}") from error


def _response(message: dns.message.Message, rdtype: int) -> Response:
    records, chain, ttls = _follow(message, rdtype)
    soa = None if records else _soa(message)
    if soa is not None:
        ttls.append(soa)
    elif not records:
        ttls.append(0)
    rcode = message.rcode()
    return Response(
        rcode=dns.rcode.to_text(rcode),
        authenticated=bool(message.flags & dns.flags.AD),
        extended_errors=tuple(
            _extended_error(option)
            for option in message.options
            if isinstance(option, dns.edns.EDEOption)
        ),
        alias_chain=tuple(chain),
        rdatas=records,
        ends_in_alias=bool(chain and not records and soa is None and rcode == dns.rcode.NOERROR),
        ttl_s=min(ttl if ttl <= _MAX_TTL_S else 0 for ttl in ttls),
    )


def _follow(
    message: dns.message.Message, rdtype: int
) -> tuple[tuple[Rdata, ...], list[str], list[int]]:
    """The records wanted, the aliases that lead to them, and all their TTLs."""
    chain: list[str] = []
    ttls: list[int] = []
    if not message.question:
        return (), chain, ttls
    owner = message.question[0].name
    while len(chain) <= MAX_ALIASES:
        alias: RRset | None = None
        for rrset in message.answer:
            if rrset.name != owner:
                continue
            if rrset.rdtype == rdtype:
                return tuple(rrset), chain, [*ttls, rrset.ttl]
            if rrset.rdtype == dns.rdatatype.CNAME:
                alias = rrset
        if alias is None:
            return (), chain, ttls
        target = alias[0]
        if not isinstance(target, CNAME):
            return (), chain, ttls
        owner = target.target
        chain.append(name_text(owner))
        ttls.append(alias.ttl)
    raise ParseError(f"more than {MAX_ALIASES} aliases in one answer")


def _soa(message: dns.message.Message) -> int | None:
    """How long a negative answer holds: the lesser of the SOA's TTL and its MINIMUM."""
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.SOA and isinstance(rrset[0], SOA):
            return min(rrset.ttl, rrset[0].minimum)
    return None


def _extended_error(option: dns.edns.EDEOption) -> str:
    try:
        meaning = dns.edns.EDECode(option.code).name.replace("_", " ").capitalize()
    except ValueError:
        meaning = ""
    said = (option.text or "").strip("\0")[:_MAX_TEXT]
    return " ".join(filter(None, (str(int(option.code)), meaning, said and f"({said})")))
