"""tls-version-current: nothing older than the minimum is accepted."""

from audits.catalog.tls.version_current import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason, Silence
from audits.facts.tls_offer import ClientHello, TlsOffer, TlsOffers, Version
from tests.build import judge, roles, silent
from tests.catalog.tls.offering import (
    accepted,
    answer,
    ask,
    choosing,
    offers,
    refused,
    shaken,
    unanswered,
    well_kept,
)
from tests.catalog.wire import MX, SUBMISSION, msa

OLD = answer("TLS_RSA_WITH_AES_128_CBC_SHA", Version.TLS10, group=None, scheme=None)


def ssl2_says(result: str) -> object:
    def server(hello: ClientHello) -> TlsOffer:
        if hello.highest is not Version.SSL2:
            return well_kept(hello)
        return (
            unanswered(hello)
            if result == "nothing"
            else accepted(
                hello, answer(0x010080, Version.SSL2, group=None, scheme=None, extensions=())
            )
        )

    return server


def test_service_that_refuses_old_versions_passes() -> None:
    result = judge(evaluate, MX, roles(), offers(), shaken())
    assert result.outcome is Outcome.PASS
    assert "refused with alert" in result.evidence[0].quote


def test_old_version_on_25_fails_with_medium() -> None:
    result = judge(evaluate, MX, roles(), offers(choosing(OLD)), shaken())
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    (violation,) = result.violations
    assert violation.message == "TLS 1.0 is accepted, with TLS_RSA_WITH_AES_128_CBC_SHA"


def test_old_version_on_submission_fails_with_high() -> None:
    seen = offers(choosing(OLD), at=SUBMISSION)
    result = judge(evaluate, SUBMISSION, msa(), seen, shaken(at=SUBMISSION))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH


def test_minimum_of_the_policy_is_heeded() -> None:
    seen = offers(choosing(OLD), ask(minimum=Version.TLS10))
    result = judge(evaluate, MX, roles(), seen, shaken(), mx_min="1.0")
    assert result.outcome is not Outcome.FAIL


def test_minimum_of_tls_1_3_fails_a_service_with_1_2() -> None:
    seen = offers(well_kept, ask(minimum=Version.TLS13))
    result = judge(evaluate, MX, roles(), seen, shaken(), mx_min="1.3")
    assert [v.message for v in result.violations] == [
        "TLS 1.2 is accepted, with TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    ]


def test_ssl2_is_asked_of_services_without_tls_1_3_and_fails() -> None:
    seen = offers(ssl2_says("hello"), current="TLSv1.2")  # type: ignore[arg-type]
    result = judge(evaluate, MX, roles(), seen, shaken("TLSv1.2"))
    assert [v.message for v in result.violations] == [
        "SSL 2 is accepted, with SSL_CK_RC4_128_WITH_MD5"
    ]


def test_hanging_up_on_ssl2_alone_passes() -> None:
    seen = offers(ssl2_says("nothing"), current="TLSv1.2")  # type: ignore[arg-type]
    assert judge(evaluate, MX, roles(), seen, shaken("TLSv1.2")).outcome is Outcome.PASS


def test_hello_without_answer_is_unknown_for_its_reason() -> None:
    seen = offers(lambda h: unanswered(h, Silence(Reason.THROTTLED, "421 too many")))
    result = judge(evaluate, MX, roles(), seen, shaken())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.THROTTLED


def test_what_was_never_offered_is_unknown() -> None:
    nothing = TlsOffers(MX, ())
    result = judge(evaluate, MX, roles(), nothing, shaken())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.NOT_COLLECTED


def test_some_suites_refused_in_an_old_version_prove_nothing() -> None:
    hello = ClientHello(Version.SSL3, Version.TLS11, (0x002F,), (), ())
    result = judge(evaluate, MX, roles(), TlsOffers(MX, (refused(hello, 70),)), shaken())
    assert result.outcome is Outcome.UNKNOWN


def test_service_without_starttls_is_not_applicable() -> None:
    seen = (
        silent(TlsOffers, MX, Reason.NOT_OFFERED),
        silent(type(shaken()), MX, Reason.NOT_OFFERED),
    )
    assert judge(evaluate, MX, roles(), *seen).outcome is Outcome.NOT_APPLICABLE
