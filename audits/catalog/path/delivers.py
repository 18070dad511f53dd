"""Mail to a domain arrives at one of its MX hosts, and no more preferred one is broken.

## Rationale
Each link may look good by itself and mail still not arrive: the address is gone, the port shut, the
mailbox refused. This walks the way that a sender goes and names the step at which it ends.

## Remediation
Mend the step that the finding names. To see it by hand:

    swaks --to postmaster@example.net --quit-after RCPT

A refusal at RCPT means that the host does not take the domain for its own, or has no such mailbox.
Postfix (`main.cf`; `relay_domains` or `mydestination` as the case may be), with a line for
`postmaster@example.net` in the map:

    virtual_mailbox_domains = example.net
    virtual_alias_maps = hash:/etc/postfix/virtual

Exim: add the domain to `local_domains` or `relay_to_domains`. OpenSMTPD: `match from any for domain
"example.net" action "local"`. Delete MX records of hosts that are out of service.

## Limits
The walk ends after RCPT of the role mailbox, and no message is sent. MX hosts that are not in the
inventory are asked for no mailbox. A refusal that speaks of this vantage's address, or of the
probe's sender, decides nothing; nor does a failed TLS handshake, since senders may go on in clear.
Where a less preferred MX host delivers and a more preferred one is broken, the severity is medium
at most; a broken host behind one that delivers is left to `port-mx-reachable`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from audits.evaluate.audit import EachMx, Rfc, audit
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
from audits.facts.delivery import RelayFacts, Station, StationState, Way, decisive, relay_stations
from audits.facts.dns import HostAddresses, MxSet
from audits.facts.fact import Observation, Observed, Reason, Step
from audits.facts.smtp import EhloReply, Greeting, RoleRecipient, StartTls
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake
from audits.subject import Path


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(5321, "3.3"), Rfc(5321, "5.1")),
)
def evaluate(
    mx: MxSet,
    addresses: EachMx[Observation[HostAddresses]],
    ports: EachMx[Observation[PortState]],
    greetings: EachMx[Observation[Greeting]],
    ehlos: EachMx[Observation[EhloReply]],
    starttls: EachMx[Observation[StartTls]],
    handshakes: EachMx[Observation[TlsHandshake]],
    recipients: EachMx[Observation[RoleRecipient]],
) -> Verdict:
    if not mx.targets:
        return _no_mx_host(mx)
    by_host = dict(zip(mx.targets, addresses, strict=True))
    groups = zip(ports, greetings, ehlos, starttls, handshakes, recipients, strict=True)
    ways: dict[str, list[Way]] = {name: [] for name in mx.targets}
    for group in groups:
        path = _path(group[-1])
        seen = RelayFacts(path, mx, by_host[path.host], *group)
        ways[path.host].append(relay_stations(seen))
    return _judge([_host(mx, name, found) for name, found in ways.items()])


def _path(seen: Observation[RoleRecipient]) -> Path:
    subject = seen.fact.subject if isinstance(seen, Observed) else seen.subject
    if not isinstance(subject, Path):
        raise TypeError(f"{subject} is not a way of mail")
    return subject


def _no_mx_host(mx: MxSet) -> Fail:
    if mx.records:
        message = "the only MX is the null MX, on a domain that is to receive mail"
        return Fail((Violation(message, (cite(mx, "/records/0/exchange"),)),))
    message = f"the domain does not exist ({mx.answer.rcode})"
    return Fail((Violation(message, (cite(mx, "/answer/rcode"),)),))


@dataclass(frozen=True)
class _Host:
    """One MX host, and the station that decides at the best of its addresses."""

    name: str
    preference: int
    at: Station
    evidence: Evidence

    @property
    def unsent(self) -> bool:
        """Somebody else's: reached, and asked for no mailbox."""
        return self.at.state is StationState.NOT_SENT and self.at.reason is Reason.SKIPPED

    @property
    def broken(self) -> bool:
        return self.at.state is StationState.BROKEN and not self.in_tls

    @property
    def in_tls(self) -> bool:
        return self.at.step in (Step.STARTTLS, Step.TLS)

    @property
    def says(self) -> str:
        step = self.at.step
        words = step if step in (Step.ADDRESS, Step.GREETING) else step.upper()
        return f"{self.name}, {words}: {self.at.detail}"


def _host(mx: MxSet, name: str, ways: list[Way]) -> _Host:
    """The host by its best way: passed, else not asked, else silent, else broken."""
    preference = min((r.preference for r in mx.records if r.exchange == name), default=0)
    hosts = [_Host(name, preference, decisive(way), _evidence(way)) for way in ways]
    return min(hosts, key=_rank)


def _rank(host: _Host) -> int:
    if host.at.state is StationState.PASSED:
        return 0
    if host.unsent:
        return 1
    return 3 if host.broken else 2


def _evidence(way: Way) -> Evidence:
    """What stands at the deciding station, or at the last one before it where that was silent."""
    station = decisive(way)
    seen = [s for s in way[: way.index(station) + 1] if s.fact is not None]
    last = seen[-1]
    assert last.fact is not None
    return replace(cite(last.fact, last.pointer, last.detail), step=station.step)


def _judge(hosts: list[_Host]) -> Verdict:
    arrives = [host for host in hosts if _rank(host) == 0]
    unsent = [host for host in hosts if _rank(host) == 1]
    silent = [host for host in hosts if _rank(host) == 2]
    broken = [host for host in hosts if _rank(host) == 3]
    alive = [*arrives, *unsent]
    if not alive and not silent:
        return Fail(tuple(_violations(broken)))
    best = min((host.preference for host in alive), default=-1)
    before = [host for host in broken if host.preference < best]
    if before:
        return Fail(tuple(_violations(before, Severity.MEDIUM)))
    if arrives:
        return Pass(tuple(host.evidence for host in arrives))
    if silent:
        return _undecided(silent[0])
    names = ", ".join(host.name for host in unsent)
    return NotApplicable(f"{names}: somebody else's MX host, so MAIL and RCPT were not sent")


def _violations(hosts: Iterable[_Host], severity: Severity | None = None) -> Iterator[Violation]:
    for host in hosts:
        yield Violation(f"mail stops at {host.says}", (host.evidence,), severity)


def _undecided(host: _Host) -> Undecided:
    reason = host.at.reason or (Reason.TLS if host.in_tls else Reason.NOT_COLLECTED)
    return Undecided(reason, host.says, (host.evidence,))
