"""mx-starttls-optional."""

from audits.catalog.mx.starttls_optional import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.conduct import MailBeforeTls
from audits.facts.fact import Reason
from audits.facts.smtp import Reply
from tests.build import host, judge, reply, roles, silent
from tests.catalog import conduct, wire

DEMANDED = reply(530, "5.7.0 Must issue a STARTTLS command first")


def of(answer: Reply, *, mandatory: bool = False, expected: str = "optional") -> Result:
    seen = (roles(), host(tls_mandatory=mandatory), conduct.before_tls(answer))
    return judge(evaluate, wire.MX, *seen, expected=expected)


def test_mail_without_tls_passes() -> None:
    assert of(conduct.OK).outcome is Outcome.PASS


def test_demanded_tls_fails_for_information() -> None:
    result = of(DEMANDED)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)
    assert "530 5.7.0 Must issue" in result.violations[0].message


def test_declared_demand_passes_where_it_is_made_and_fails_where_it_is_not() -> None:
    assert of(DEMANDED, mandatory=True).outcome is Outcome.PASS
    assert of(conduct.OK, mandatory=True).outcome is Outcome.FAIL
    assert of(conduct.OK, expected="mandatory").outcome is Outcome.FAIL


def test_refusal_that_does_not_speak_of_tls_is_unknown() -> None:
    assert of(reply(550, "5.1.8 no such domain")).outcome is Outcome.UNKNOWN
    assert of(wire.GREYLISTED).unknown[0].reason is Reason.DEFERRED


def test_host_of_somebody_else_is_not_applicable() -> None:
    unasked = silent(MailBeforeTls, wire.MX, Reason.SKIPPED)
    result = judge(evaluate, wire.MX, roles(), host(), unasked)
    assert result.outcome is Outcome.NOT_APPLICABLE
