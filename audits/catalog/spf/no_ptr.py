"""SPF does without `ptr`.

## Rationale
`ptr` asks for the names of the client's address, and then for the addresses of each name. That is
slow, burdens the servers of the reverse zone, and fails where those are out of reach. Where a
receiver ignores the term, mail that needs it does not pass. The macro `%{p}` asks for the same.

## Remediation
List what `ptr` stood for by address, or by the names of the hosts:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.20 ~all"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import SpfTerm, SpfTree
from audits.parse.spf_macro import macro_letters
from audits.parse.spf_tree import distinct_nodes, first_silence, own_record, way, why_no_record


@audit(
    to=Target.DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(7208, "5.5"), Rfc(7208, "7.2")),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    if own_record(spf) is None:
        return NotApplicable(why_no_record(spf))
    violations = tuple(
        Violation(
            f"{term.text}{way(node)} asks for the names of the client's address",
            (cite(spf, f"/nodes/{place}/records/0/terms/{i}"),),
        )
        for place, node in distinct_nodes(spf)
        if len(node.records) == 1
        for i, term in enumerate(node.records[0].terms)
        if _asks_for_names(term)
    )
    if violations:
        return Fail(violations)
    silent = first_silence(spf)
    if silent is not None:
        place, silence = silent
        return undecided(spf, f"/nodes/{place}/name", silence)
    return Pass(
        tuple(
            cite(spf, f"/nodes/{place}/records/0")
            for place, node in distinct_nodes(spf)
            if len(node.records) == 1
        )
    )


def _asks_for_names(term: SpfTerm) -> bool:
    return (term.name == "ptr" and bool(term.qualifier)) or "p" in macro_letters(term.value)
