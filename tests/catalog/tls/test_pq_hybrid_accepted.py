"""tls-pq-hybrid-accepted: one hybrid group is accepted in TLS 1.3."""

from audits.catalog.tls.pq_hybrid_accepted import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.tls_offer import ClientHello, TlsOffer, Version
from tests.build import judge, roles
from tests.catalog.tls.offering import offers, refused, shaken, unanswered, well_kept
from tests.catalog.wire import MX


def classical(hello: ClientHello) -> TlsOffer:
    return refused(hello) if hello.highest is Version.TLS13 else well_kept(hello)


def test_hybrid_group_passes() -> None:
    result = judge(evaluate, MX, roles(), shaken(), offers())
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "X25519MLKEM768"


def test_curves_alone_fail() -> None:
    result = judge(evaluate, MX, roles(), shaken(), offers(classical))
    assert [v.message for v in result.violations] == [
        "none of SecP256r1MLKEM768, X25519MLKEM768, SecP384r1MLKEM1024 is accepted"
    ]


def test_group_that_the_policy_does_not_name_does_not_count() -> None:
    result = judge(evaluate, MX, roles(), shaken(), offers(), any_of=["SecP256r1MLKEM768"])
    assert result.outcome is not Outcome.PASS


def test_service_without_tls_1_3_fails() -> None:
    result = judge(evaluate, MX, roles(), shaken("TLSv1.2"), offers(current="TLSv1.2"))
    assert result.outcome is Outcome.FAIL


def test_silence_is_unknown() -> None:
    result = judge(evaluate, MX, roles(), shaken(), offers(unanswered))
    assert result.outcome is Outcome.UNKNOWN
