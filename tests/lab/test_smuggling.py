"""What real servers take for the end of a message, where the operator asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.lab.lab import Lab, Machine, running_lab
from tests.lab.servers.exim import EximSettings
from tests.lab.servers.opensmtpd import OpenSmtpdSettings
from tests.lab.servers.postfix import PostfixSettings
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

AUDIT = "smtp-bare-newline-rejected"
# Whatever the lab's Postfix is by default: stock Postfix of Debian 12 takes `<LF>.<LF>`.
STOCK = PostfixSettings(main={"smtpd_forbid_bare_newline": "no"})
STRICT = PostfixSettings(main={"smtpd_forbid_bare_newline": "yes"})
MACHINES = tuple(
    Machine(label, 20 + place, f"{label}.example.org", (settings,))
    for place, (label, settings) in enumerate(
        {
            "stock": STOCK,
            "strict": STRICT,
            "exim": EximSettings(),
            "opensmtpd": OpenSmtpdSettings(),
        }.items()
    )
)


@pytest.fixture(scope="module")
def servers(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "e") as running:
        yield running


@pytest.fixture(scope="module")
def run(servers: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    fleet = servers.write_fleet(
        tmp_path_factory.mktemp("smuggling") / "fleet", audits=[AUDIT], reply_s=20
    )
    declare_own_mailboxes(fleet / "mailproof.yaml")
    hosts = ",".join(machine.host for machine in MACHINES)
    return perform(servers, fleet, "--smuggling", "--limit", hosts)


def declare_own_mailboxes(path: Path) -> None:
    yaml = YAML()
    settings = yaml.load(path.read_text())
    settings["probe"]["own_mailboxes"] = [f"postmaster@{machine.domain}" for machine in MACHINES]
    with path.open("w") as file:
        yaml.dump(settings, file)


@pytest.mark.parametrize(
    ("label", "outcome"),
    [("stock", "fail"), ("strict", "pass"), ("exim", "pass"), ("opensmtpd", "pass")],
)
def test_who_takes_a_false_end_is_found_and_nobody_else(run: Run, label: str, outcome: str) -> None:
    assert run.outcomes(f"mx1.{label}.example.org", AUDIT, port=25) == {outcome}


def test_only_a_message_that_ended_falsely_was_queued(run: Run, servers: Lab) -> None:
    assert run.results
    assert servers.queued() == {"stock": 1}
