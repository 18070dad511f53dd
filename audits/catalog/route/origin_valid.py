"""The routes to a host's addresses are announced by whom the RPKI authorises.

## Rationale
Networks that validate origins drop an invalid route: mail from there does not arrive. Without any
authorisation, whoever announces the prefix gets the mail, and certificates with it.

## Remediation
Create or correct the ROA at the registry of the prefix, with the AS that announces it and a maximum
length no longer than what is announced. Let the file of VRPs be exported afresh, and keep the
origins in `mailproof.yaml` as they are announced:

    rpki: {vrp_file: rpki/vrps.json, origins: {192.0.2.0/24: 64496}}

## Limits
The origin is what the configuration declares, not what routers see. How old the file is, is not
looked at. A prefix that nobody authorised is for information only.
"""

from audits.evaluate.audit import Doc, EachAddress, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.rpki import RouteOrigin


@audit(
    to=(Target.MX_HOST, Target.OUTBOUND_HOST),
    severity=Severity.LOW,
    references=(Rfc(6811, "2"),),
    frameworks=(Doc("Internet.nl", "rpki"),),
)
def evaluate(each: EachAddress[RouteOrigin]) -> Verdict:
    violations = []
    for route in each:
        announced = f"{route.prefix}, announced by AS{route.asn}"
        seen = (cite(route, "/prefix"), cite(route, "/asn"), cite(route, "/covering"))
        if route.state == "invalid":
            allowed = ", ".join(f"AS{v.asn} up to /{v.max_length}" for v in route.covering)
            message = f"{route.subject}: {announced}, is invalid: authorised are {allowed}"
            violations.append(Violation(message, seen))
        elif route.state == "notfound":
            message = f"{route.subject}: no ROA covers {announced}"
            violations.append(Violation(message, seen, Severity.INFO))
    if violations:
        return Fail(tuple(violations))
    if not len(each):
        return NotApplicable("no route to the host is known")
    return Pass(tuple(cite(route, "/covering") for route in each))
