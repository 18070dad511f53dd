"""Ports of our own addresses beside the declared services: open, closed or filtered, no more."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.pace import Pace
from audits.collect.live.tcp import Target, dial, target_of
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, observation
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import SURVEYED, PortSurvey, SurveyedPort
from audits.settings import Settings
from audits.subject import Address, MailHost, Service, Subject

# A SYN that was lost is repeated after one second and after three.
MAX_CONNECT_S = 4.0

_NOT_DECLARED = Silence(Reason.SKIPPED, "only hosts of the inventory are knocked at")
_REDIRECTED = Silence(
    Reason.SKIPPED, "the services of this address are dialled elsewhere, so its ports are not known"
)


class PortSweep:
    """Connects to each port once and leaves without a word, two at a time.

    Declared ports are left to those who talk to them. Where the inventory or the configuration
    leads the services of an address elsewhere, only ports that are led elsewhere as well are tried.
    """

    name: ClassVar[str] = "ports"
    about: ClassVar[type[Subject]] = Address
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({PortSurvey})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({HostRoles, DeclaredHost})

    def __init__(
        self, origin: Origin, settings: Settings, pace: Pace, ports: Iterable[int] = SURVEYED
    ) -> None:
        self.origin = origin
        self.settings = settings
        self.pace = pace
        self.ports = tuple(sorted(ports))

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """The survey of the address, or why there is none."""
        if not isinstance(subject, Address):
            raise TypeError(f"{self.name} is about addresses, not {subject}")
        found = await self._survey(subject, seen)
        return [observation(PortSurvey, subject, found, self.origin.live(self.name))]

    async def _survey(self, address: Address, seen: Snapshot) -> PortSurvey | Silence:
        hosts = [
            roles
            for roles in seen.facts(HostRoles)
            if roles.in_inventory and address.address in (*roles.addresses, *roles.sends_from)
        ]
        if not hosts:
            return _NOT_DECLARED
        declared = {
            service.port
            for roles in hosts
            for service in roles.services
            if service.address == address.address
        }
        undeclared = [port for port in self.ports if port not in declared]
        targets = [(port, self._target(address, port)) for port in undeclared]
        if any(_is_redirected(roles, address, seen, self.settings) for roles in hosts):
            targets = [(port, target) for port, target in targets if target.redirected]
            if undeclared and not targets:
                return _REDIRECTED
        knocks = (self._knock(port, target) for port, target in targets)
        return PortSurvey(address, tuple(await asyncio.gather(*knocks)))

    def _target(self, address: Address, port: int) -> Target:
        return target_of(Service("", address.address, port), None, self.settings.redirect)

    async def _knock(self, port: int, target: Target) -> SurveyedPort:
        async with self.pace.slot(target.budget) as slot:
            self.pace.dialled[target.port] += 1
            attempt = await dial(target, min(self.settings.limits.connect_s, MAX_CONNECT_S))
            if attempt.stream is not None:
                slot.leave = attempt.stream.leave
        return SurveyedPort(port, attempt.state, str(target), attempt.silence)


def _is_redirected(roles: HostRoles, address: Address, seen: Snapshot, settings: Settings) -> bool:
    """Whether services of a host at that address are dialled elsewhere."""
    declared = seen.fact(DeclaredHost, MailHost(roles.subject.name))
    if declared is not None and any(s.connect is not None for s in declared.services):
        return True
    own = (str(Target(address.address, service.port)) for service in roles.services)
    return any(name in settings.redirect for name in own)
