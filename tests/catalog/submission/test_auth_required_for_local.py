"""submission-auth-required-for-local."""

from audits.catalog.submission.auth_required_for_local import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import UnauthenticatedMail
from tests.build import judge, reply, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen)


def test_refused_local_recipient_passes() -> None:
    assert of(wire.stranger(local=reply(554, "5.7.1 Access denied"))).outcome is Outcome.PASS


def test_refusal_at_mail_passes() -> None:
    assert of(wire.stranger(mail=reply(530, "5.7.0 log in"))).outcome is Outcome.PASS


def test_accepted_local_recipient_fails_though_the_foreign_one_is_refused() -> None:
    taken = wire.stranger(foreign=wire.RELAYING_DENIED, local=reply(250, "2.1.5 Ok"))
    result = of(taken)
    assert result.outcome is Outcome.FAIL
    message = "RCPT of postmaster@example.net without login got 250 2.1.5 Ok"
    assert result.violations[0].message == message


def test_unknown_mailbox_says_nothing_of_logins() -> None:
    result = of(wire.stranger(local=reply(550, "5.1.1 User unknown")))
    assert result.outcome is Outcome.UNKNOWN


def test_greylisting_is_unknown() -> None:
    result = of(wire.stranger(local=wire.GREYLISTED))
    assert result.unknown[0].reason is Reason.DEFERRED


def test_host_that_serves_no_known_domain_is_not_applicable() -> None:
    refused = wire.stranger(foreign=wire.RELAYING_DENIED)
    assert of(refused).outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    assert of(silent(UnauthenticatedMail, wire.SUBMISSION, Reason.TIMEOUT)).outcome is (
        Outcome.UNKNOWN
    )
