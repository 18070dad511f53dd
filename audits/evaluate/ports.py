"""What is open of a host beside its declared services, and whether it could be seen at all."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from audits.evaluate.verdict import Evidence, Undecided, cite
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation, Observed, Reason, Unobserved
from audits.facts.tcp import Egress, PortState, PortSurvey


class OpenPort(NamedTuple):
    """A port that answered, where it was dialled, and the evidence."""

    port: int
    dialled: str
    evidence: Evidence


def open_ports(
    surveys: Iterable[Observation[PortSurvey]], services: Iterable[Observation[PortState]] = ()
) -> Iterator[OpenPort]:
    """Every port that is open, those of services first."""
    for service in services:
        if isinstance(service, Observed) and service.fact.state == "open":
            evidence = cite(service.fact, "/state")
            yield OpenPort(service.fact.subject.port, service.fact.dialled, evidence)
    for survey in surveys:
        if isinstance(survey, Observed):
            for place, port in enumerate(survey.fact.ports):
                if port.state == "open":
                    evidence = cite(survey.fact, f"/ports/{place}/state")
                    yield OpenPort(port.port, port.dialled, evidence)


def surveyed(surveys: Iterable[Observation[PortSurvey]]) -> tuple[Evidence, ...]:
    """The surveys that were made."""
    return tuple(cite(s.fact, "/ports") for s in surveys if isinstance(s, Observed))


def out_of_sight(
    roles: HostRoles,
    surveys: Iterable[Observation[PortSurvey]],
    services: Iterable[Observation[PortState]],
    egress: Observation[Egress],
) -> Undecided | None:
    """Why a survey that found nothing open proves nothing, or None where it proves something.

    Silence of all ports of an address is its firewall's only if this run reached others over the
    same version of IP.
    """
    alive = {
        service.fact.subject.address
        for service in services
        if isinstance(service, Observed) and service.fact.state != "filtered"
    }
    reached = egress.fact.reached if isinstance(egress, Observed) else ()
    for survey in surveys:
        if isinstance(survey, Unobserved):
            if not survey.reason.nothing_there:
                return Undecided(survey.reason, survey.detail)
            continue
        address = survey.fact.subject.address
        states = {port.state for port in survey.fact.ports}
        if not states or address in alive or states & {"open", "closed"}:
            continue
        seen = (cite(survey.fact, "/ports"),)
        unknown = [port.silence for port in survey.fact.ports if port.state is None]
        if unknown and unknown[0] is not None:
            return Undecided(unknown[0].reason, unknown[0].detail, seen)
        if not any((":" in at.address) == (":" in address) for at in reached):
            detail = f"nothing at {address} answers, and this run reached nobody else either"
            return Undecided(Reason.EGRESS_BLOCKED, detail, seen)
    return None
