"""The same for Dovecot and OpenSMTPD: their cases of tests/data/mta run, and the wire agrees."""

from collections.abc import Iterator

import pytest

from audits.facts.mta import Mta
from tests.lab.agreement import differences
from tests.lab.lab import Lab, Machine, running_lab
from tests.lab.servers.configured_dovecot import ConfiguredDovecot, DovecotAsConfigured
from tests.lab.servers.configured_opensmtpd import ConfiguredOpenSmtpd, OpenSmtpdAsConfigured
from tests.lab.test_configured import AUDITS
from tests.lab.test_outcomes import Run, perform
from tests.misconfigurations import cases

pytestmark = pytest.mark.lab

# Those that differ in what can be seen from outside.
RUN = {
    Mta.DOVECOT: (
        "passwords in clear",
        "no TLS",
        "everybody is trusted to send passwords in clear",
        "465 without TLS",
        "a path in place of a certificate",
        "plaintext mechanisms that TLS guards",
    ),
    Mta.OPENSMTPD: (
        "everybody may relay",
        "the network of everybody",
        "a sender that anybody can forge",
        "an included rule, joined over lines, with a macro",
        "TLS and login as clients like",
        "no login on 587",
        "no TLS on 25",
        "465 without TLS",
        "as it is meant",
        "all domains refused before a rule for all",
    ),
}
# Mail is taken in clear after a login alone, and the probe has no password for that.
BEYOND_THE_PROBE = {("passwords in clear", "submission-plaintext-session-refused")}
CASES = [
    case
    for mta, names in RUN.items()
    for part in ("wrong", "right")
    for case in cases(part, mta)
    if case.name in names
]
SOFTWARE = {Mta.DOVECOT: ConfiguredDovecot, Mta.OPENSMTPD: ConfiguredOpenSmtpd}
MACHINES = [
    Machine(f"other{n}", 10 + n, f"other{n}.example.org", (SOFTWARE[case.mta](case),))
    for n, case in enumerate(CASES)
]


@pytest.fixture(scope="module")
def daemons(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "o") as running:
        yield running


@pytest.fixture(scope="module")
def seen(daemons: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    fleet = daemons.write_fleet(tmp_path_factory.mktemp("o") / "fleet", audits=AUDITS, reply_s=20)
    return perform(daemons, fleet, "--limit", ",".join(machine.host for machine in MACHINES))


def server(lab: Lab, machine: Machine) -> DovecotAsConfigured | OpenSmtpdAsConfigured:
    (only,) = lab.servers[machine.label]
    assert isinstance(only, DovecotAsConfigured | OpenSmtpdAsConfigured)
    return only


def test_enough_of_each_are_run() -> None:
    assert len(CASES) == sum(map(len, RUN.values()))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.servers[0].case))
def test_daemon_does_what_our_reading_says(daemons: Lab, seen: Run, machine: Machine) -> None:
    case = server(daemons, machine).case
    assert differences(seen, machine, case, BEYOND_THE_PROBE) == []
    outcomes = seen.outcomes(machine.host, *AUDITS)
    assert bool(outcomes & {"fail", "unknown"}) is bool(case.fails)
