"""No MX host is an alias.

## Rationale
The name in an MX record must own its address records. Behind a CNAME, some senders defer or refuse,
a host may not know itself under the alias and loop the mail, and MTA-STS and DANE compare another
name than the one that was meant.

## Remediation
Name the host that owns the address records in the MX record, not its alias:

    @   3600  IN  MX  10 mx1.example.net.

Where the alias is wanted for other uses, keep it, and take it out of the MX record only.
"""

from audits.evaluate.audit import EachMx, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import HostAddresses, MxSet


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(5321, "5.1"), Rfc(2181, "10.3"), Rfc(1912, "2.4")),
)
def evaluate(mx: MxSet, hosts: EachMx[HostAddresses]) -> Verdict:
    if not mx.records or not mx.targets:
        return NotApplicable("the domain publishes no MX host")
    violations = tuple(
        Violation(
            f"{host.subject} is an alias of {host.alias_chain[-1]}", (cite(host, "/alias_chain"),)
        )
        for host in hosts
        if host.alias_chain
    )
    if violations:
        return Fail(violations)
    targets = tuple(cite(mx, f"/records/{i}/exchange") for i, _ in enumerate(mx.records))
    return Pass(targets + tuple(cite(host, "/alias_chain", "no alias") for host in hosts))
