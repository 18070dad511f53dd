"""One real host twice: its configuration over SSH, and what it does on the wire."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.demo.certificates import Authority
from tests.lab.lab import GOOD, Lab
from tests.lab.servers.sshd import USER, Machine, machine, new_key
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

HOST = f"mx1.{GOOD}"
AGREES, PINNED = "mta-config-agrees-with-wire", "mta-config-matches-pinned"
# What somebody wrote into the files and never loaded.
NEVER_LOADED = """\
smtpd_tls_protocols = >=TLSv1
smtpd_tls_chain_files = /etc/postfix/renewed.pem
"""


@dataclass(frozen=True)
class Host:
    """A host of the lab. etc: what it has in place of /etc/postfix."""

    lab: Lab
    machine: Machine
    etc: Path
    fleet: Path

    @property
    def address(self) -> str:
        return self.machine.address

    def run(self) -> Run:
        return perform(self.lab, self.fleet, "--limit", HOST)

    def result(self, run: Run, audit: str) -> dict[str, Any]:
        (found,) = (r for r in run.results if r["audit"] == audit)
        return found


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    """The good host as its files say that it is, which are those of the repository too."""
    server = lab.postfix("good")
    etc = tmp_path / "etc"
    shutil.copytree(server.folder / "etc", etc)
    new_key(tmp_path / "key")
    fleet = lab.write_fleet(tmp_path / "fleet")
    shutil.copytree(server.folder / "etc", fleet / "hosts/mx1/postfix")
    authorized = (tmp_path / "key.pub").read_text()
    with machine(
        tmp_path / "ssh", authorized=authorized, etc={"postfix": etc}, namespace=server.namespace
    ) as running:
        (fleet / "known_hosts").write_text(running.known)
        yaml = YAML()
        settings = yaml.load((fleet / "mailproof.yaml").read_text())
        settings["ssh"] = {
            "known_hosts": "known_hosts",
            "user": USER,
            "key": str(tmp_path / "key"),
            "agent": False,
        }
        settings["candidate"] = {"hosts": {HOST: {"postfix": "hosts/mx1/postfix"}}}
        with (fleet / "mailproof.yaml").open("w") as file:
            yaml.dump(settings, file)
        # Which versions of TLS are tried is for the audits that judge them to say.
        audits: dict[str, dict[str, str]] = {AGREES: {}, PINNED: {}, "tls-version-current": {}}
        policy = {"id": "both", "version": 1, "title": "Both sides", "audits": audits}
        (fleet / "policies/lab.yaml").write_text(json.dumps(policy))
        hosts = yaml.load((fleet / "inventory/hosts.yaml").read_text())
        hosts[HOST]["port"] = running.port
        with (fleet / "inventory/hosts.yaml").open("w") as file:
            yaml.dump(hosts, file)
        yield Host(lab, running, etc, fleet)


def test_host_that_runs_its_files_agrees_with_them(host: Host) -> None:
    run = host.run()
    agrees = host.result(run, AGREES)
    assert agrees["outcome"] == "pass", agrees
    kinds = {evidence["kind"] for evidence in agrees["evidence"]}
    assert {"mta.listeners", "host.sockets", "tls.offers", "tls.handshake"} <= kinds
    assert host.result(run, PINNED)["outcome"] == "pass"


def test_files_that_were_never_loaded_differ_from_wire_and_repository(host: Host) -> None:
    renewed = Authority("Lab").issue(HOST, begins_days=-0.5)
    (host.etc / "renewed.pem").write_bytes(renewed.chain)
    with (host.etc / "main.cf").open("a") as main:
        main.write(NEVER_LOADED)
    with (host.etc / "master.cf").open("a") as master:
        master.write("2525 inet n - n - - smtpd\n  -o { mynetworks = 0.0.0.0/0 }\n")
    run = host.run()
    differ = [v["message"] for v in host.result(run, AGREES)["violations"]]
    old = [words for words in differ if "accepts TLS 1.1 or older by its configuration" in words]
    assert ["smtpd_tls_protocols = >=TLSv1" in words for words in old] == [True] * len(old)
    at_25 = f"and {HOST}:25 [{host.address}] refuses TLS 1.1 and older on the wire"
    assert any(words.endswith(at_25) for words in old)
    (newer,) = [words for words in differ if "a newer one is in /etc/postfix/renewed.pem" in words]
    assert "more present a certificate that expires on" in newer
    assert len(differ) == len(old) + 1
    drift = [v["message"] for v in host.result(run, PINNED)["violations"]]
    assert [words.partition(", and the repository has it ")[0] for words in drift] == [
        "postfix: 2525/inet is 'smtpd'",
        "postfix: 2525/inet/mynetworks is '0.0.0.0/0'",
        "postfix: smtpd_tls_chain_files is '/etc/postfix/renewed.pem'",
        "postfix: smtpd_tls_protocols is '>=TLSv1'",
    ]
    assert drift[3].endswith("and the repository has it '>=TLSv1.2'")
