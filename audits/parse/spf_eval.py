"""check_host, the evaluation of SPF, sans-IO and with a trace (RFC 7208 section 4).

The functions are generators: they yield a `Question`, are sent its answer, and return the result.
`answered` drives one from anything that answers at once; an event loop does the same with `await`.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeVar, assert_never

from msgspec import Struct

from audits.facts.dns import SpfRecord, SpfTerm
from audits.facts.fact import Silence
from audits.facts.spf import SpfCheck, SpfResult
from audits.parse.spf import address_parts, is_explanation, spf_records
from audits.parse.spf_macro import can_be_asked, dotted, expanded, macro_letters, target_name
from audits.parse.spf_trace import Answer, OpenStep, Question, Records, Trace

# RFC 7208 section 4.6.4
MAX_LOOKUPS = 10
MAX_VOIDS = 2
MAX_MX_NAMES = 10
MAX_PTR_NAMES = 10
# Section 4.6.4: of mechanisms and modifiers, these; `exp` is not counted.
COUNTED = ("include", "a", "mx", "ptr", "exists", "redirect")

T = TypeVar("T")
Asking = Generator[Question, Answer, T]
IpAddress = IPv4Address | IPv6Address

_RESULT = {
    "+": SpfResult.PASS,
    "-": SpfResult.FAIL,
    "~": SpfResult.SOFTFAIL,
    "?": SpfResult.NEUTRAL,
}
_MAX_EXPLANATION = 500


def check_host(
    address: str, sender: str, helo: str, *, receiver: str = "unknown", at_s: int = 0
) -> Asking[SpfCheck]:
    """What SPF says of mail from `sender` that comes from `address` (RFC 7208 section 4).

    sender: empty for a bounce, which is judged by its HELO name (section 2.4). receiver, at_s: who
    checks, and when in seconds since 1970, for explanations that name them (section 7.2).
    """
    local, at, domain = (sender or f"@{helo}").rpartition("@")
    local = local if at and local else "postmaster"
    mail = _Mail(_ip(address), local, domain, helo, receiver, at_s)
    return _Evaluation(address, mail).check()


def answered(asking: Asking[T], answer: Callable[[Question], Answer]) -> T:
    """The result of an evaluation whose questions `answer` answers at once."""
    try:
        question = next(asking)
        while True:
            question = asking.send(answer(question))
    except StopIteration as end:
        result: T = end.value
        return result


def effective_terms(record: SpfRecord) -> tuple[SpfTerm, ...]:
    """The terms that can take effect: mechanisms as far as `all`, else all and the redirect.

    RFC 7208 section 5.1: what stands behind `all` is ignored, and so is `redirect` beside it.
    """
    directives = [term for term in record.terms if term.qualifier]
    for place, term in enumerate(directives):
        if term.name == "all":
            return tuple(directives[: place + 1])
    redirects = (term for term in record.terms if not term.qualifier and term.name == "redirect")
    return (*directives, *redirects)


def _ip(text: str) -> IpAddress:
    """Section 5: an IPv4-mapped address is evaluated as the IPv4 address that it is."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class _Mail(Struct, frozen=True):
    """What a receiver knows of a message when it checks."""

    ip: IpAddress
    local_part: str
    sender_domain: str
    helo: str
    receiver: str
    at_s: int


class _Error(Exception):
    """A temperror or permerror; either ends the whole evaluation (sections 2.6.6 and 2.6.7)."""

    def __init__(self, result: SpfResult, why: str, silence: Silence | None = None) -> None:
        super().__init__(why)
        self.result = result
        self.why = why
        self.silence = silence


@dataclass
class _Decision:
    """What one record gives. exp: its `exp`, to be read for `domain`, if it has one."""

    result: SpfResult
    why: str
    domain: str
    exp: SpfTerm | None


class _Evaluation:
    """One check_host: its mail and its trace."""

    def __init__(self, address: str, mail: _Mail) -> None:
        self._address = address
        self._mail = mail
        self._rdtype = "A" if mail.ip.version == 4 else "AAAA"
        self._trace = Trace()

    def check(self) -> Asking[SpfCheck]:
        domain = self._mail.sender_domain.lower().removesuffix(".")
        silence, explanation = None, None
        try:
            decision = yield from self._record_check(domain, ())
            result, why = decision.result, decision.why
            if result is SpfResult.FAIL and decision.exp is not None:
                explanation = yield from self._explanation(decision.domain, decision.exp)
        except _Error as error:
            result, why, silence = error.result, error.why, error.silence
        return SpfCheck(
            address=self._address,
            result=result,
            why=why,
            silence=silence,
            explanation=explanation,
            lookups=self._trace.lookups,
            voids=self._trace.voids,
            steps=self._trace.steps(result),
        )

    def _record_check(self, domain: str, path: tuple[str, ...]) -> Asking[_Decision]:
        """What the record of a domain gives (sections 4.3 to 4.7)."""
        step = self._trace.begin(path, domain)
        record = yield from self._record(domain, step)
        if record is None:
            step.result = SpfResult.NONE
            return _Decision(SpfResult.NONE, f"{domain} has no SPF record", domain, None)
        decision = yield from self._terms(record, domain, path)
        step.result = decision.result
        return decision

    def _record(self, domain: str, step: OpenStep) -> Asking[SpfRecord | None]:
        # Section 4.3: what can't be a mail domain has no policy; an address literal is no domain.
        if "." not in domain or domain.startswith("[") or not can_be_asked(domain):
            return None
        answer = yield from self._ask(step, domain, "TXT", may_be_void=False)
        if isinstance(answer, Silence):
            raise _Error(SpfResult.TEMPERROR, f"{domain}: {answer.detail}", answer)
        records = spf_records(answer.values)
        if not records:
            return None
        if len(records) > 1:
            raise _Error(SpfResult.PERMERROR, f"{domain} has {len(records)} SPF records")
        if records[0].malformed is not None:
            raise _Error(SpfResult.PERMERROR, f"{domain}: {records[0].malformed}")
        return records[0]

    def _terms(self, record: SpfRecord, domain: str, path: tuple[str, ...]) -> Asking[_Decision]:
        exp = next((t for t in record.terms if t.name == "exp" and not t.qualifier), None)
        for term in effective_terms(record):
            step = self._trace.begin(path, domain, term)
            if term.name in COUNTED:
                self._count(step, term)
            if not term.qualifier:
                return (yield from self._redirect(term, step))
            if (yield from self._matches(term, step)):
                self._trace.matched(step)
                return _Decision(
                    _RESULT[term.qualifier], f"{_shown(term, path)} matches", domain, exp
                )
            step.result = "no match"
        return _Decision(SpfResult.NEUTRAL, f"no term of {domain} matches", domain, None)

    def _redirect(self, term: SpfTerm, step: OpenStep) -> Asking[_Decision]:
        """Section 6.1: the other record's result is this one's, and none is an error."""
        target = yield from self._target(term.value, step)
        decision = yield from self._record_check(target, (*step.path, term.text))
        if decision.result is SpfResult.NONE:
            raise _Error(SpfResult.PERMERROR, f"{_shown(term, step.path)}: {decision.why}")
        step.result = decision.result
        return decision

    def _matches(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        match term.name:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._mail.ip in ip_network(term.value, strict=False)
            case "include":
                return (yield from self._include(term, step))
            case "a":
                return (yield from self._a(term, step))
            case "mx":
                return (yield from self._mx(term, step))
            case "ptr":
                return (yield from self._ptr(term, step))
            case "exists":
                return (yield from self._exists(term, step))
            case _:
                raise _Error(SpfResult.PERMERROR, f"unknown mechanism {term.name}")

    def _include(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        """Section 5.2: a match is a pass of the other record; none is an error."""
        target = yield from self._target(term.value, step)
        decision = yield from self._record_check(target, (*step.path, term.text))
        if decision.result is SpfResult.NONE:
            raise _Error(SpfResult.PERMERROR, f"{_shown(term, step.path)}: {decision.why}")
        return decision.result is SpfResult.PASS

    def _a(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        spec, *lengths = address_parts(term)
        target = yield from self._target(spec, step)
        if not can_be_asked(target):
            return False
        addresses = yield from self._need(step, target, self._rdtype, term)
        return self._covers(addresses, lengths)

    def _mx(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        """Section 5.4: no MX means no match; an address is never taken for one."""
        spec, *lengths = address_parts(term)
        target = yield from self._target(spec, step)
        if not can_be_asked(target):
            return False
        exchanges = yield from self._need(step, target, "MX", term)
        if len(exchanges) > MAX_MX_NAMES:
            why = f"{_shown(term, step.path)} leads to {len(exchanges)} MX hosts"
            raise _Error(SpfResult.PERMERROR, f"{why}, over {MAX_MX_NAMES}")
        for exchange in exchanges:
            if can_be_asked(exchange):  # the null MX is no host (RFC 7505 section 3)
                addresses = yield from self._need(step, exchange, self._rdtype, term)
                if self._covers(addresses, lengths):
                    return True
        return False

    def _exists(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        """Section 5.7: A records are asked for, whatever the address of the client."""
        target = yield from self._target(term.value, step)
        if not can_be_asked(target):
            return False
        return bool((yield from self._need(step, target, "A", term)))

    def _ptr(self, term: SpfTerm, step: OpenStep) -> Asking[bool]:
        target = yield from self._target(term.value, step)
        names = yield from self._validated_names(step)
        return any(name == target or name.endswith(f".{target}") for name in names)

    def _validated_names(self, step: OpenStep) -> Asking[tuple[str, ...]]:
        """The names of the address that lead back to it; errors on the way skip (section 5.5)."""
        found = yield from self._ask(step, self._mail.ip.reverse_pointer, "PTR")
        names = () if isinstance(found, Silence) else found.values[:MAX_PTR_NAMES]
        validated = []
        for name in map(target_name, names):
            if can_be_asked(name):
                answer = yield from self._ask(step, name, self._rdtype)
                if isinstance(answer, Records) and self._covers(answer.values, [32, 128]):
                    validated.append(name)
        return tuple(validated)

    def _explanation(self, domain: str, exp: SpfTerm) -> Asking[str | None]:
        """Section 6.2: whatever goes wrong leaves the fail without an explanation."""
        step = self._trace.begin((), domain, exp)
        step.result = "no explanation"
        try:
            target = yield from self._target(exp.value, step)
            if not can_be_asked(target):
                return None
            answer = yield from self._ask(step, target, "TXT", may_be_void=False)
            if isinstance(answer, Silence) or len(answer.values) != 1:
                return None
            if not is_explanation(answer.values[0]):
                return None
            text = yield from self._expand(answer.values[0], step)
        except _Error:  # a void look-up too many, for the sake of %{p}
            return None
        step.result = "explanation"
        return text[:_MAX_EXPLANATION]

    def _target(self, spec: str, step: OpenStep) -> Asking[str]:
        """The target-name of a term; without a domain-spec the domain itself (section 4.8)."""
        text = yield from self._expand(spec, step)
        step.target = target_name(text) if spec else step.domain
        return step.target

    def _expand(self, text: str, step: OpenStep) -> Asking[str]:
        letters = macro_letters(text)
        mail = self._mail
        values = {
            "s": f"{mail.local_part}@{mail.sender_domain}",
            "l": mail.local_part,
            "o": mail.sender_domain,
            "d": step.domain,
            "i": dotted(mail.ip),
            "v": "in-addr" if mail.ip.version == 4 else "ip6",
            "h": mail.helo,
            "c": str(mail.ip),
            "r": mail.receiver,
            "t": str(mail.at_s),
        }
        if "p" in letters:
            names = yield from self._validated_names(step)
            values["p"] = _best_name(names, step.domain)
        return expanded(text, values)

    def _need(
        self, step: OpenStep, name: str, rdtype: str, term: SpfTerm
    ) -> Asking[tuple[str, ...]]:
        """The values, where silence is a temperror of the whole check (section 5)."""
        answer = yield from self._ask(step, name, rdtype)
        match answer:
            case Silence():
                why = f"{_shown(term, step.path)}: {answer.detail}"
                raise _Error(SpfResult.TEMPERROR, why, answer)
            case Records():
                return answer.values
            case _:
                assert_never(answer)

    def _ask(
        self, step: OpenStep, name: str, rdtype: str, *, may_be_void: bool = True
    ) -> Asking[Answer]:
        question = Question(name, rdtype)
        answer = yield question
        self._trace.note(step, question, answer, may_be_void=may_be_void)
        if self._trace.voids > MAX_VOIDS:
            why = f"{name} {rdtype} is void look-up {self._trace.voids}, over {MAX_VOIDS}"
            raise _Error(SpfResult.PERMERROR, why)
        return answer

    def _count(self, step: OpenStep, term: SpfTerm) -> None:
        self._trace.count(step)
        if self._trace.lookups > MAX_LOOKUPS:
            why = f"{_shown(term, step.path)} is look-up {self._trace.lookups}, over {MAX_LOOKUPS}"
            raise _Error(SpfResult.PERMERROR, why)

    def _covers(self, addresses: tuple[str, ...], lengths: list[int]) -> bool:
        """Whether a network of the given length (IPv4, IPv6) around an address has the client."""
        length = lengths[0] if self._mail.ip.version == 4 else lengths[1]
        return any(
            self._mail.ip in ip_network(f"{each}/{length}", strict=False) for each in addresses
        )


def _best_name(names: tuple[str, ...], domain: str) -> str:
    """`%{p}`: the domain itself, else a name below it, else any, else `unknown` (section 7.3)."""
    if domain in names:
        return domain
    below = (name for name in names if name.endswith(f".{domain}"))
    return next(below, names[0] if names else "unknown")


def _shown(term: SpfTerm, path: tuple[str, ...]) -> str:
    """A term with the way to it, for one clause."""
    text = term.text[:200]
    return f"{text} (by {', '.join(path)})" if path else text
