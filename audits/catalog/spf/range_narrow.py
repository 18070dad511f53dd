"""SPF authorises no more addresses than a sender needs.

## Rationale
Every address that the record lists can send in the name of the domain. A whole provider's network
also holds hosts that others rent, or that were taken over.

## Remediation
List the addresses that mail leaves from, or the smallest network around them:

    @   3600  IN  TXT  "v=spf1 ip4:198.51.100.16/28 include:spf.provider.example ~all"

Where a provider's own record is that wide, and you need it, name it in `allowed_includes`.

## Limits
The sum is of `ip4` terms. Behind `a` and `mx` the prefix length is judged, not the addresses; what
depends on the message is not followed.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, audit
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
from audits.parse.spf import ipv4_prefix_length
from audits.parse.spf_tree import (
    authorised_addresses,
    authorising_terms,
    first_silence,
    own_record,
    pruned,
    way,
    why_no_record,
)


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Doc("dmarc.org sender best practices 2016"),),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(
    spf: SpfTree,
    *,
    max_ipv4: int = 65536,
    min_prefix4: int = 16,
    allowed_includes: tuple[str, ...] = (),
) -> Verdict:
    if own_record(spf) is None:
        return NotApplicable(why_no_record(spf))
    judged = pruned(spf, allowed_includes)
    violations = list(_short_prefixes(spf, min_prefix4))
    ipv4, _ = authorised_addresses(judged)
    record = cite(spf, "/nodes/0/records/0")
    if ipv4 > max_ipv4 and not violations:
        violations.append(
            Violation(
                f"{ipv4} IPv4 addresses are authorised",
                (record,),
                expected=f"at most {max_ipv4} addresses",
            )
        )
    if violations:
        return Fail(tuple(violations))
    silent = first_silence(judged)
    if silent is not None:
        place, silence = silent
        at = next(i for i, node in enumerate(spf.nodes) if node == judged.nodes[place])
        return undecided(spf, f"/nodes/{at}/name", silence)
    return Pass((record,))


def _short_prefixes(spf: SpfTree, shortest: int) -> Iterator[Violation]:
    """Of the domain's own terms: those of its record, and of records that it redirects to."""
    for at, term in dict.fromkeys(authorising_terms(spf)):
        node = spf.nodes[at.node]
        own = all(step.lower().startswith("redirect=") for step in node.path)
        length = ipv4_prefix_length(term)
        if own and length is not None and length < shortest:
            yield Violation(
                f"{term.text}{way(node)} authorises {2 ** (32 - length)} addresses",
                (cite(spf, at.pointer),),
                expected=f"prefixes of {shortest} bits or more",
            )
