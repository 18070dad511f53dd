"""Every public address that a host sends mail from has a name in the reverse zone.

## Rationale
Large receivers refuse mail from an address without PTR record, and most others count it against the
sender. On an address that only receives, it keeps logs and reports readable.

## Remediation
Ask whoever holds the address block, mostly the hosting provider, to name the host in the reverse
zone. In a reverse zone of your own:

    20.100.51.198.in-addr.arpa.   3600  IN  PTR  mx1.example.net.

List the addresses that a host sends from under `sends_from` in `hosts.yaml`, those after address
translation. An address that it never sends from is judged more mildly.

## Limits
Private, link-local and loopback addresses are left out.
"""

from audits.evaluate.audit import Doc, EachAddress, Rfc, audit
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
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.dns import HostAddresses, PtrNames
from audits.facts.fact import Observation
from audits.parse.address import is_local, left_open


@audit(
    to=(Target.OUTBOUND_HOST, Target.MX_HOST),
    severity=Severity.HIGH,
    references=(Rfc(1912, "2.1"), Doc("Google sender rules")),
)
def evaluate(
    roles: HostRoles,
    declared: DeclaredHost,
    resolved: Observation[HostAddresses],
    each: EachAddress[PtrNames],
) -> Verdict:
    public = [ptr for ptr in each if not is_local(ptr.subject.address)]
    violations = tuple(_violation(ptr, roles) for ptr in public if not ptr.names)
    if violations:
        return Fail(violations)
    silence = left_open(declared, resolved)
    if silence is not None:
        detail = f"not all addresses of {roles.subject} are known: {silence.detail}"
        return Undecided(silence.reason, detail, (cite(roles, "/addresses"),))
    if not public:
        return NotApplicable("no public address of the host is known")
    return Pass(tuple(cite(ptr, "/names") for ptr in public))


def _violation(ptr: PtrNames, roles: HostRoles) -> Violation:
    address, rcode = ptr.subject.address, cite(ptr, "/answer/rcode")
    if address in roles.outbound:
        return Violation(f"{address}, from which it sends, has no PTR record", (rcode,))
    return Violation(f"{address} has no PTR record", (rcode,), Severity.LOW)
