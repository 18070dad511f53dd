"""Every MX host is in the inventory, and those that the inventory expects are published.

## Rationale
Whoever runs an MX host reads and answers the domain's mail. A record that still names a cancelled
filtering service or an expired domain hands the mail to the next owner of that name, together with
every password reset that is sent there.

## Remediation
Delete the MX record of a host that nobody vouches for. For a host of yours, add it to `hosts.yaml`:

    mx2.example.net:
      hostname: 198.51.100.11
      data: {mail: {roles: [mx]}}

For a provider, name its suffix in the policy; whole labels are compared:

    mx-host-in-inventory: {params: {allowed_provider_suffixes: [mail.protection.example]}}

Where `domains.yaml` lists the expected hosts under `mx`, bring it and the zone into line.
"""

from collections.abc import Iterable

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.declared import DeclaredDomain, FleetScope
from audits.facts.dns import MxSet


@audit(to=Target.RECEIVING_DOMAIN, severity=Severity.HIGH, references=(Rfc(5321, "5.1"),))
def evaluate(
    mx: MxSet,
    declared: DeclaredDomain,
    scope: FleetScope,
    *,
    allowed_provider_suffixes: tuple[str, ...] = (),
) -> Verdict:
    """allowed_provider_suffixes: domains of providers, all hosts of which may be an MX."""
    if not mx.records or not mx.targets:
        return NotApplicable("the domain publishes no MX host")
    violations: list[Violation] = []
    for place, record in enumerate(mx.records):
        host, seen = record.exchange, cite(mx, f"/records/{place}/exchange")
        if host == ".":
            continue
        if not scope.lists(host) and not _below(host, allowed_provider_suffixes):
            violations.append(Violation(f"{host} is not in the inventory", (seen,)))
        elif declared.mx is not None and host not in declared.mx:
            message = f"{host} is not among the expected MX {', '.join(declared.mx) or 'none'}"
            expected = cite(declared, "/mx")
            violations.append(Violation(message, (seen, expected), Severity.MEDIUM))
    for place, host in enumerate(declared.mx or ()):
        if host not in mx.targets:
            message = f"{host} is expected and not published"
            expected = cite(declared, f"/mx/{place}")
            violations.append(
                Violation(message, (expected, cite(mx, "/answer/rcode")), Severity.MEDIUM)
            )
    if violations:
        return Fail(tuple(violations))
    return Pass(tuple(cite(mx, f"/records/{i}/exchange") for i, _ in enumerate(mx.records)))


def _below(host: str, suffixes: Iterable[str]) -> bool:
    """Whether a host is one of the domains or below one, label by label."""
    names = (suffix.lower().strip(".") for suffix in suffixes)
    return any(host == name or host.endswith(f".{name}") for name in names if name)
