"""mta-relay-rule-safe."""

from audits.catalog.mta.relay_rule_safe import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places


def test_usual_restrictions_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_open_relay_fails_at_the_line_that_opens_it() -> None:
    result = of(evaluate, "mynetworks = 127.0.0.0/8, 0.0.0.0/0\n", without="mynetworks")
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == [
        "smtp inet of postfix relays for strangers: "
        "`permit_mynetworks` trusts 0.0.0.0/0, so everybody"
    ]
    assert places(result) == ["main.cf:8"]


def test_table_that_was_not_supplied_leaves_it_open() -> None:
    lists = "smtpd_relay_restrictions = check_client_access hash:/x, reject_unauth_destination\n"
    result = of(evaluate, lists)
    assert result.outcome is Outcome.UNKNOWN
    assert "table hash:/x was not supplied" in result.unknown[0].detail


def test_listener_on_loopback_may_relay_for_its_own_host() -> None:
    inside = "127.0.0.1:10025 inet n - n - - smtpd\n  -o smtpd_relay_restrictions=permit\n"
    result = of(evaluate, master=inside)
    assert result.outcome is Outcome.NOT_APPLICABLE
