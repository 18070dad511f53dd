"""A parked domain's SPF denies all mail.

## Rationale
A domain that sends nothing is as good for forged mail as any other, and nobody watches it. A record
that consists of `-all` alone lets every receiver refuse such mail at once.

## Remediation
Publish this record, and no other, at the domain:

    @   3600  IN  TXT  "v=spf1 -all"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dns import SpfTree
from audits.facts.fact import Silence
from audits.parse.spf_tree import authorising_terms, effective_all, own_record

_EXPECTED = "`v=spf1 -all` and nothing else"


@audit(
    to=Target.PARKED_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(7208, "5.1"), Doc("M3AAWG Protecting Parked Domains Best Common Practices")),
    frameworks=(
        Doc("NIST SP 800-177r1", "4-1"),
        Doc("BSI TR-03182-P", "11-M"),
        Doc("ISM", "1183"),
        Doc("Internet.nl", "spf-policy"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    records = spf.nodes[0].records
    if not records:
        return _failure("no SPF record", cite(spf, "/nodes/0/answer/rcode"))
    shown = tuple(cite(spf, f"/nodes/0/records/{i}") for i, _ in enumerate(records))
    record = own_record(spf)
    if record is None:
        return _failure(f"{len(records)} SPF records, of which none takes effect", *shown)
    if record.malformed is not None:
        return _failure(f"the record can't be evaluated: {record.malformed}", *shown)
    if [(term.qualifier, term.name) for term in record.terms] == [("-", "all")]:
        return Pass(shown)
    decides = effective_all(spf)
    if decides is not None and not isinstance(decides, Silence):
        term = spf.nodes[decides.node].records[0].terms[decides.term]
        if term.qualifier == "-" and not any(authorising_terms(spf)):
            return _failure(f"{record.text} denies all in a roundabout way", *shown, low=True)
    return _failure(f"{record.text} leaves room for mail", *shown)


def _failure(message: str, *evidence: Evidence, low: bool = False) -> Fail:
    severity = Severity.LOW if low else None
    return Fail((Violation(message, evidence, severity, _EXPECTED),))
