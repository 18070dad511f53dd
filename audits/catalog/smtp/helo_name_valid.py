"""A host gives itself a name in HELO that leads back to it.

## Rationale
Receivers look the name up, and count against the sender what is no host name, does not resolve or
belongs to another host; some refuse it.

## Remediation
Let the host say its own fully qualified name, and publish an address record for it:

    mx1.example.net.   3600  IN  A  192.0.2.10

Postfix (`main.cf`): `smtp_helo_name = mx1.example.net`.
Exim: `helo_data = mx1.example.net` in the transport.
OpenSMTPD: `action relay relay helo "mx1.example.net"`.

Where it says another name than the inventory gives the host, declare it as `helo_name`.

## Limits
No connection of the host to another is seen: judged is the declared `helo_name`, or else the name
of the host. `allow_nat_alias` lists addresses that it is seen under from outside.
"""

import re

from audits.evaluate.audit import EachAddress, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.declared import HostRoles
from audits.facts.dns import PtrNames
from audits.facts.fact import Observation, Observed, Reason, Unobserved
from audits.facts.helo import HeloName
from audits.parse.address import is_literal

# RFC 5321 section 4.1.2: sub-domain = Let-dig [Ldh-str]; at least two, the last no number
_FQDN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?", re.I)
_LOCAL = ("localhost", "localdomain")


@audit(
    to=(Target.OUTBOUND_HOST, Target.MX_HOST),
    severity=Severity.MEDIUM,
    references=(Rfc(5321, "4.1.1.1"), Rfc(5321, "4.1.4"), Rfc(7208, "2.3")),
)
def evaluate(
    roles: HostRoles,
    helo: HeloName,
    each: EachAddress[Observation[PtrNames]],
    *,
    allow_nat_alias: tuple[str, ...] = (),
) -> Verdict:
    """allow_nat_alias: addresses that the host is seen under, beside its own."""
    named = cite(helo, "/name")
    fault = _fault(helo.name)
    if fault is not None:
        return Fail((Violation(f"the HELO name {helo.name} is {fault}", (named,)),))
    own = {*roles.addresses, *roles.sends_from, *allow_nat_alias}
    seen = (named, cite(helo, "/addresses"))
    if own.intersection(helo.addresses):
        return Pass(seen)
    for part in helo.silent:
        detail = f"{part.rdtype} of {helo.name}: {part.silence.detail}"
        return Undecided(part.silence.reason, detail, (named,))
    if not helo.addresses:
        return Fail((Violation(f"the HELO name {helo.name} has no address", seen),))
    for ptr in each:
        if isinstance(ptr, Observed) and helo.name in ptr.fact.names:
            return Pass((*seen, cite(ptr.fact, "/names")))
    for ptr in each:
        if isinstance(ptr, Unobserved) and not ptr.reason.nothing_there:
            return Undecided(ptr.reason, f"PTR of {ptr.subject}: {ptr.detail}", seen)
    if not own:
        return Undecided(Reason.NOT_COLLECTED, f"no address of {roles.subject} is known", seen)
    leads = ", ".join(helo.addresses)
    message = f"the HELO name {helo.name} leads to {leads}, and no PTR record of the host to it"
    return Fail((Violation(message, seen),))


def _fault(name: str) -> str | None:
    """What keeps a name from being that of a host on the Internet."""
    if is_literal(name):
        return "an address literal"
    if name.rpartition(".")[2] in _LOCAL:
        return "one that every host has"
    return None if _FQDN.fullmatch(name) else "not fully qualified"
