"""Zone files in master file format (RFC 1035 section 5), with the extensions that BIND reads."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rdatatype
import dns.ttl
from dns.name import Name
from dns.rdtypes.ANY.SOA import SOA

from audits.errors import ParseError
from audits.facts.fact import Reason, Silence
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText
from audits.parse.dns_message import name_text
from audits.parse.zone import Zone, ZoneEntry, check_zone, is_within, read_rdata

# What gives an included file: the file that names it, and the name as written there.
Include = Callable[[str, str], ConfigText | Silence]

_DEEPEST = 10
_MOST_GENERATED = 65_536
_CLASSES = frozenset({"IN", "CH", "HS", "CS"})

# RFC 1035 section 5.1: blanks, comments, line ends, parentheses, quoted strings, other words.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\f]+) | (?P<comment>;[^\n]*) | (?P<end>\n) | (?P<paren>[()])
    | "(?P<quoted>(?:[^"\\\n]|\\[^\n])*)" | (?P<open>"[^\n]*)
    | (?P<word>(?:[^\s;()"\\]|\\[^\n]|\\)+)
    | (?P<odd>.)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    text: str
    quoted: bool
    place: Place

    @property
    def raw(self) -> str:
        return f'"{self.text}"' if self.quoted else self.text


@dataclass
class _Line:
    """One logical line: what stands between line ends that no parentheses swallow.

    indented: it begins with a blank, and belongs to the owner before. broken: what is wrong with
    its quotes or parentheses.
    """

    place: Place
    indented: bool = False
    tokens: list[_Token] = field(default_factory=list)
    broken: tuple[str, str, Place] | None = None
    swallowed: bool = False


def read_zone_file(text: ConfigText, origin: str, include: Include) -> Zone:
    """The zone in a file; whatever can't be read is a problem with line and column."""
    zone = Zone(origin, text.shown)
    _Reader(zone, include).read(text, dns.name.from_text(origin), 0)
    check_zone(zone, Place(text.shown, 1), needs_soa=True)
    return zone


def _lines(text: ConfigText) -> Iterator[_Line]:
    line: _Line | None = None
    depth = 0
    opened = Place(text.shown, 1)
    number, start = 1, 0
    for match in _TOKEN.finditer(text.text):
        place = Place(text.shown, number, match.start() - start + 1)
        kind = match.lastgroup
        if kind != "end" and line is None:
            line = _Line(place, indented=kind == "blank")
        if kind == "end":
            number, start = number + 1, match.end()
            if line is not None and not depth:
                yield line
                line = None
        elif line is None:
            continue
        elif kind in ("word", "quoted"):
            line.tokens.append(_Token(match[kind], kind == "quoted", place))
        elif kind == "paren":
            depth += 1 if match["paren"] == "(" else -1
            if depth == 1 and match["paren"] == "(":
                opened = place
            if depth < 0:
                depth = 0
                line.broken = line.broken or ("found ')'", "'(' before it", place)
        elif kind in ("open", "odd"):
            found = "found a quoted string without end" if kind == "open" else "found an odd octet"
            line.broken = line.broken or (found, "'\"' on the same line", place)
    if line is not None:
        if depth:
            line.broken = ("found '(' without end", "')' before the end of the file", opened)
            line.swallowed = True
        yield line


class _Reader:
    """The state of RFC 1035 section 5.1: origin, last owner, last TTL."""

    def __init__(self, zone: Zone, include: Include) -> None:
        self._zone = zone
        self._include = include
        self._owner: Name | None = None
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None

    def read(self, text: ConfigText, origin: Name, depth: int) -> None:
        for line in _lines(text):
            if line.swallowed and line.broken is not None:
                self._zone.whole = self._zone.wrong(*line.broken)
            elif line.tokens or line.broken:
                origin = self._line(line, origin, depth)

    def _line(self, line: _Line, origin: Name, depth: int) -> Name:
        """Takes in one line; returns the origin that holds from now on."""
        first = line.tokens[0] if line.tokens else None
        if first is None or line.indented or not first.text.startswith("$") or first.quoted:
            self._record(line, origin)
            return origin
        if line.broken is not None:
            self._zone.whole = self._zone.wrong(*line.broken)
            return origin
        try:
            return self._directive(line, origin, depth)
        except ParseError as error:
            place = line.tokens[1].place if line.tokens[1:] else first.place
            self._zone.whole = self._zone.wrong(
                f"{first.text}: {error}", "one that is right", place
            )
            return origin

    def _directive(self, line: _Line, origin: Name, depth: int) -> Name:
        first, *rest = line.tokens
        match first.text.upper(), [token.text for token in rest]:
            case "$ORIGIN", [name]:
                return _name(name, origin)
            case "$TTL", [ttl]:
                self._default_ttl = _ttl(ttl)
            case "$INCLUDE", [name, *other]:
                inner = _name(other[0], origin) if other else origin
                self._included(name, inner, rest[0].place, depth)
            case "$GENERATE", [numbers, owner, *data] if data:
                self._generated(numbers, owner, rest[2:], line, origin)
            case "$ORIGIN" | "$TTL" | "$INCLUDE" | "$GENERATE", words:
                raise ParseError(f"found {len(words)} words")
            case other_directive, _:
                found = f"found the directive {other_directive}"
                known = "$ORIGIN, $TTL, $INCLUDE or $GENERATE"
                self._zone.whole = self._zone.wrong(found, known, first.place)
        return origin

    def _included(self, name: str, origin: Name, place: Place, depth: int) -> None:
        """RFC 1035 section 5.1: the origin of the file that includes is as it was afterwards."""
        text = self._include(place.file, name)
        if depth >= _DEEPEST:
            text = Silence(Reason.UNREADABLE, f"more than {_DEEPEST} files include one another")
        if isinstance(text, Silence):
            found = f"$INCLUDE {name}: {text.detail}"
            self._zone.whole = self._zone.wrong(found, "a file of the repository", place)
            return
        owner = self._owner
        self.read(text, origin, depth + 1)
        self._owner = owner

    def _generated(
        self, numbers: str, owner: str, data: list[_Token], line: _Line, origin: Name
    ) -> None:
        """BIND's `$GENERATE start-stop[/step] owner [ttl] [class] type data`."""
        match = re.fullmatch(r"(\d{1,9})-(\d{1,9})(?:/(\d{1,9}))?", numbers)
        if match is None:
            raise ParseError(f"found the range {numbers!r}")
        steps = range(int(match[1]), int(match[2]) + 1, int(match[3] or 1) or 1)
        if len(steps) > _MOST_GENERATED:
            raise ParseError(f"found a range of {len(steps)} numbers")
        for number in steps:
            tokens = [
                _Token(_numbered(token.text, number), token.quoted, token.place)
                for token in [_Token(owner, False, line.place), *data]
            ]
            self._record(_Line(line.place, tokens=tokens), origin)

    def _record(self, line: _Line, origin: Name) -> None:
        zone, tokens = self._zone, list(line.tokens)
        if not line.indented and tokens:
            try:
                self._owner = _name(tokens.pop(0).text, origin)
            except ParseError as error:
                self._owner = None
                zone.whole = zone.wrong(str(error), "a domain name", line.place)
                return
        if self._owner is None:
            zone.whole = zone.wrong("found no owner", "a name at the begin of the line", line.place)
            return
        owner = name_text(self._owner)
        ttl = self._ttl_and_class(tokens)
        rdtype = tokens[0].text.upper() if tokens and not tokens[0].quoted else None
        if line.broken is not None:
            zone.unread[owner, _known(rdtype)] = zone.wrong(*line.broken)
        elif isinstance(ttl, Silence):
            zone.unread[owner, None] = ttl
        elif rdtype is None or _known(rdtype) is None:
            place = tokens[0].place if tokens else line.place
            found = f"found {tokens[0].text!r}" if tokens else "found the end of the line"
            zone.unread[owner, None] = zone.wrong(found, "a record type", place)
        else:
            self._data(owner, ttl, rdtype, tokens, origin)

    def _data(
        self, owner: str, ttl: int | None, rdtype: str, tokens: list[_Token], origin: Name
    ) -> None:
        zone = self._zone
        kind, *data = tokens
        place = data[0].place if data else kind.place
        if not is_within(owner, zone.origin):
            found = f"found {owner}, which is not in the zone {zone.origin}"
            zone.wrong(found, "a name in the zone, or a final dot less", place)
            return
        try:
            rdata = read_rdata(rdtype, " ".join(token.raw for token in data), origin)
        except ParseError as error:
            found = f"found {rdtype} of {owner} that can't be read: {error}"
            zone.unread[owner, rdtype] = zone.wrong(found, f"data of {rdtype}", place)
            return
        if ttl is None and isinstance(rdata, SOA):
            ttl = rdata.minimum
        self._last_ttl = ttl if ttl is not None else self._last_ttl
        zone.entries.append(ZoneEntry(owner, rdtype, self._last_ttl or 0, rdata, place))

    def _ttl_and_class(self, tokens: list[_Token]) -> int | Silence | None:
        """Takes TTL and class, in either order, off the front; None where no TTL is known."""
        ttl = self._default_ttl if self._default_ttl is not None else self._last_ttl
        while tokens and not tokens[0].quoted:
            word = tokens[0].text
            if word.upper() in _CLASSES:
                if word.upper() != "IN":
                    return self._zone.wrong(f"found class {word}", "IN", tokens[0].place)
            elif word[0].isdigit() and len(tokens) > 1:
                try:
                    ttl = _ttl(word)
                except ParseError as error:
                    return self._zone.wrong(str(error), "a TTL", tokens[0].place)
            else:
                break
            tokens.pop(0)
        return ttl


def _known(rdtype: str | None) -> str | None:
    """A record type that there is."""
    if rdtype is None:
        return None
    try:
        dns.rdatatype.from_text(rdtype)
    except (dns.exception.DNSException, ValueError):
        return None
    return rdtype


def _name(text: str, origin: Name) -> Name:
    try:
        return dns.name.from_text(text, origin)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ParseError(f"found {text!r}, which is no domain name: {error}") from error


def _ttl(text: str) -> int:
    try:
        return dns.ttl.from_text(text)
    except (dns.exception.DNSException, ValueError) as error:
        raise ParseError(f"found {text!r}, which is no TTL") from error


_NUMBER = re.compile(r"\\\$|\$\$|\$(?:\{(-?\d{1,9})(?:,(\d{1,3})(?:,([doxX]))?)?\})?")


def _numbered(text: str, number: int) -> str:
    """`$` and `${offset,width,base}` replaced."""

    def replace(match: re.Match[str]) -> str:
        if match[0] in ("\\$", "$$"):
            return "$"
        return format(number + int(match[1] or 0), f"0{match[2] or 0}{match[3] or 'd'}")

    return _NUMBER.sub(replace, text)
