"""A domain publishes SPF.

## Rationale
SPF names the hosts that may send for a domain. Without it anybody may use the domain in the
envelope, receivers have one sign less to tell its mail from forgeries, and large receivers refuse
mail from it.

## Remediation
Publish one TXT record that begins with `v=spf1` at the domain itself. For a domain that sends from
its MX hosts and from one more address:

    @   3600  IN  TXT  "v=spf1 mx ip4:198.51.100.20 ~all"

For a domain that sends nothing:

    @   3600  IN  TXT  "v=spf1 -all"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import SpfTree


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(
        Rfc(7208, "3"),
        Rfc(7208, "4.5"),
        Doc("Google sender rules"),
        Doc("Yahoo sender rules"),
        Doc("Microsoft sender rules"),
    ),
    frameworks=(
        Doc("BOD 18-01", "1.a.i"),
        Doc("NIST SP 800-177r1", "4-1"),
        Doc("BSI TR-03182-P", "01-M"),
        Doc("ISM", "0574"),
        Doc("SCuBA", "MS.EXO.2.2v2"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(spf: SpfTree) -> Verdict:
    own = spf.nodes[0]
    if own.records:
        return Pass(tuple(cite(spf, f"/nodes/0/records/{i}") for i, _ in enumerate(own.records)))
    rcode = cite(spf, "/nodes/0/answer/rcode")
    if rcode.quote == "NXDOMAIN":
        return Fail((Violation("the domain does not exist (NXDOMAIN)", (rcode,)),))
    return Fail((Violation("no TXT record begins with v=spf1", (rcode,)),))
