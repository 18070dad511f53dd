"""tls-ciphers-not-forbidden: nothing is accepted that gives practically no protection."""

import pytest

from audits.catalog.tls.ciphers_not_forbidden import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.tls_offer import ClientHello, TlsOffer, TlsOffers, Version
from audits.parse.tls_names import suite_name
from tests.build import judge, roles
from tests.catalog.tls.offering import answer, choosing, offers, unanswered, well_kept
from tests.catalog.wire import MX


def test_service_that_refuses_them_all_passes() -> None:
    assert judge(evaluate, MX, roles(), offers()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "suite",
    [
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_NULL_SHA256",
        "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
        "TLS_RSA_WITH_IDEA_CBC_SHA",
    ],
)
def test_each_kind_fails(suite: str) -> None:
    seen = offers(choosing(answer(suite, scheme=None, group=None)))
    result = judge(evaluate, MX, roles(), seen)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [f"{suite} is accepted in TLS 1.2"]


def test_suite_that_is_only_old_passes_once_the_others_were_refused() -> None:
    seen = offers(choosing(answer("TLS_RSA_WITH_AES_128_CBC_SHA", scheme=None, group=None)))
    assert judge(evaluate, MX, roles(), seen).outcome is Outcome.PASS


def test_ssl_2_fails_by_its_cipher() -> None:
    seen = offers(choosing(answer(0x010080, Version.SSL2, scheme=None)), current="TLSv1.2")
    assert judge(evaluate, MX, roles(), seen).outcome is Outcome.FAIL


def test_policy_may_deny_more() -> None:
    seen = offers(choosing(answer("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")))
    assert judge(evaluate, MX, roles(), seen, deny=["CBC"]).outcome is Outcome.FAIL


def test_silence_and_what_was_not_offered_are_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ())).outcome is Outcome.UNKNOWN


def test_refusal_of_weak_signatures_says_nothing_of_suites() -> None:
    def server(hello: ClientHello) -> TlsOffer:
        forbidden = "NULL" in suite_name(hello.suites[0]) and not hello.narrow
        return unanswered(hello) if forbidden else well_kept(hello)

    seen = offers(server)
    assert "refused" in {o.outcome for o in seen.offers if o.hello.narrow}
    assert judge(evaluate, MX, roles(), seen).outcome is Outcome.UNKNOWN
