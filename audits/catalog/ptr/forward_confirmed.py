"""A name in the reverse zone of an address leads back to that address.

## Rationale
Anybody can write any name into the reverse zone of an own address. Only where the name resolves to
the address again does it say who sends. Large receivers refuse mail from addresses without such a
pair.

## Remediation
Make the PTR record and the address record of the host agree, for IPv4 and IPv6:

    20.100.51.198.in-addr.arpa.   3600  IN  PTR  mx1.example.net.
    mx1.example.net.              3600  IN  A    198.51.100.20

List the addresses that a host sends from under `sends_from` in `hosts.yaml`, those after address
translation. An address that it never sends from is judged more mildly.

## Limits
Private, link-local and loopback addresses are left out. Of several PTR names one that leads back is
enough.
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
    undecided,
)
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.dns import ForwardNames, HostAddresses
from audits.facts.fact import Observation, Silence
from audits.parse.address import is_local, left_open


@audit(
    to=(Target.OUTBOUND_HOST, Target.MX_HOST),
    severity=Severity.HIGH,
    references=(Rfc(1912, "2.1"), Rfc(8601, "3"), Doc("Google sender rules")),
)
def evaluate(
    roles: HostRoles,
    declared: DeclaredHost,
    resolved: Observation[HostAddresses],
    each: EachAddress[ForwardNames],
) -> Verdict:
    named = [f for f in each if f.names and not is_local(f.subject.address)]
    open_ = [forward for forward in named if not _confirmed(forward)]
    violations = tuple(_violation(f, roles) for f in open_ if not _silent(f))
    if violations:
        return Fail(violations)
    for forward in open_:
        for place, silence in _silent(forward):
            return undecided(forward, f"/names/{place}/name", silence)
    unknown = left_open(declared, resolved)
    if unknown is not None:
        detail = f"not all addresses of {roles.subject} are known: {unknown.detail}"
        return Undecided(unknown.reason, detail, (cite(roles, "/addresses"),))
    if not named:
        return NotApplicable("no public address of the host has a PTR record")
    return Pass(
        tuple(
            cite(forward, f"/names/{i}/addresses")
            for forward in named
            for i, name in enumerate(forward.names)
            if forward.subject.address in name.addresses
        )
    )


def _confirmed(forward: ForwardNames) -> bool:
    return any(forward.subject.address in name.addresses for name in forward.names)


def _silent(forward: ForwardNames) -> list[tuple[int, Silence]]:
    """Names that were silent: one of them may lead back."""
    names = enumerate(forward.names)
    return [(i, name.silence) for i, name in names if name.silence is not None]


def _violation(forward: ForwardNames, roles: HostRoles) -> Violation:
    address = forward.subject.address
    seen = tuple(cite(forward, f"/names/{i}/addresses") for i, _ in enumerate(forward.names))
    leads = "; ".join(f"{n.name} to {', '.join(n.addresses) or 'nothing'}" for n in forward.names)
    if address in roles.outbound:
        return Violation(f"{address}, from which it sends, is not confirmed: {leads}", seen)
    return Violation(f"{address} is not confirmed: {leads}", seen, Severity.LOW)
