import pytest

from audits.facts.relay import FormOutcome
from audits.facts.smtp import Reply
from audits.parse.relay_reply import classify

OK = Reply(250, ("2.1.0 Ok",), 0.0)


def reply(text: str) -> Reply:
    return Reply(int(text[:3]), (text[4:],), 0.0)


@pytest.mark.parametrize(
    ("rcpt", "expected"),
    [
        ("250 2.1.5 Ok", FormOutcome.ACCEPTED),
        ("251 User not local; will forward", FormOutcome.ACCEPTED),
        ("454 4.7.1 <u@d>: Relay access denied", FormOutcome.DENIED),
        ("450 Relaying temporarily denied", FormOutcome.DENIED),
        ("550 5.7.1 Relaying denied", FormOutcome.DENIED),
        ("550 relay not permitted", FormOutcome.DENIED),
        ("550 5.1.1 No such user", FormOutcome.DENIED),
        ("554 5.7.1 <u@d>: Relay access denied", FormOutcome.DENIED),
        ("530 5.7.0 Authentication required", FormOutcome.DENIED),
        ("503 5.5.4 Error: authentication required", FormOutcome.DENIED),
        ("553 that domain isn't in my list of allowed rcpthosts (#5.7.1)", FormOutcome.DENIED),
        ("553 5.7.1 not here", FormOutcome.DENIED),
        ("501 5.7.1 relaying denied", FormOutcome.DENIED),
        ("450 4.2.0 <u@d>: Recipient address rejected: Greylisted", FormOutcome.DEFERRED),
        ("451 4.7.1 Greylisting in action, please come back later", FormOutcome.DEFERRED),
        ("450 4.7.1 Client host rejected: cannot find your hostname", FormOutcome.DEFERRED),
        ("452 4.3.1 Insufficient system storage", FormOutcome.DEFERRED),
        ("501 5.1.3 Bad recipient address syntax", FormOutcome.SYNTAX),
        ("500 unrecognized", FormOutcome.SYNTAX),
        ("553 5.1.3 mailbox name not allowed", FormOutcome.SYNTAX),
        ("553 mailbox name not allowed", FormOutcome.SYNTAX),
        ("555 5.5.4 parameters not recognized", FormOutcome.SYNTAX),
        ("421 4.3.2 closing", FormOutcome.NOT_TESTED),
        ("503 5.5.1 nested MAIL", FormOutcome.NOT_TESTED),
        ("354 go on", FormOutcome.NOT_TESTED),
    ],
)  # fmt: skip
def test_reply_to_rcpt_decides(rcpt: str, expected: FormOutcome) -> None:
    outcome, note = classify(OK, reply(rcpt))
    assert outcome is expected
    assert bool(note) == (expected is FormOutcome.NOT_TESTED)


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ("530 5.7.0 Must issue a STARTTLS command first", FormOutcome.DENIED),
        ("530 5.7.0 Authentication required", FormOutcome.DENIED),
        ("550 5.7.1 Authentication required", FormOutcome.DENIED),
        ("503 AUTH first", FormOutcome.DENIED),
        ("550 5.1.8 sender domain does not exist", FormOutcome.NOT_TESTED),
        ("501 5.1.7 bad sender", FormOutcome.NOT_TESTED),
        ("450 4.1.8 Domain not found", FormOutcome.NOT_TESTED),
        ("421 4.7.0 too many connections, authenticate", FormOutcome.NOT_TESTED),
    ],
)
def test_refused_mail_denies_only_where_it_asks_for_login_or_tls(
    mail: str, expected: FormOutcome
) -> None:
    for rcpt in (None, reply("503 5.5.1 need MAIL")):
        outcome, note = classify(reply(mail), rcpt)
        assert outcome is expected
        assert mail in note


def test_without_replies_nothing_was_tested() -> None:
    assert classify(None, None) == (FormOutcome.NOT_TESTED, "MAIL was not answered")
    assert classify(OK, None) == (FormOutcome.NOT_TESTED, "RCPT was not answered")


@pytest.mark.parametrize(
    "words",
    [
        "4.3.0 <canary@relay.example>: Temporary lookup failure",
        "4.3.0 canary@relay.example: Temporary lookup failure",
        "4.3.0 relay.example: Temporary lookup failure",
    ],
)
def test_domain_that_is_called_relay_denies_nothing(words: str) -> None:
    assert classify(OK, Reply(451, (words,), 0.0))[0] is FormOutcome.DEFERRED
