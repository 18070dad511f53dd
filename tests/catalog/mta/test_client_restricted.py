"""mta-client-restricted."""

from audits.catalog.mta.client_restricted import evaluate
from audits.evaluate.verdict import Outcome
from audits.subject import Role
from tests.catalog.mta.configured import of

NONE = (Role.NONE,)


def test_null_client_passes() -> None:
    result = of(evaluate, "inet_interfaces = loopback-only\n", role=NONE)
    assert result.outcome is Outcome.PASS


def test_listener_for_trusted_clients_alone_passes() -> None:
    restricted = "smtpd_client_restrictions = permit_mynetworks, reject\n"
    assert of(evaluate, restricted, role=NONE).outcome is Outcome.PASS


def test_listener_for_everybody_fails() -> None:
    assert of(evaluate, role=NONE).outcome is Outcome.FAIL


def test_mx_host_does_not_apply() -> None:
    assert of(evaluate).outcome is Outcome.NOT_APPLICABLE
