"""The SPF record and all records that it includes can be evaluated.

## Rationale
One broken term anywhere, or one included domain without an SPF record, gives a permanent error at
receivers that come as far as it: as if there were no SPF. Included records belong to others, and
break without notice when a service is cancelled.

## Remediation
Correct the term that the finding quotes, or drop an `include` or `redirect` whose target publishes
no SPF record. Let `all` be the last mechanism, and don't combine it with `redirect`:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.0/28 include:spf.provider.example ~all"

Where the target belongs to a provider that you still use, ask them for the current name.

## Limits
Names with macros depend on the message and are not followed. The number of look-ups isn't judged
here.
"""

from collections.abc import Iterator

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
from audits.facts.dns import SpfTree
from audits.parse.spf_tree import distinct_nodes, first_silence, own_record, way


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(7208, "4.6"), Rfc(7208, "5.2"), Rfc(7208, "6.1"), Rfc(7208, "12")),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    if not spf.nodes[0].records:
        return NotApplicable("the domain publishes no SPF record")
    violations = (*_malformed(spf), *_empty_targets(spf), *_misplaced(spf))
    if violations:
        return Fail(violations)
    silent = first_silence(spf)
    if silent is not None:
        place, silence = silent
        return undecided(spf, f"/nodes/{place}/name", silence)
    return Pass(
        tuple(
            cite(spf, f"/nodes/{place}/records/{i}")
            for place, node in distinct_nodes(spf)
            for i, _ in enumerate(node.records)
        )
    )


def _malformed(spf: SpfTree) -> Iterator[Violation]:
    for place, node in distinct_nodes(spf):
        for i, record in enumerate(node.records):
            if record.malformed is not None:
                at = f"{node.name}{way(node)}: " if node.path else ""
                yield Violation(
                    f"{at}{record.malformed}",
                    (
                        cite(spf, f"/nodes/{place}/records/{i}/malformed"),
                        cite(spf, f"/nodes/{place}/records/{i}"),
                    ),
                )


def _empty_targets(spf: SpfTree) -> Iterator[Violation]:
    """Includes and redirects that lead to no record, or to several (sections 5.2 and 6.1)."""
    for place, node in distinct_nodes(spf):
        if not node.path or node.answer is None or len(node.records) == 1:
            continue
        if node.records:
            fault = f"publishes {len(node.records)} SPF records"
        elif node.answer.rcode == "NXDOMAIN":
            fault = "does not exist (NXDOMAIN)"
        else:
            fault = "publishes no SPF record"
        rcode = cite(spf, f"/nodes/{place}/answer/rcode")
        yield Violation(f"{node.name}{way(node)} {fault}", (rcode,))


def _misplaced(spf: SpfTree) -> Iterator[Violation]:
    """What receivers ignore in the domain's own record; a modifier may follow `all`."""
    record = own_record(spf)
    if record is None:
        return
    ends = next((i for i, t in enumerate(record.terms) if t.name == "all" and t.qualifier), None)
    if ends is None:
        return
    for place, term in enumerate(record.terms):
        if place > ends and term.qualifier:
            fault = f"{term.text} stands after {record.terms[ends].text} and is never reached"
        elif term.name == "redirect":
            fault = f"{term.text} is ignored beside {record.terms[ends].text}"
        else:
            continue
        term_cited = cite(spf, f"/nodes/0/records/0/terms/{place}")
        yield Violation(fault, (term_cited,), Severity.LOW)
