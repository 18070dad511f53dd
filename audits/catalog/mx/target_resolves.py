"""Every MX host resolves to addresses that the Internet can reach.

## Rationale
Mail to an MX host without address waits until it is returned. An address of a private network leads
to nobody, or, at a sender who uses the same network, to somebody else. Senders fail to look up an
address literal in place of a name.

## Remediation
Give the host the address under which the Internet reaches it, or delete its MX record:

    mx1   3600  IN  A     198.51.100.10
    mx1   3600  IN  AAAA  2001:db8::10

An MX record names a host: put an address literal into an A or AAAA record of that host. In a closed
network, list its prefixes as `allow_private` in the policy.

## Limits
It says that the address can be global, not that anybody answers there: `port-mx-reachable` does.
"""

from audits.evaluate.audit import Doc, EachMx, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dns import HostAddresses, MxSet
from audits.parse.address import is_literal, is_reachable


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(5321, "5.1"), Rfc(1912, "2.5")),
    frameworks=(Doc("Internet.nl", "mail test"),),
)
def evaluate(
    mx: MxSet,
    hosts: EachMx[HostAddresses],
    *,
    require_ipv4: bool = True,
    require_ipv6: bool = False,
    allow_private: tuple[str, ...] = (),
) -> Verdict:
    """allow_private: CIDR prefixes that count as reachable though the Internet has no way there."""
    if not mx.records or not mx.targets:
        return NotApplicable("the domain publishes no MX host")
    required = [rdtype for rdtype, on in (("A", require_ipv4), ("AAAA", require_ipv6)) if on]
    literals = [name for name in mx.targets if is_literal(name)]
    violations = [_literal(mx, name) for name in literals]
    for host in hosts:
        faults = _faults(host, required, allow_private)
        if faults and host.subject.name not in literals:
            message = f"{host.subject} {' and '.join(faults)}"
            violations.append(Violation(message, _evidence(host)))
    if violations:
        return Fail(tuple(violations))
    for host in hosts:
        for silent in host.silent:
            detail = f"{silent.rdtype} of {host.subject}: {silent.silence.detail}"
            return Undecided(silent.silence.reason, detail, (cite(host, "/addresses"),))
    targets = tuple(cite(mx, f"/records/{i}/exchange") for i, _ in enumerate(mx.records))
    return Pass(targets + tuple(cite(host, "/addresses") for host in hosts))


def _literal(mx: MxSet, target: str) -> Violation:
    place = next(i for i, record in enumerate(mx.records) if record.exchange == target)
    return Violation(
        f"{target} is an address literal, not a host name",
        (cite(mx, f"/records/{place}/exchange"),),
    )


def _faults(host: HostAddresses, required: list[str], allow_private: tuple[str, ...]) -> list[str]:
    """What is definitely wrong with a host: what a silent address type would add is left open."""
    if not host.addresses and any(answer.rcode == "NXDOMAIN" for answer in host.answers):
        return ["does not exist (NXDOMAIN)"]
    silent = {part.rdtype for part in host.silent}
    if not host.addresses and not silent:
        return ["has no address"]
    faults = []
    private = [a for a in host.addresses if not is_reachable(a, allow_private)]
    if private:
        faults.append(f"resolves to {', '.join(private)}, which the Internet does not reach")
    found = {"AAAA" if ":" in address else "A" for address in host.addresses}
    lacking = [rdtype for rdtype in required if rdtype not in found | silent]
    if lacking:
        faults.append(f"has no {' and no '.join(lacking)} record")
    return faults


def _evidence(host: HostAddresses) -> tuple[Evidence, ...]:
    rcodes = (cite(host, f"/answers/{i}/rcode") for i, _ in enumerate(host.answers))
    return (cite(host, "/addresses"), *rcodes)
