"""tls-key-exchange-strong: forward secrecy, and groups that are large enough."""

from audits.catalog.tls.key_exchange_strong import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.tls_offer import ServerAnswer, TlsOffers
from tests.build import judge, roles
from tests.catalog.tls.offering import answer, choosing, offers, unanswered
from tests.catalog.wire import MX

STATIC = answer("TLS_RSA_WITH_AES_256_GCM_SHA384", group=None, scheme=None)


def dhe(bits: int | None, group: int | None = None) -> ServerAnswer:
    return answer("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", group=group, dh_bits=bits)


def test_curves_alone_pass() -> None:
    result = judge(evaluate, MX, roles(), offers())
    assert result.outcome is Outcome.PASS
    assert "x25519" in [e.quote for e in result.evidence]


def test_static_rsa_fails() -> None:
    result = judge(evaluate, MX, roles(), offers(choosing(STATIC)))
    assert [v.message for v in result.violations] == [
        "TLS_RSA_WITH_AES_256_GCM_SHA384 is accepted, which has no forward secrecy"
    ]


def test_short_dhe_fails_and_long_passes() -> None:
    short = judge(evaluate, MX, roles(), offers(choosing(dhe(1024))))
    assert [v.message for v in short.violations] == ["DHE has a group of 1024 bits, less than 2048"]
    assert judge(evaluate, MX, roles(), offers(choosing(dhe(2048)))).outcome is Outcome.PASS


def test_policy_may_ask_for_named_groups() -> None:
    how = {"min_dh_bits": 3072, "rfc7919_only": True}
    nameless = judge(evaluate, MX, roles(), offers(choosing(dhe(3072))), **how)
    assert nameless.outcome is Outcome.FAIL
    named = judge(evaluate, MX, roles(), offers(choosing(dhe(3072, 257))), **how)
    assert named.outcome is Outcome.PASS


def test_curve_outside_the_list_fails_and_may_be_tolerated() -> None:
    seen = offers(choosing(answer(group=21)))
    result = judge(evaluate, MX, roles(), seen)
    assert [v.message for v in result.violations] == ["the group secp224r1 is accepted"]
    mild = judge(evaluate, MX, roles(), seen, warn_groups=["secp224r1"])
    assert mild.severity is Severity.LOW


def test_dhe_whose_size_was_not_seen_is_unknown() -> None:
    seen = offers(choosing(dhe(None)))
    assert judge(evaluate, MX, roles(), seen).outcome is Outcome.UNKNOWN


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ())).outcome is Outcome.UNKNOWN
