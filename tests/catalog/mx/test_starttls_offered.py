"""mx-starttls-offered."""

from audits.catalog.mx.starttls_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import EhloReply, StartTls
from tests.build import judge, reply, roles, silent
from tests.catalog import wire

EHLO = wire.ehlo(wire.MX, "STARTTLS")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), *seen)


def test_starttls_that_gets_220_passes() -> None:
    assert of(EHLO, wire.starttls(wire.MX)).outcome is Outcome.PASS


def test_no_starttls_fails() -> None:
    result = of(wire.ehlo(wire.MX), wire.starttls(wire.MX, offered=False))
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.STARTTLS
    assert result.violations[0].message == "EHLO does not list STARTTLS"


def test_keyword_that_something_on_the_way_wrote_over_is_named() -> None:
    seen = (wire.ehlo(wire.MX, "PIPELINING", "XXXXXXXA"), wire.starttls(wire.MX, offered=False))
    (violation,) = of(*seen).violations
    assert violation.message == (
        "EHLO lists XXXXXXXA where STARTTLS belongs: something on the way to the server strips it"
    )
    assert violation.evidence[0].pointer == "/keywords/1/name"


def test_starttls_that_is_offered_then_refused_fails() -> None:
    result = of(EHLO, wire.starttls(wire.MX, reply(554, "5.7.3 unable to initialize security")))
    assert result.outcome is Outcome.FAIL
    assert "554 5.7.3 unable to initialize security" in result.violations[0].message


def test_starttls_that_is_put_off_is_unknown() -> None:
    result = of(EHLO, wire.starttls(wire.MX, reply(454, "4.7.0 TLS not available")))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED


def test_throttled_service_is_unknown() -> None:
    hidden = [silent(kind, wire.MX, Reason.THROTTLED) for kind in (EhloReply, StartTls)]
    assert of(*hidden).outcome is Outcome.UNKNOWN


def test_closed_port_is_not_applicable() -> None:
    gone = [silent(kind, wire.MX, Reason.REFUSED) for kind in (EhloReply, StartTls)]
    assert of(*gone).outcome is Outcome.NOT_APPLICABLE


def test_host_of_somebody_else_is_judged_as_a_sender_sees_it() -> None:
    seen = (wire.ehlo(wire.MX), wire.starttls(wire.MX, offered=False))
    assert judge(evaluate, wire.MX, wire.foreign(), *seen).outcome is Outcome.FAIL
