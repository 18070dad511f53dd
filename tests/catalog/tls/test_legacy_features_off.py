"""tls-legacy-features-off: what nobody needs any more is not agreed to."""

from audits.catalog.tls.legacy_features_off import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.facts.tls import SessionTicket, SessionTickets
from audits.facts.tls_offer import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    TRUNCATED_HMAC,
    ServerAnswer,
    TlsOffers,
)
from tests.build import judge, roles, silent
from tests.catalog.tls.offering import answer, choosing, offers, refused, unanswered
from tests.catalog.wire import MX


def tickets(*early_data_bytes: int | None, malformed: str | None = None) -> SessionTickets:
    """Tickets that allow so much early data."""
    made = tuple(SessionTicket(7200, limit) for limit in early_data_bytes)
    return SessionTickets(MX, "TLSv1.3", made, malformed)


NONE = tickets(None, None)


def messages(what: ServerAnswer) -> list[str]:
    result = judge(evaluate, MX, roles(), NONE, offers(choosing(what)))
    assert result.outcome is Outcome.FAIL
    return [violation.message for violation in result.violations]


def test_none_of_them_passes() -> None:
    result = judge(evaluate, MX, roles(), NONE, offers())
    assert result.outcome is Outcome.PASS
    assert "2 session tickets without early data" in [e.quote for e in result.evidence]


def test_server_without_tickets_passes() -> None:
    assert judge(evaluate, MX, roles(), tickets(), offers()).outcome is Outcome.PASS


def test_compression_fails() -> None:
    assert messages(answer(compression=1)) == ["the server compresses"]


def test_missing_renegotiation_info_fails() -> None:
    found = messages(answer(extensions=(EXTENDED_MASTER_SECRET,)))
    assert found == ["the server does not say that renegotiation is secure"]


def test_truncated_hmac_fails() -> None:
    found = messages(answer(extensions=(RENEGOTIATION_INFO, TRUNCATED_HMAC)))
    assert found == ["the server agrees to a truncated HMAC"]


def test_early_data_fails() -> None:
    result = judge(evaluate, MX, roles(), tickets(None, 16384), offers())
    assert [violation.message for violation in result.violations] == [
        "a session ticket allows 16384 octets of early data (0-RTT)"
    ]


def test_limit_of_no_octets_passes() -> None:
    assert judge(evaluate, MX, roles(), tickets(0), offers()).outcome is Outcome.PASS


def test_service_with_tls_1_3_alone_is_judged_by_its_tickets() -> None:
    only_13 = offers(lambda hello: refused(hello, 70))
    assert judge(evaluate, MX, roles(), NONE, only_13).outcome is Outcome.PASS
    assert judge(evaluate, MX, roles(), tickets(1), only_13).outcome is Outcome.FAIL


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), NONE, offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), NONE, TlsOffers(MX, ())).outcome is Outcome.UNKNOWN


def test_tickets_that_were_not_seen_are_unknown_unless_something_else_fails() -> None:
    unseen = silent(SessionTickets, MX, Reason.DISCONNECTED, "the server hung up")
    result = judge(evaluate, MX, roles(), unseen, offers())
    assert result.outcome is Outcome.UNKNOWN
    assert "whether early data is taken: the server hung up" in str(result.unknown)
    worse = offers(choosing(answer(compression=1)))
    assert judge(evaluate, MX, roles(), unseen, worse).outcome is Outcome.FAIL
    broken = tickets(malformed="a handshake message that ends early")
    assert judge(evaluate, MX, roles(), broken, offers()).outcome is Outcome.UNKNOWN
