"""The same for Exim: each case of tests/data/mta runs, and the wire says what our reading says."""

from collections.abc import Iterator

import pytest

from audits.facts.mta import Mta
from tests.lab.agreement import differences
from tests.lab.lab import Lab, Machine, running_lab
from tests.lab.servers.configured_exim import ConfiguredExim, EximAsConfigured
from tests.lab.test_configured import AUDITS
from tests.lab.test_outcomes import Run, perform
from tests.misconfigurations import cases

pytestmark = pytest.mark.lab

# One for each thing that can be seen from outside; the rest differs in what files alone show.
RUN = (
    "the ACL accepts everything",
    "relay hosts are everybody",
    "relay hosts are two halves of the internet, on continued lines",
    "every domain is relayed for",
    "a list that only takes out",
    "logins are advertised in clear",
    "STARTTLS is advertised to nobody",
    "port 465 in clear",
    "TLS as GnuTLS comes with it",
    "VRFY and the version",
    "sound",
    "everything is accepted, and no router takes it",
    "any sender of one's own domain",
    "a list that only takes out, of networks",
    "macros and a file of networks",
)
CASES = [each for p in ("wrong", "right") for each in cases(p, Mta.EXIM) if each.name in RUN]
# Where a sender has to be forged, the probe of mail for own domains does not forge one.
BEYOND_THE_PROBE = {("any sender of one's own domain", "submission-auth-required-for-local")}
MACHINES = [
    Machine(f"exim{number}", 10 + number, f"exim{number}.example.org", (ConfiguredExim(case),))
    for number, case in enumerate(CASES)
]


@pytest.fixture(scope="module")
def daemons(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "x") as running:
        yield running


@pytest.fixture(scope="module")
def seen(daemons: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    fleet = daemons.write_fleet(tmp_path_factory.mktemp("x") / "fleet", audits=AUDITS, reply_s=20)
    return perform(daemons, fleet, "--limit", ",".join(machine.host for machine in MACHINES))


def server(lab: Lab, machine: Machine) -> EximAsConfigured:
    (only,) = lab.servers[machine.label]
    assert isinstance(only, EximAsConfigured)
    return only


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.servers[0].case))
def test_exim_does_what_our_reading_says(daemons: Lab, seen: Run, machine: Machine) -> None:
    case = server(daemons, machine).case
    reading = case.reading()
    assert [problem for problem in reading.program.problems if problem.fatal] == []
    assert differences(seen, machine, case, BEYOND_THE_PROBE) == []
