"""client-srv-published."""

import pytest

from audits.catalog.client.srv_published import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason, Silence
from audits.facts.srv import ClientServices
from tests.build import domain, judge
from tests.catalog.client.services import SCOPE, SUBJECT, srv

GOOD = srv(submissions=((0, 465, "submit.example.net"),))


def test_record_for_implicit_tls_at_a_host_of_ours_passes() -> None:
    assert judge(evaluate, SUBJECT, domain(), SCOPE, GOOD).outcome is Outcome.PASS
    declared = domain(submission=("submit.example.net",))
    assert judge(evaluate, SUBJECT, declared, SCOPE, GOOD).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (srv(), "no SRV record at _submissions._tcp.example.net leads to a server"),
        (
            srv(submissions=((0, 0, "."),)),
            "no SRV record at _submissions._tcp.example.net leads to a server",
        ),
        (
            srv(submissions=((0, 587, "submit.example.net"), (1, 465, "mail.provider.example"))),
            "_submissions._tcp.example.net leads to submit.example.net:587, "
            "mail.provider.example:465, no submission host of ours on port 465",
        ),
    ],
)
def test_record_that_is_missing_or_leads_elsewhere_fails_for_information(
    seen: ClientServices, message: str
) -> None:
    result = judge(evaluate, SUBJECT, domain(), SCOPE, seen)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO
    assert [v.message for v in result.violations] == [message]


def test_host_that_is_not_declared_for_submission_fails() -> None:
    declared = domain(submission=("mx1.example.net",))
    assert judge(evaluate, SUBJECT, declared, SCOPE, GOOD).outcome is Outcome.FAIL


def test_silent_look_up_is_unknown() -> None:
    seen = srv(submissions=Silence(Reason.SERVFAIL, "SERVFAIL"))
    assert judge(evaluate, SUBJECT, domain(), SCOPE, seen).outcome is Outcome.UNKNOWN


def test_domain_that_sends_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(sends=False), SCOPE, srv())
    assert result.outcome is Outcome.NOT_APPLICABLE
