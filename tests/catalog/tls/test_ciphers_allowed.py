"""tls-ciphers-allowed: nothing is accepted that the list does not have."""

from audits.catalog.tls.ciphers_allowed import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.tls_offer import TlsOffers, Version
from tests.build import judge, roles
from tests.catalog.tls.offering import answer, ask, choosing, offers, shaken, unanswered
from tests.catalog.wire import MX

CBC = answer("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384")
CCM = answer("TLS_AES_128_CCM_8_SHA256", Version.TLS13, retry=True, scheme=None)


def test_only_listed_suites_pass() -> None:
    assert judge(evaluate, MX, roles(), offers(), shaken()).outcome is Outcome.PASS


def test_suite_outside_the_list_fails() -> None:
    result = judge(evaluate, MX, roles(), offers(choosing(CBC)), shaken())
    assert [v.message for v in result.violations] == [
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 is accepted, which rfc9325 does not list"
    ]
    assert result.severity is Severity.MEDIUM


def test_suite_that_runs_out_is_of_low_severity() -> None:
    seen = offers(choosing(CBC), ask("ncsc-nl-sufficient"))
    result = judge(evaluate, MX, roles(), seen, shaken(), mx_allow="ncsc-nl-sufficient")
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW


def test_list_of_other_scope_is_not_this_ones() -> None:
    seen = offers(choosing(CBC))
    result = judge(evaluate, MX, roles(), seen, shaken(), msa_allow="nist-52r2")
    assert result.outcome is Outcome.FAIL


def test_suite_of_tls_1_3_outside_a_narrow_list_fails() -> None:
    seen = offers(choosing(CCM), ask("ncsc-nl-sufficient"))
    result = judge(evaluate, MX, roles(), seen, shaken(), mx_allow="ncsc-nl-sufficient")
    assert result.outcome is Outcome.FAIL


def test_narrow_list_of_tls_1_3_is_proven_before_it_passes() -> None:
    asked = offers(asked=ask("ncsc-nl-sufficient"))
    how = {"mx_allow": "ncsc-nl-sufficient"}
    assert judge(evaluate, MX, roles(), asked, shaken(), **how).outcome is Outcome.PASS
    not_asked = judge(evaluate, MX, roles(), offers(), shaken(), **how)
    assert not_asked.outcome is Outcome.UNKNOWN


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered), shaken()).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ()), shaken()).outcome is Outcome.UNKNOWN
