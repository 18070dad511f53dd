"""The `all` of SPF is strict enough.

## Rationale
`all` says what becomes of mail from hosts that the record does not list. `?all`, or none, says
nothing. `~all` marks such mail as suspect and leaves the rest to DMARC; `-all` asks receivers to
refuse it, which some do before they look at DKIM.

## Remediation
End the record, or the one that `redirect` leads to, with the qualifier that the policy asks for:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.20 ~all"

Publish `-all` only where no mail of the domain is forwarded, or where DKIM signs all of it.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dns import SpfTree
from audits.facts.fact import Silence
from audits.parse.spf_tree import effective_all, own_record, way, why_no_record

_STRICTNESS = {"+": 0, "?": 1, "~": 2, "-": 3}
_MINIMUM = {"neutral": "?", "softfail": "~", "fail": "-"}


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(7208, "4.7"), Rfc(7208, "5.1"), Rfc(7208, "6.1")),
    frameworks=(
        Doc("Internet.nl", "spf-policy"),
        Doc("BSI TR-03182-P", "01-M"),
        Doc("ISM", "1183"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(
    spf: SpfTree, *, min_all: Literal["neutral", "softfail", "fail"] = "softfail"
) -> Verdict:
    if own_record(spf) is None:
        return NotApplicable(why_no_record(spf))
    record = cite(spf, "/nodes/0/records/0")
    decides = effective_all(spf)
    if isinstance(decides, Silence):
        return Undecided(decides.reason, decides.detail, (record,))
    if decides is None:
        # A record that ends without a match gives neutral.
        qualifier, seen, evidence = "?", "no `all` takes effect, which is neutral", (record,)
    else:
        node = spf.nodes[decides.node]
        term = node.records[0].terms[decides.term]
        qualifier, seen = term.qualifier, f"the record ends in {term.text}{way(node)}"
        evidence = (cite(spf, decides.pointer),)
    wanted = _MINIMUM[min_all]
    if _STRICTNESS[qualifier] >= _STRICTNESS[wanted]:
        return Pass(evidence)
    return Fail((Violation(seen, evidence, expected=f"`{wanted}all` or stricter"),))
