"""The HELO name of an outbound host passes SPF.

## Rationale
Bounces have an empty envelope sender. Receivers then judge the name that the host gives in HELO;
without a record there, nobody can tell the host's bounces from forged ones.

## Remediation
Publish a record at the HELO name that lists the host's own addresses:

    mail1.example.net.   3600  IN  TXT  "v=spf1 a -all"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.spf import SpfHelo, SpfResult


@audit(
    to=Target.OUTBOUND_HOST,
    severity=Severity.LOW,
    references=(
        Rfc(7208, "2.3"),
        Rfc(7208, "2.4"),
        Doc("M3AAWG Email Authentication Recommended Best Practices"),
    ),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(helo: SpfHelo) -> Verdict:
    if all(check.result is SpfResult.NONE for check in helo.checks):
        return Fail(
            (
                Violation(
                    f"{helo.helo_name} has no SPF record",
                    (cite(helo, "/helo_name"), cite(helo, "/checks/0/result")),
                ),
            )
        )
    violations = tuple(
        Violation(
            f"{helo.helo_name} from {check.address}: {check.result}, {check.why}",
            (cite(helo, f"/checks/{i}/result"), cite(helo, f"/checks/{i}/why")),
            expected=f"pass for {check.address}",
        )
        for i, check in enumerate(helo.checks)
        if check.result not in (SpfResult.PASS, SpfResult.TEMPERROR)
    )
    if violations:
        return Fail(violations)
    for i, check in enumerate(helo.checks):
        if check.silence is not None:
            return undecided(helo, f"/checks/{i}/address", check.silence)
    return Pass(tuple(cite(helo, f"/checks/{i}/why") for i, _ in enumerate(helo.checks)))
