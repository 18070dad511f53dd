"""tls-legacy-features-off: no compression, no insecure renegotiation, no truncated HMAC."""

from audits.catalog.tls.legacy_features_off import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.tls_offer import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    TRUNCATED_HMAC,
    ServerAnswer,
    TlsOffers,
)
from tests.build import judge, roles
from tests.catalog.tls.offering import answer, choosing, offers, refused, unanswered
from tests.catalog.wire import MX


def messages(what: ServerAnswer) -> list[str]:
    result = judge(evaluate, MX, roles(), offers(choosing(what)))
    assert result.outcome is Outcome.FAIL
    return [violation.message for violation in result.violations]


def test_none_of_them_passes() -> None:
    assert judge(evaluate, MX, roles(), offers()).outcome is Outcome.PASS


def test_compression_fails() -> None:
    assert messages(answer(compression=1)) == ["the server compresses"]


def test_missing_renegotiation_info_fails() -> None:
    found = messages(answer(extensions=(EXTENDED_MASTER_SECRET,)))
    assert found == ["the server does not say that renegotiation is secure"]


def test_truncated_hmac_fails() -> None:
    found = messages(answer(extensions=(RENEGOTIATION_INFO, TRUNCATED_HMAC)))
    assert found == ["the server agrees to a truncated HMAC"]


def test_service_with_tls_1_3_alone_is_not_applicable() -> None:
    result = judge(evaluate, MX, roles(), offers(lambda hello: refused(hello, 70)))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ())).outcome is Outcome.UNKNOWN
