"""A real Postfix that holds an RSA and an ECDSA certificate, and records for both or for one."""

import json
from collections.abc import Iterator

import pytest

from tests.lab.lab import GOOD, WHOLE, Lab, Machine, running_lab
from tests.lab.matrix import two_keys
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

AUDIT = "dane-tlsa-matches-certificate"
_POLICY = {"id": "two", "version": 1, "title": "DANE alone", "audits": {AUDIT: None}}


@pytest.fixture(scope="module")
def run(buildable: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Run]]:
    """One run over that host, by a name with records for both keys and by one for ECDSA alone."""
    machine = Machine("two", 10, GOOD, certificate=two_keys)
    with running_lab((machine,), "two") as lab:
        fleet = lab.write_fleet(tmp_path_factory.mktemp("two") / "fleet")
        (fleet / "policies/two.yaml").write_text(json.dumps(_POLICY))
        mail = {"roles": ["mx"], "addresses": [machine.address]}
        hosts = {f"mx1.{domain}": {"data": {"mail": mail}} for domain in (GOOD, WHOLE)}
        domains = {domain: {"sends": True, "receives": True} for domain in (GOOD, WHOLE)}
        (fleet / "inventory/hosts.yaml").write_text(json.dumps(hosts))
        (fleet / "inventory/domains.yaml").write_text(json.dumps(domains))
        yield lab, perform(lab, fleet, "--policy", "policies/two.yaml")


def test_a_trust_anchor_of_both_certificates_passes(run: tuple[Lab, Run]) -> None:
    (result,) = run[1].about(f"mx1.{GOOD}", AUDIT)
    assert result["outcome"] == "pass", result
    seen = [each["kind"] for each in result["evidence"]]
    assert "tls.other-chain" in seen


def test_a_record_of_one_key_alone_fails_for_who_gets_the_other(run: tuple[Lab, Run]) -> None:
    (result,) = run[1].about(f"mx1.{WHOLE}", AUDIT)
    assert result["outcome"] == "fail", result
    messages = [violation["message"] for violation in result["violations"]]
    assert messages == [
        "the TLSA record does not fit the certificate that is served to clients that take RSA only"
    ]


def test_two_more_connections_are_all_that_it_takes(run: tuple[Lab, Run]) -> None:
    lab, _ = run
    log = lab.postfix("two").log.read_text(errors="replace")
    assert log.count(": connect from ") == 6  # two names of one host, thrice each
    assert lab.queued() == {}
