"""A parked domain that has an address publishes the null MX.

## Rationale
Mail to a name with an address and no MX goes to that address. It waits in senders' queues for days,
or ends on a web host. The null MX makes senders refuse it at once, and lets receivers refuse mail
that claims to come from a domain which can't be answered.

## Remediation
Publish the null MX as the only MX record of the domain. In its zone:

    @   86400  IN  MX  0 .

Where the domain does receive mail, say so in `domains.yaml` with `receives: true`.
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
)
from audits.facts.dns import ApexAddresses, MxSet
from audits.facts.fact import Observation, Observed


@audit(
    to=Target.PARKED_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(7505, "3"), Doc("M3AAWG Protecting Parked Domains BCP", "2022-06")),
    frameworks=(Doc("BSI TR-03182-P", "11-M"), Doc("Internet.nl", "mail test")),
)
def evaluate(
    mx: MxSet, apex: Observation[ApexAddresses], *, require_without_address: bool = False
) -> Verdict:
    """require_without_address: also where the domain has no address that mail could go to."""
    hosts = [i for i, record in enumerate(mx.records) if record.exchange != "."]
    if hosts:
        names = ", ".join(mx.targets)
        seen = tuple(cite(mx, f"/records/{i}/exchange") for i in hosts)
        return Fail((Violation(f"a parked domain with MX {names}", seen),))
    if mx.records:
        return Pass((cite(mx, "/records/0/exchange"),))
    if mx.answer.rcode == "NXDOMAIN":
        return NotApplicable("the domain does not exist (NXDOMAIN)")
    rcode = cite(mx, "/answer/rcode")
    if require_without_address:
        return Fail((Violation("no MX at all on a parked domain", (rcode,)),))
    if not isinstance(apex, Observed):
        detail = f"no MX, and the domain's addresses are not known: {apex.detail}"
        return Undecided(apex.reason, detail, (rcode,))
    if apex.fact.addresses:
        message = f"no null MX, and mail goes to {', '.join(apex.fact.addresses)}"
        return Fail((Violation(message, (rcode, cite(apex.fact, "/addresses"))),))
    for silent in apex.fact.silent:
        detail = f"no MX, and {silent.rdtype} is not known: {silent.silence.detail}"
        return Undecided(silent.silence.reason, detail, (rcode,))
    return NotApplicable("the domain has neither MX nor address, so that no mail can reach it")
