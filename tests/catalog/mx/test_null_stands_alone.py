"""mx-null-stands-alone."""

from audits.catalog.mx.null_stands_alone import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import MxSet
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, mx, silent

SUBJECT = Domain("example.net")
PARKED = domain(sends=False, receives=False)


def test_lone_null_mx_on_a_parked_domain_passes() -> None:
    assert judge(evaluate, SUBJECT, PARKED, mx((0, "."))).outcome is Outcome.PASS


def test_null_mx_beside_another_fails() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx((0, "."), (10, "mx1.example.net")))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "null MX beside 1 other MX"


def test_null_mx_on_a_sending_domain_fails_unless_allowed() -> None:
    sender = domain(sends=True, receives=False)
    assert judge(evaluate, SUBJECT, sender, mx((0, "."))).outcome is Outcome.FAIL
    allowed = judge(evaluate, SUBJECT, sender, mx((0, ".")), allow_sender=True)
    assert allowed.outcome is Outcome.PASS


def test_domain_without_null_mx_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx((10, "mx1.example.net")))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_mx_look_up_is_unknown() -> None:
    result = judge(evaluate, SUBJECT, PARKED, silent(MxSet, SUBJECT, Reason.SERVFAIL))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL
