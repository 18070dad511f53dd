"""mx-accepts-gateway-only."""

from audits.catalog.mx.accepts_gateway_only import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import LocalRecipients
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import Greeting
from tests.build import host, judge, reply, roles, silent
from tests.catalog import conduct, wire

GATEWAY = ("203.0.113.0/24",)
REFUSED = reply(554, "5.7.1 Client host rejected: Access denied")
NO_GREETING = silent(Greeting, wire.MX, Reason.FILTERED)
NOT_ASKED = silent(LocalRecipients, wire.MX, Reason.FILTERED)


def of(*seen: Fact | Unobserved, behind: tuple[str, ...] = GATEWAY) -> Result:
    return judge(evaluate, wire.MX, roles(), host(behind_gateway=behind), *seen)


def answered(asked: LocalRecipients, behind: tuple[str, ...] = GATEWAY) -> Result:
    return of(wire.port(), wire.greeting(), asked, wire.egress(wire.MX), behind=behind)


def test_host_without_gateway_is_not_applicable() -> None:
    assert answered(conduct.recipients(), behind=()).outcome is Outcome.NOT_APPLICABLE


def test_mailbox_that_is_taken_from_this_vantage_fails() -> None:
    result = answered(conduct.recipients())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "RCPT TO:<postmaster@example.net> got 250 2.0.0 Ok from outside of 203.0.113.0/24"
    )


def test_refusal_passes() -> None:
    assert answered(conduct.recipients(known=REFUSED)).outcome is Outcome.PASS
    assert answered(conduct.recipients(mail=REFUSED)).outcome is Outcome.PASS


def test_refusal_in_the_greeting_passes() -> None:
    refused = wire.greeting(code=554, text="5.7.1 go through the gateway")
    hidden = silent(LocalRecipients, wire.MX, Reason.REFUSED)
    assert of(wire.port(), refused, hidden, wire.egress()).outcome is Outcome.PASS


def test_refusal_for_what_is_known_of_this_vantage_is_unknown() -> None:
    words = "5.7.1 Service unavailable; client [203.0.113.2] blocked using zen.example"
    assert answered(conduct.recipients(known=reply(554, words))).outcome is Outcome.UNKNOWN
    hidden = silent(LocalRecipients, wire.MX, Reason.REFUSED)
    greeting = wire.greeting(code=554, text=words)
    result = of(wire.port(), greeting, hidden, wire.egress())
    assert result.outcome is Outcome.UNKNOWN
    assert "about this vantage" in result.unknown[0].detail


def test_closed_port_passes() -> None:
    shut = wire.port(state="closed", detail="Connection refused")
    assert of(shut, NO_GREETING, NOT_ASKED, wire.egress()).outcome is Outcome.PASS


def test_filtered_port_passes_only_where_another_was_reached() -> None:
    shut = wire.port(state="filtered", detail="no answer within 10 s")
    seen = (shut, NO_GREETING, NOT_ASKED)
    assert of(*seen, wire.egress(wire.ELSEWHERE)).outcome is Outcome.PASS
    assert of(*seen, wire.egress()).unknown[0].reason is Reason.EGRESS_BLOCKED


def test_vantage_inside_the_gateway_is_unknown() -> None:
    result = answered(conduct.recipients(seen_as=("203.0.113.7",)))
    assert "203.0.113.7, which is inside" in result.unknown[0].detail


def test_answer_about_the_mailbox_or_greylisting_is_unknown() -> None:
    missing = reply(550, "5.1.1 unknown user")
    assert answered(conduct.recipients(known=missing)).outcome is Outcome.UNKNOWN
    assert answered(conduct.recipients(known=wire.GREYLISTED)).outcome is Outcome.UNKNOWN
