"""smtp-role-mailboxes-accepted."""

from typing import Any

import pytest

from audits.catalog.smtp.role_mailboxes_accepted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.conduct import LocalRecipients, RoleMailboxes
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import RcptReply, Reply, RoleRecipient
from audits.subject import Domain, Path
from tests.build import domain, judge, mx, reply, roles, silent
from tests.catalog import conduct, wire

DOMAIN = Domain("example.net")
WAY = Path("example.net", wire.HOST, wire.ADDRESS, 25)
UNKNOWN_USER = reply(550, "5.1.1 User unknown")


def abuse(answer: Reply = conduct.OK, mail: Reply = conduct.OK) -> RoleMailboxes:
    mailboxes = (RcptReply("abuse@example.net", answer),) if mail.positive else ()
    return RoleMailboxes(WAY, mail, mailboxes)


def of(
    postmaster: Fact | Unobserved | None = None,
    other: Fact | Unobserved | None = None,
    service: Fact | Unobserved | None = None,
    **params: Any,
) -> Result:
    seen = (
        postmaster or wire.recipient(),
        other or abuse(),
        service or conduct.recipients(),
    )
    known = (domain(), mx((10, wire.HOST)), roles(wire.HOST))
    return judge(evaluate, DOMAIN, *known, *seen, **params)


def test_accepted_mailboxes_pass() -> None:
    result = of()
    assert result.outcome is Outcome.PASS
    assert len(result.evidence) == 3


def test_refused_postmaster_fails() -> None:
    result = of(wire.recipient(rcpt=UNKNOWN_USER))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert result.violations[0].message == (
        "mx1.example.net:25 [192.0.2.10]: RCPT TO:<postmaster@example.net> got "
        "550 5.1.1 User unknown"
    )


def test_refused_abuse_fails_mildly_unless_it_is_not_asked_for() -> None:
    result = of(other=abuse(UNKNOWN_USER))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    assert of(other=abuse(UNKNOWN_USER), roles=("postmaster",)).outcome is Outcome.PASS


def test_refused_bare_postmaster_fails() -> None:
    result = of(service=conduct.recipients(bare=reply(501, "5.5.4 a domain is needed")))
    assert "RCPT TO:<postmaster> got 501" in result.violations[0].message
    assert result.severity is Severity.LOW


def test_denied_relaying_is_a_refusal() -> None:
    assert of(wire.recipient(rcpt=wire.RELAYING_DENIED)).outcome is Outcome.FAIL
    denied = reply(550, "5.7.1 relaying denied")
    assert of(wire.recipient(rcpt=denied)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "answer",
    [wire.GREYLISTED, reply(554, "5.7.1 Client host blocked"), reply(550, "5.1.8 bad sender")],
)
def test_refusal_that_is_about_the_client_or_later_is_unknown(answer: Reply) -> None:
    assert of(wire.recipient(rcpt=answer)).outcome is Outcome.UNKNOWN
    assert of(wire.recipient(mail=answer), abuse(mail=answer)).outcome is Outcome.UNKNOWN


def test_mailbox_that_was_not_asked_for_is_unknown() -> None:
    left = silent(RoleMailboxes, WAY, Reason.INTERRUPTED)
    assert of(other=left).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    unasked = (
        silent(RoleRecipient, WAY, Reason.SKIPPED),
        silent(RoleMailboxes, WAY, Reason.SKIPPED),
        silent(LocalRecipients, wire.MX, Reason.SKIPPED),
    )
    assert of(*unasked).outcome is Outcome.NOT_APPLICABLE
