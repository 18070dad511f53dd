"""tls-ems-negotiated: TLS 1.2 comes with the extended master secret."""

from audits.catalog.tls.ems_negotiated import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.tls_offer import RENEGOTIATION_INFO, TlsOffers
from tests.build import judge, roles
from tests.catalog.tls.offering import answer, choosing, offers, refused, unanswered
from tests.catalog.wire import MX


def test_extended_master_secret_passes() -> None:
    assert judge(evaluate, MX, roles(), offers()).outcome is Outcome.PASS


def test_tls_1_2_without_it_fails() -> None:
    seen = offers(choosing(answer(extensions=(RENEGOTIATION_INFO,))))
    result = judge(evaluate, MX, roles(), seen)
    assert result.outcome is Outcome.FAIL
    assert "without extended master secret" in result.violations[0].message


def test_service_without_tls_1_2_is_not_applicable() -> None:
    result = judge(evaluate, MX, roles(), offers(lambda hello: refused(hello, 70)))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ())).outcome is Outcome.UNKNOWN
