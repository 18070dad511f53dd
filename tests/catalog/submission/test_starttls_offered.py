"""submission-starttls-offered."""

from audits.catalog.submission.starttls_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloReply, StartTls
from tests.build import judge, reply, silent
from tests.catalog import wire

EHLO = wire.ehlo(wire.SUBMISSION, "STARTTLS")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), *seen)


def test_starttls_that_gets_220_passes() -> None:
    assert of(EHLO, wire.starttls(wire.SUBMISSION)).outcome is Outcome.PASS


def test_no_starttls_fails() -> None:
    seen = (wire.ehlo(wire.SUBMISSION), wire.starttls(wire.SUBMISSION, offered=False))
    assert of(*seen).outcome is Outcome.FAIL


def test_refused_starttls_fails() -> None:
    result = of(EHLO, wire.starttls(wire.SUBMISSION, reply(502, "not implemented")))
    assert result.outcome is Outcome.FAIL
    assert "502 not implemented" in result.violations[0].message


def test_starttls_that_is_put_off_is_unknown() -> None:
    result = of(EHLO, wire.starttls(wire.SUBMISSION, reply(454, "4.7.0 try later")))
    assert result.outcome is Outcome.UNKNOWN


def test_closed_port_is_not_applicable() -> None:
    gone = [silent(kind, wire.SUBMISSION, Reason.REFUSED) for kind in (EhloReply, StartTls)]
    assert of(*gone).outcome is Outcome.NOT_APPLICABLE


def test_465_is_not_applicable() -> None:
    result = judge(evaluate, wire.SUBMISSIONS, wire.msa(), wire.ehlo(wire.SUBMISSIONS))
    assert result.outcome is Outcome.NOT_APPLICABLE
