"""A domain that receives mail publishes an MX host.

## Rationale
Without an MX, senders fall back to the addresses of the domain name itself. That is mostly a web
server, which nobody set up, watches or secures as a way for mail.

## Remediation
Publish at least one MX record that names a mail host. In the zone of the domain:

    @   3600  IN  MX  10 mx1.example.net.

Where the domain is not to receive mail, say so in `domains.yaml` with `receives: false`, and leave
or publish the null MX `0 .`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import ApexAddresses, MxSet
from audits.facts.fact import Observation, Observed


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(5321, "5.1"), Rfc(7505, "3")),
    frameworks=(Doc("Internet.nl", "mail test"),),
)
def evaluate(mx: MxSet, apex: Observation[ApexAddresses]) -> Verdict:
    hosts = [i for i, record in enumerate(mx.records) if record.exchange != "."]
    if hosts:
        return Pass(tuple(cite(mx, f"/records/{i}/exchange") for i in hosts))
    if mx.records:
        message = "the only MX is the null MX, on a domain that is to receive mail"
        return Fail((Violation(message, (cite(mx, "/records/0/exchange"),)),))
    rcode = cite(mx, "/answer/rcode")
    if mx.answer.rcode == "NXDOMAIN":
        return Fail((Violation("the domain does not exist (NXDOMAIN)", (rcode,)),))
    if not isinstance(apex, Observed):
        return Fail((Violation("no MX", (rcode,)),))
    found = apex.fact.addresses
    if found:
        message = f"no MX, so that mail goes to the domain's own {_counted(found)}"
    elif apex.fact.silent:
        message = "no MX"
    else:
        message = "no MX, and no address that could stand in for one"
    return Fail((Violation(message, (rcode, cite(apex.fact, "/addresses"))),))


def _counted(addresses: tuple[str, ...]) -> str:
    noun = "address" if len(addresses) == 1 else "addresses"
    return f"{noun} {', '.join(addresses)}"
