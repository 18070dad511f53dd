"""Where in the zone files under review stands what an audit cites of the DNS."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence
from audits.facts.dns import Answer
from audits.facts.fact import Fact
from audits.facts.place import Place
from audits.facts.snapshot import Snapshot
from audits.facts.zone import ZoneRecord, ZoneRecords
from audits.subject import Domain, MailHost

_TEXT = ("TXT", "SPF")
_ADDRESS = ("A", "AAAA")
# The types of record that facts of a kind are made of; that of the longest prefix holds.
_TYPES: dict[str, tuple[str, ...]] = {
    "dns.mx": ("MX",),
    "dns.apex": _ADDRESS,
    "dns.host": (*_ADDRESS, "CNAME"),
    "dns.helo": (*_ADDRESS, "CNAME"),
    "dns.spf": _TEXT,
    "dns.dkim": (*_TEXT, "CNAME"),
    "dns.dmarc": _TEXT,
    "dns.mta-sts": _TEXT,
    "dns.tlsrpt": _TEXT,
    "dns.bimi": _TEXT,
    "dns.tlsa": ("TLSA", "CNAME"),
    "dns.caa": ("CAA",),
    "dns.srv": ("SRV",),
    "dns.ptr": ("PTR", "CNAME"),
    "https.mta-sts": _TEXT,
}


# Facts that name no answer of their own, and the record of their subject that they stand on.
_OWN: dict[str, str] = {
    "dns.spf-worst": "{}",
    "dns.spf-eval": "{}",
    "dns.dmarc-destinations": "_dmarc.{}",
    "dns.tlsrpt-destinations": "_smtp._tls.{}",
    "https.mta-sts": "_mta-sts.{}",
}
# Where a name leads that is in no file itself: the record that names it is the one to mend.
_LEADING = frozenset({"MX", "CNAME", "NS", "SRV", "PTR"})


class ZonePlaces:
    """The places of all records under review, for evidence that has none of its own."""

    def __init__(self, records: ZoneRecords) -> None:
        self._by_name: dict[str, list[ZoneRecord]] = defaultdict(list)
        self._leading: dict[str, ZoneRecord] = {}
        for record in records.records:
            self._by_name[record.name].append(record)
            if record.rdtype in _LEADING:
                self._leading.setdefault(record.text.rpartition(" ")[2], record)

    @classmethod
    def of(cls, snapshot: Snapshot) -> "ZonePlaces | None":
        """None where no zone is under review."""
        records = snapshot.fact(ZoneRecords, snapshot.vantage)
        return cls(records) if records is not None else None

    def on(self, result: Result, snapshot: Snapshot) -> Result:
        """The result with the places of what it cites."""
        violations = tuple(
            replace(v, evidence=tuple(self._placed(e, snapshot) for e in v.evidence))
            for v in result.violations
        )
        evidence = tuple(self._placed(e, snapshot) for e in result.evidence)
        return replace(result, violations=violations, evidence=evidence)

    def _placed(self, evidence: Evidence, snapshot: Snapshot) -> Evidence:
        types = _types(evidence.kind)
        if evidence.place is not None or not types:
            return evidence
        fact = snapshot.by_kind(evidence.kind, evidence.subject)
        place = self._place(evidence, fact, types) if fact is not None else None
        return replace(evidence, place=place) if place is not None else evidence

    def _place(self, evidence: Evidence, fact: Fact, types: Sequence[str]) -> Place | None:
        """The line of the record that is quoted; where one is missing, of the record that leads to
        it, or of the first one at the name above.
        """
        way = list(_way(fact, evidence.pointer))
        own = _OWN.get(evidence.kind)
        first = [own.format(fact.subject)] if own is not None else []
        last = [str(fact.subject)] if evidence.kind == "dns.spf" else []
        asked = (name for struct in way for name in _names(struct))
        names = list(dict.fromkeys([*first, *asked, *last]))
        texts = [text for s in way if isinstance(text := getattr(s, "text", None), str)]
        for name in names:
            records = [r for r in self._by_name.get(name, ()) if r.rdtype in types]
            if records:
                return _quoted(records, [evidence.quote, *texts]).place
        subject = fact.subject
        about = [subject.name] if isinstance(subject, Domain | MailHost) else []
        for name in (*names, *about):
            if name in self._leading and name not in self._by_name:
                return self._leading[name].place
        for name in (*names, *about):
            while name:
                if name in self._by_name:
                    return self._by_name[name][0].place
                _, _, name = name.partition(".")
        return None


def _types(kind: str) -> tuple[str, ...]:
    fitting = [known for known in _TYPES if kind == known or kind.startswith(f"{known}-")]
    return _TYPES[max(fitting, key=len)] if fitting else ()


def _way(fact: Fact, pointer: str) -> Iterator[Struct]:
    """The structs that a pointer leads through, the innermost first."""
    way: list[Struct] = [fact]
    value: object = fact
    for step in pointer.split("/")[1:]:
        if isinstance(value, tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = getattr(value, step, None)
        if isinstance(value, Struct):
            way.append(value)
    return reversed(way)


def _names(struct: Struct) -> Iterator[str]:
    """The names that a part of a fact was looked up at."""
    if isinstance(struct, Answer):
        yield struct.name
        return
    for part in struct.__struct_fields__:
        value = getattr(struct, part)
        for answer in value if isinstance(value, tuple) else (value,):
            if isinstance(answer, Answer):
                yield answer.name
            elif part == "name" and isinstance(answer, str):
                yield answer


def _quoted(records: Sequence[ZoneRecord], texts: Sequence[str]) -> ZoneRecord:
    """The record that one of the texts is of, or the first one."""
    for text in texts:
        for record in records:
            own, other = record.text.casefold(), text.casefold()
            if other and (own == other or f" {other} " in f" {own} "):
                return record
    return records[0]
