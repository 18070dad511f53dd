"""SPF does not authorise the whole Internet.

## Rationale
With `+all`, or with half of all addresses authorised, anybody's mail in the name of the domain
passes SPF, and through it DMARC. That is worse than no SPF, because receivers trust a pass.

## Remediation
List the hosts that really send, and end the record with `~all` or `-all`:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.20 ~all"

Where the term stands in an included record, ask its owner, and drop the `include` until it is gone.

## Limits
`exists`, and names with macros, depend on the message; they are not followed. For `a` and `mx` only
the prefix length is judged, not the addresses.
"""

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
    undecided,
)
from audits.facts.dns import SpfTerm, SpfTree
from audits.facts.fact import Silence
from audits.parse.spf_tree import (
    authorised_addresses,
    authorising_terms,
    effective_all,
    first_silence,
    own_record,
    spans_half,
    way,
    why_no_record,
)

HALF_OF_IPV4 = 2**31
# Of 2000::/3, from which all global unicast addresses are given out.
HALF_OF_IPV6 = 2**124


@audit(
    to=Target.DOMAIN,
    severity=Severity.CRITICAL,
    references=(Rfc(7208, "5.1"),),
    frameworks=(
        Doc("Internet.nl", "spf-policy"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    if own_record(spf) is None:
        return NotApplicable(why_no_record(spf))
    violations = [
        Violation(f"{term.text} passes {what}{way(spf.nodes[at.node])}", (cite(spf, at.pointer),))
        for at, term in dict.fromkeys(authorising_terms(spf))
        if (what := _anybody(term))
    ]
    record = cite(spf, "/nodes/0/records/0")
    ipv4, ipv6 = authorised_addresses(spf)
    if ipv4 >= HALF_OF_IPV4:
        violations.append(Violation(f"{ipv4} IPv4 addresses are authorised", (record,)))
    if ipv6 >= HALF_OF_IPV6:
        violations.append(Violation("half of IPv6 or more is authorised", (record,)))
    if violations:
        return Fail(tuple(violations))
    silent = first_silence(spf)
    if silent is not None:
        place, silence = silent
        return undecided(spf, f"/nodes/{place}/name", silence)
    decides = effective_all(spf)
    if isinstance(decides, Silence):
        return Undecided(decides.reason, decides.detail, (record,))
    return Pass((record, cite(spf, decides.pointer)) if decides else (record,))


def _anybody(term: SpfTerm) -> str:
    """Whom a passing term authorises if that is about everybody, else empty."""
    if term.name == "all":
        return "any address"
    return "half of the Internet or more" if spans_half(term) else ""
