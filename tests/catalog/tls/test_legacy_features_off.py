"""tls-legacy-features-off: what nobody needs any more is not agreed to."""

from audits.catalog.tls.legacy_features_off import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason, Unobserved
from audits.facts.tls import SessionTicket, SessionTickets
from audits.facts.tls_offer import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    TRUNCATED_HMAC,
    Renegotiations,
    ServerAnswer,
    TlsOffers,
)
from tests.build import judge, roles, silent
from tests.catalog.tls.offering import (
    Server,
    answer,
    choosing,
    offers,
    refused,
    unanswered,
    well_kept,
)
from tests.catalog.wire import MX


def tickets(*early_data_bytes: int | None, malformed: str | None = None) -> SessionTickets:
    """Tickets that allow so much early data."""
    made = tuple(SessionTicket(7200, limit) for limit in early_data_bytes)
    return SessionTickets(MX, "TLSv1.3", made, malformed)


NONE = tickets(None, None)
REFUSED = Renegotiations(MX, 11, 0, "alert no_renegotiation")


def messages(what: ServerAnswer) -> list[str]:
    result = judge(evaluate, MX, roles(), REFUSED, NONE, offers(choosing(what)))
    assert result.outcome is Outcome.FAIL
    return [violation.message for violation in result.violations]


def test_none_of_them_passes() -> None:
    result = judge(evaluate, MX, roles(), REFUSED, NONE, offers())
    assert result.outcome is Outcome.PASS
    assert "2 session tickets without early data" in [e.quote for e in result.evidence]


def test_server_without_tickets_passes() -> None:
    assert judge(evaluate, MX, roles(), REFUSED, tickets(), offers()).outcome is Outcome.PASS


def test_compression_fails() -> None:
    assert messages(answer(compression=1)) == ["the server compresses"]


def test_missing_renegotiation_info_fails() -> None:
    found = messages(answer(extensions=(EXTENDED_MASTER_SECRET,)))
    assert found == ["the server does not say that renegotiation is secure"]


def test_truncated_hmac_fails() -> None:
    found = messages(answer(extensions=(RENEGOTIATION_INFO, TRUNCATED_HMAC)))
    assert found == ["the server agrees to a truncated HMAC"]


def test_early_data_fails() -> None:
    result = judge(evaluate, MX, roles(), REFUSED, tickets(None, 16384), offers())
    assert [violation.message for violation in result.violations] == [
        "a session ticket allows 16384 octets of early data (0-RTT)"
    ]


def test_limit_of_no_octets_passes() -> None:
    assert judge(evaluate, MX, roles(), REFUSED, tickets(0), offers()).outcome is Outcome.PASS


def test_service_with_tls_1_3_alone_is_judged_by_its_tickets() -> None:
    only_13 = offers(lambda hello: refused(hello, 70))
    assert judge(evaluate, MX, roles(), REFUSED, NONE, only_13).outcome is Outcome.PASS
    assert judge(evaluate, MX, roles(), REFUSED, tickets(1), only_13).outcome is Outcome.FAIL


def test_silence_is_unknown() -> None:
    assert (
        judge(evaluate, MX, roles(), REFUSED, NONE, offers(unanswered)).outcome is Outcome.UNKNOWN
    )
    assert judge(evaluate, MX, roles(), REFUSED, NONE, TlsOffers(MX, ())).outcome is Outcome.UNKNOWN


def test_tickets_that_were_not_seen_are_unknown_unless_something_else_fails() -> None:
    unseen = silent(SessionTickets, MX, Reason.DISCONNECTED, "the server hung up")
    result = judge(evaluate, MX, roles(), REFUSED, unseen, offers())
    assert result.outcome is Outcome.UNKNOWN
    assert "whether early data is taken: the server hung up" in str(result.unknown)
    worse = offers(choosing(answer(compression=1)))
    assert judge(evaluate, MX, roles(), REFUSED, unseen, worse).outcome is Outcome.FAIL
    broken = tickets(malformed="a handshake message that ends early")
    assert judge(evaluate, MX, roles(), REFUSED, broken, offers()).outcome is Outcome.UNKNOWN


def renegotiating(
    found: Renegotiations | Unobserved, server: Server = well_kept, **params: int
) -> Result:
    return judge(evaluate, MX, roles(), found, NONE, offers(server), **params)


def test_refused_renegotiation_is_told_in_the_evidence() -> None:
    result = renegotiating(REFUSED)
    quotes = [e.quote for e in result.evidence]
    assert "0 renegotiations accepted, then alert no_renegotiation" in quotes


def test_renegotiation_beyond_what_is_tolerated_fails() -> None:
    result = renegotiating(Renegotiations(MX, 11, 11, None))
    assert [violation.message for violation in result.violations] == [
        "a client may renegotiate 11 times and more in one connection"
    ]
    ten = Renegotiations(MX, 11, 10, "the server closed the connection")
    assert renegotiating(ten).outcome is Outcome.PASS
    assert renegotiating(ten, max_reneg=0).outcome is Outcome.FAIL


def test_more_tolerated_than_tried_is_unknown() -> None:
    found = Renegotiations(MX, 32, 32, None)
    assert renegotiating(found, max_reneg=1000).outcome is Outcome.UNKNOWN


def test_renegotiation_that_was_not_tried_is_unknown() -> None:
    result = renegotiating(Renegotiations(MX, 0, 0, None))
    assert result.outcome is Outcome.UNKNOWN
    assert "was not tried: no connection was left for it" in str(result.unknown)


def test_tls_1_3_alone_has_no_renegotiation() -> None:
    found = silent(Renegotiations, MX, Reason.NOT_OFFERED, "TLS 1.3 alone")
    assert renegotiating(found, lambda hello: refused(hello, 70)).outcome is Outcome.PASS


def test_renegotiation_without_an_answer_is_unknown_unless_something_else_fails() -> None:
    found = silent(Renegotiations, MX, Reason.TIMEOUT, "the server fell silent")
    result = renegotiating(found)
    assert result.outcome is Outcome.UNKNOWN
    assert "how often a client may renegotiate: the server fell silent" in str(result.unknown)
    assert renegotiating(found, choosing(answer(compression=1))).outcome is Outcome.FAIL
