"""A parked domain has all mail in its name rejected.

## Rationale
Nobody misses mail from a domain that sends none, so nothing speaks against the strictest policy;
and forgers like names that look real and that nobody watches.

## Remediation
Publish `p=reject` alone; names below the domain then have the same:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=reject; rua=mailto:dmarc-reports@example.net"
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc import report_uris
from audits.parse.dmarc_policy import (
    EffectivePolicy,
    effective_policy,
    policy_places,
    policy_words,
    subdomain_policy,
)


@audit(
    to=Target.PARKED_DOMAIN,
    severity=Severity.HIGH,
    references=(
        Rfc(9989, "4.7"),
        Doc("M3AAWG Parked Domains BCP"),
        Doc("Internet.nl"),
    ),
    frameworks=(
        Doc("BSI TR-03182-P", "11-M"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk, *, require_rua: bool = False) -> Verdict:
    found = dmarc.found_at
    if found is None:
        message = f"no DMARC record takes effect at {dmarc.steps[0].answer.name}"
        return Fail((Violation(message, (cite(dmarc, "/steps/0/answer/rcode"),)),))
    whole = cite(dmarc, f"/steps/{found}/records/0")
    violations = list(_weak(dmarc))
    record = dmarc.steps[found].records[0]
    if require_rua and not any(uri.tag == "rua" for uri, _ in report_uris(record)):
        violations.append(Violation("rua names no mailbox", (whole,)))
    return Fail(tuple(violations)) if violations else Pass((whole,))


def _weak(dmarc: DmarcWalk) -> Iterator[Violation]:
    policies: dict[EffectivePolicy | None, str] = {}
    for whose, effective in (
        ("the domain", effective_policy(dmarc)),
        ("names below", subdomain_policy(dmarc)),
        ("names below that do not exist", subdomain_policy(dmarc, exists=False)),
    ):
        policies.setdefault(effective, whose)
    for effective, whose in policies.items():
        if effective is None:
            message = f"{whose}: no policy applies"
            yield Violation(message, (cite(dmarc, f"/steps/{dmarc.found_at}/records/0"),))
        elif effective.level != "reject":
            places = (cite(dmarc, *place) for place in policy_places(dmarc, effective))
            message = f"{whose}: {policy_words(dmarc, effective)}"
            yield Violation(message, tuple(places), expected="`reject`")
