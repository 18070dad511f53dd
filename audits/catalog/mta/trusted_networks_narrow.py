"""Only narrow networks of one's own are trusted to relay.

## Rationale
Whoever has an address in a trusted network relays without login. A prefix that is wider than the
network behind it trusts strangers, and every infected machine inside it sends under the host's
name.

## Remediation
Name the hosts that have to relay without login, and let all others log in.

Postfix: `mynetworks = 127.0.0.0/8 [::1]/128 10.20.0.0/24`, without `mynetworks_style`.
Exim: `hostlist relay_from_hosts = 127.0.0.1 : ::1 : 10.20.0.0/24`.
OpenSMTPD: `match from src <relays> for any action "outbound"`.

## Limits
Which networks are one's own is said by the parameter `internal`; private and loopback ranges count
as such too.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_programs, violations
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
from audits.facts.fact import Reason
from audits.facts.mta import MtaPrograms, Question, TrustedNetworks


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST),
    severity=Severity.CRITICAL,
    references=(Rfc(2505, "2.1"), Rfc(5068, "3.2")),
)
def evaluate(
    networks: TrustedNetworks,
    programs: MtaPrograms,
    *,
    internal: tuple[str, ...] = (),
    min_prefix4: int = 16,
    min_prefix6: int = 48,
    min_public_prefix4: int = 24,
) -> Verdict:
    own = [ip_network(prefix, strict=False) for prefix in internal]
    wide = []
    for place, trusted in enumerate(networks.networks):
        network = ip_network(trusted.prefix)
        least = min_prefix6 if network.version == 6 else min_prefix4
        if network.is_loopback or network.is_link_local:
            continue
        if not network.is_private and not any(_within(network, other) for other in own):
            least = least if network.version == 6 else min_public_prefix4
        if network.prefixlen < least:
            at = f"/networks/{place}/line" if trusted.line else f"/networks/{place}/prefix"
            message = f"{trusted.mta} trusts {trusted.prefix}"
            seen = (cite(networks, at),)
            expected = f"/{least} or longer"
            wide.append(Violation(message, seen, expected=expected, about=message))
    neighbours = of_programs(programs, Question.TRUSTS_NEIGHBOURS)
    wide += violations(neighbours, wrong="yes", says="trusts all its neighbours")
    if wide:
        return Fail(tuple(wide))
    if networks.open is not None and not _settled(programs):
        return Undecided(Reason.NOT_COLLECTED, networks.open, (cite(networks, "/open"),))
    cited = tuple(cite(networks, f"/networks/{n}/prefix") for n in range(len(networks.networks)))
    return Pass(cited or (cite(networks, "/networks"),))


def _within(network: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False


def _settled(programs: MtaPrograms) -> bool:
    """The list is open only because the host trusts itself alone, by its style."""
    styles = [asked.ruling.answer for asked in of_programs(programs, Question.TRUSTS_NEIGHBOURS)]
    return bool(styles) and all(answer == "no" for answer in styles)
