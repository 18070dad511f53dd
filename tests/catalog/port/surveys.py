"""Surveys of ports, for tests."""

from audits.facts.fact import Reason, Silence
from audits.facts.tcp import PortSurvey, SurveyedPort
from audits.subject import Address
from tests.catalog.wire import ADDRESS

UNREACHABLE = Silence(Reason.UNREACHABLE, "192.0.2.10:24 can't be reached from here")


def survey(**states: str | None) -> PortSurvey:
    """By `port_2525="open"`; None for a port that this vantage can't tell of."""
    ports = tuple(
        SurveyedPort(
            int(name.removeprefix("port_")),
            state,
            f"{ADDRESS}:{name.removeprefix('port_')}",
            UNREACHABLE if state is None else None,
        )
        for name, state in states.items()
    )
    return PortSurvey(Address(ADDRESS), ports)
