"""client-srv-prefers-implicit-tls."""

import pytest

from audits.catalog.client.srv_prefers_implicit_tls import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason, Silence
from audits.facts.srv import ClientServices, SrvTarget
from tests.build import domain, judge
from tests.catalog.client.services import SCOPE, SUBJECT, leading_to, srv

OURS = "submit.example.net"


@pytest.mark.parametrize(
    "seen",
    [
        srv(submissions=((0, 465, OURS),), submission=((10, 587, OURS),)),
        srv(submissions=((0, 465, OURS),), submission=((0, 0, "."),)),
        srv(submission=((0, 587, OURS),)),
        srv(imaps=((0, 993, OURS),), imap=((0, 0, "."),)),
    ],
)
def test_implicit_tls_first_passes(seen: ClientServices) -> None:
    assert judge(evaluate, SUBJECT, domain(), SCOPE, seen).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (
            srv(submissions=((10, 465, OURS),), submission=((10, 587, OURS),)),
            "_submission (priority 10) is not after _submissions (10)",
        ),
        (
            srv(imaps=((5, 993, OURS),), imap=((0, 143, OURS),)),
            "_imap (priority 0) is not after _imaps (5)",
        ),
        (
            srv(submission=((0, 25, OURS),)),
            "_submission._tcp.example.net leads to port 25",
        ),
        (
            srv(submissions=((0, 465, "gone.example.org"),)),
            "_submissions._tcp.example.net leads to gone.example.org, which is not in the "
            "inventory",
        ),
    ],
)
def test_clear_first_port_25_and_foreign_hosts_fail(seen: ClientServices, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), SCOPE, seen)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert [v.message for v in result.violations] == [message]


def test_host_of_an_allowed_provider_passes() -> None:
    seen = srv(submissions=((0, 465, "smtp.provider.example"),))
    allowed = {"allowed_provider_suffixes": ["provider.example"]}
    assert judge(evaluate, SUBJECT, domain(), SCOPE, seen, **allowed).outcome is Outcome.PASS
    assert judge(evaluate, SUBJECT, domain(), SCOPE, seen).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            SrvTarget(OURS, ("real.example.net",), ("192.0.2.20",), None),
            f"the target {OURS} is an alias of real.example.net",
        ),
        (SrvTarget(OURS, (), (), None), f"the target {OURS} has no address"),
    ],
)
def test_target_that_is_an_alias_or_leads_nowhere_fails(target: SrvTarget, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), SCOPE, leading_to(target))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [message]


def test_silent_target_is_unknown() -> None:
    target = SrvTarget(OURS, (), (), Silence(Reason.SERVFAIL, "SERVFAIL"))
    result = judge(evaluate, SUBJECT, domain(), SCOPE, leading_to(target))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL


def test_silent_look_up_is_unknown_and_a_fault_outranks_it() -> None:
    silence = Silence(Reason.DNS_TIMEOUT, "no answer")
    seen = srv(submissions=((0, 465, OURS),), submission=silence)
    assert judge(evaluate, SUBJECT, domain(), SCOPE, seen).outcome is Outcome.UNKNOWN
    faulty = srv(submissions=((0, 25, OURS),), submission=silence)
    assert judge(evaluate, SUBJECT, domain(), SCOPE, faulty).outcome is Outcome.FAIL


def test_domain_without_records_is_not_applicable() -> None:
    assert judge(evaluate, SUBJECT, domain(), SCOPE, srv()).outcome is Outcome.NOT_APPLICABLE
