"""What SPF costs at worst: the look-ups for a client that no term matches (RFC 7208 section 4.6.4).

A receiver stops at the first match, so most mail costs less. But what does not match has to go the
whole way, and whether a name exists depends on the family of the client's address.
"""

from audits.facts.dns import SpfTerm
from audits.facts.fact import Silence
from audits.facts.spf import READ, SpfCost
from audits.parse.spf import address_parts, spf_records
from audits.parse.spf_eval import COUNTED, Asking, effective_terms
from audits.parse.spf_macro import can_be_asked, expanded, macro_letters, target_name
from audits.parse.spf_trace import Answer, OpenStep, Question, Records, Trace

# Where to give up: far beyond any limit of a receiver, so that a loop ends.
MAX_COUNTED = 30
MAX_MX_ASKED = 15
# Letters whose value does not depend on the message, once the domain and the family are known.
_KNOWN = frozenset("dov")


def worst_case(domain: str, family: int) -> Asking[SpfCost]:
    """The cost of a domain's record for clients of one address family, 4 or 6."""
    return _Walk(domain, family).cost()


class _Walk:
    def __init__(self, domain: str, family: int) -> None:
        self._domain = domain
        self._family = family
        self._trace = Trace()
        self._mx_names = 0
        self._endless = False
        self._silence: Silence | None = None

    def cost(self) -> Asking[SpfCost]:
        yield from self._record(self._domain, ())
        return SpfCost(
            family=self._family,
            lookups=self._trace.lookups,
            voids=self._trace.voids,
            mx_names=self._mx_names,
            endless=self._endless,
            silence=self._silence,
            steps=self._trace.steps("not counted further"),
        )

    def _record(self, domain: str, path: tuple[str, ...]) -> Asking[None]:
        step = self._trace.begin(path, domain)
        records = spf_records((yield from self._ask(step, domain, "TXT", may_be_void=False)))
        # Anything but one record that can be read ends an evaluation without further look-ups.
        if len(records) != 1 or records[0].malformed is not None:
            step.result = _fault(len(records))
            return
        step.result = READ
        for term in effective_terms(records[0]):
            step = self._trace.begin(path, domain, term)
            if term.name in COUNTED:
                if self._trace.lookups >= MAX_COUNTED:
                    self._endless = True
                    return
                self._trace.count(step)
                yield from self._term(term, step)
            step.result = "match" if term.name == "all" else "no match"

    def _term(self, term: SpfTerm, step: OpenStep) -> Asking[None]:
        spec = address_parts(term)[0] if term.name in ("a", "mx") else term.value
        # The names of a `ptr` are the client's, and so are most macros: counted, never asked.
        if term.name == "ptr" or not macro_letters(spec) <= _KNOWN:
            return
        target = step.target = target_name(self._expand(spec, step)) if spec else step.domain
        if not can_be_asked(target):
            return
        match term.name:
            case "include" | "redirect":
                yield from self._record(target, (*step.path, term.text))
            case "mx":
                exchanges = yield from self._ask(step, target, "MX")
                self._mx_names = max(self._mx_names, len(exchanges))
                for exchange in exchanges[:MAX_MX_ASKED]:
                    if can_be_asked(exchange):
                        yield from self._ask(step, exchange, self._rdtype)
            case "exists":
                yield from self._ask(step, target, "A")
            case _:
                yield from self._ask(step, target, self._rdtype)

    @property
    def _rdtype(self) -> str:
        return "A" if self._family == 4 else "AAAA"

    def _expand(self, spec: str, step: OpenStep) -> str:
        version = "in-addr" if self._family == 4 else "ip6"
        return expanded(spec, {"d": step.domain, "o": self._domain, "v": version})

    def _ask(
        self, step: OpenStep, name: str, rdtype: str, *, may_be_void: bool = True
    ) -> Asking[tuple[str, ...]]:
        question = Question(name, rdtype)
        answer: Answer = yield question
        self._trace.note(step, question, answer, may_be_void=may_be_void)
        if isinstance(answer, Records):
            return answer.values
        self._silence = self._silence or answer
        return ()


def _fault(count: int) -> str:
    match count:
        case 0:
            return "no SPF record"
        case 1:
            return "a malformed SPF record"
        case _:
            return f"{count} SPF records"
