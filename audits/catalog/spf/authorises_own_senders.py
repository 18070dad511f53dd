"""SPF passes mail from the domain's own senders.

## Rationale
Mail from an address that the record does not list is refused or marked as suspect by receivers, and
DMARC has to do without SPF. It happens when a relay moves, gets a second address, or begins to
send over IPv6, and the record stays as it was.

## Remediation
Add the address to the record, ahead of `all`:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.20 ip6:2001:db8::20 ~all"

Where the host does not send for this domain, take it from the domain's `senders` in the inventory.

## Limits
Judged is the domain as envelope sender, with `postmaster` for every local part. Senders that the
inventory does not declare are not judged.
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
from audits.facts.spf import SpfEvaluation, SpfResult


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(
        Rfc(7208, "2.6"),
        Rfc(7208, "4"),
        Doc("Microsoft sender rules"),
    ),
    frameworks=(
        Doc("BSI TR-03182-P", "01-M"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfEvaluation) -> Verdict:
    if not spf.checks and not spf.silent:
        return NotApplicable("the inventory declares no senders with addresses for the domain")
    if any(check.result is SpfResult.NONE for check in spf.checks):
        return NotApplicable("the domain publishes no SPF record")
    violations = tuple(
        Violation(
            f"{check.address}: {check.result}, {check.why}",
            (cite(spf, f"/checks/{i}/result"), cite(spf, f"/checks/{i}/why")),
            expected=f"pass for {check.address}",
        )
        for i, check in enumerate(spf.checks)
        if check.result not in (SpfResult.PASS, SpfResult.TEMPERROR)
    )
    if violations:
        return Fail(violations)
    for i, check in enumerate(spf.checks):
        if check.silence is not None:
            return undecided(spf, f"/checks/{i}/address", check.silence)
    for i, sender in enumerate(spf.silent):
        return undecided(spf, f"/silent/{i}/host", sender.silence)
    return Pass(tuple(cite(spf, f"/checks/{i}/why") for i, _ in enumerate(spf.checks)))
