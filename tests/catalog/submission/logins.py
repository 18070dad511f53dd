"""Facts about logins, for the tests of the audits that judge them."""

from typing import Any

from audits.facts.fact import Silence
from audits.facts.login import AccountLogin, AuthExchange, Envelope, OtherSender, RefusedLogins
from audits.facts.smtp import Reply
from audits.subject import Service
from tests.build import reply
from tests.catalog import wire

ALICE = "alice@example.net"
REFUSED = reply(535, "5.7.8 Error: authentication failed")


def exchange(answer: Reply, mechanism: str = "PLAIN", challenges: int = 0) -> AuthExchange:
    return AuthExchange(mechanism, challenges, answer)


def login(answer: Reply | None = None, **fields: Any) -> AccountLogin:
    accepted = answer or reply(235, "2.7.0 Authentication successful")
    whole: dict[str, Any] = {
        "exchange": exchange(accepted),
        "iterations": None,
        "server": None,
        "given_for": "certificate",
    }
    return AccountLogin(wire.SUBMISSION, ALICE, **(whole | fields))


def refused(
    known: Reply | AuthExchange = REFUSED,
    unknown: Reply | AuthExchange | None = REFUSED,
    *,
    username: str = ALICE,
    stranger: str = "mailproof-1a2b3c4d@example.net",
    silence: Silence | None = None,
) -> RefusedLogins:
    tried = [exchange(each) if isinstance(each, Reply) else each for each in (known, unknown)]
    assert tried[0] is not None
    return RefusedLogins(wire.SUBMISSION, username, stranger, tried[0], tried[1], silence)


def sent_as(
    rcpt: Reply | None,
    *,
    mail: Reply | None = None,
    own: Reply | None = None,
    declared: bool = True,
    at: Service = wire.SUBMISSION,
) -> OtherSender:
    """rcpt: the reply to the other sender's RCPT. own: that to the account's own."""
    fine = reply(250, "2.1.0 Ok")
    return OtherSender(
        at,
        ALICE,
        Envelope(ALICE, ALICE, fine, own or fine),
        Envelope("boss@example.net", ALICE, mail or fine, rcpt),
        declared,
    )
