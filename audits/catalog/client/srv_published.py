"""Mail programs find submission over implicit TLS by an SRV record.

## Rationale
A mail program that looks for the server of an address asks for SRV records. Without one it guesses,
and many guesses begin in clear, or end at a server that is not meant.

## Remediation
Publish where submission with TLS from the start is:

    _submissions._tcp   3600  IN  SRV  0 1 465 submit.example.net.

## Limits
The target should be one of the domain's `submission` hosts in the inventory, where any are
declared, or else any host of the inventory.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import SUBMISSIONS, Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.declared import DeclaredDomain, FleetScope
from audits.facts.srv import ClientServices


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.INFO,
    references=(Rfc(8314, "4"), Rfc(6186)),
    frameworks=(Doc("BSI TR-03108-P", "E-21"),),
)
def evaluate(srv: ClientServices, declared: DeclaredDomain, scope: FleetScope) -> Verdict:
    place, service = srv.service("_submissions")
    at = f"/services/{place}"
    if service.silence is not None:
        return undecided(srv, f"{at}/name", service.silence)
    if not service.offered:
        message = f"no SRV record at {service.name} leads to a server"
        return Fail((Violation(message, (cite(srv, f"{at}/answer/rcode"),)),))
    for i, record in enumerate(service.records):
        known = (
            record.target in declared.submission
            if declared.submission
            else scope.lists(record.target)
        )
        if record.port == SUBMISSIONS and known:
            return Pass((cite(srv, f"{at}/records/{i}/target"),))
    told = ", ".join(f"{r.target}:{r.port}" for r in service.offered)
    message = f"{service.name} leads to {told}, no submission host of ours on port {SUBMISSIONS}"
    seen = tuple(cite(srv, f"{at}/records/{i}/target") for i, _ in enumerate(service.records))
    return Fail((Violation(message, seen),))
