"""tls-key-exchange-strong: forward secrecy, and groups that are large enough."""

from msgspec.structs import replace

from audits.catalog.tls.key_exchange_strong import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.tls_offer import ClientHello, ServerAnswer, TlsOffer, TlsOffers, Version
from audits.parse.tls_policy import required_groups
from tests.build import judge, roles
from tests.catalog.tls.offering import (
    Server,
    accepted,
    answer,
    ask,
    choosing,
    offers,
    refused,
    unanswered,
    well_kept,
)
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


P256, P384, X25519, BRAINPOOL = 23, 24, 29, 26
BSI = ("secp256r1", "brainpoolP256r1")


def having(*groups: int, suite: int = 0xC030, own_order: bool = False) -> Server:
    """A well-kept server that has these curves in TLS 1.2, in the client's order or in this one.

    One with an ECDSA suite has a key on P-256, which is of use where the client takes that curve.
    """

    def server(hello: ClientHello) -> TlsOffer:
        usual = well_kept(hello)
        if usual.answer is None or hello.highest is not Version.TLS12:
            return usual
        first, second = (groups, hello.groups) if own_order else (hello.groups, groups)
        shared = [group for group in first if group in second]
        keyless = suite == 0xC02C and P256 not in hello.groups
        if not shared or keyless:
            return refused(hello)
        return accepted(hello, answer(suite, group=shared[0]))

    return server


def judged(server: Server, *names: str) -> tuple[Result, int]:
    """The verdict where these groups are required, and the number of hellos."""
    required = required_groups(names)
    asked = replace(ask(), required=required, groups=ask().groups - required)
    seen = offers(server, asked)
    return judge(evaluate, MX, roles(), seen, must_offer=list(names)), len(seen.offers)


def test_required_groups_that_are_accepted_pass_for_one_connection_more() -> None:
    result, hellos = judged(having(X25519, P256, BRAINPOOL), *BSI)
    assert result.outcome is Outcome.PASS
    assert {"secp256r1", "brainpoolP256r1"} <= {e.quote for e in result.evidence}
    assert hellos == 6


def test_required_group_that_is_refused_fails() -> None:
    result, hellos = judged(having(X25519, P256), *BSI)
    assert [v.message for v in result.violations] == ["brainpoolP256r1 is not accepted in TLS 1.2"]
    assert hellos == 6


def test_server_with_an_order_of_its_own_is_asked_for_each() -> None:
    good, hellos = judged(having(X25519, P256, BRAINPOOL, own_order=True), *BSI)
    assert (good.outcome, hellos) == (Outcome.PASS, 7)
    bad, _ = judged(having(X25519, own_order=True), *BSI)
    assert len(bad.violations) == 2


def test_ecdsa_key_on_another_curve_is_no_refusal() -> None:
    good, hellos = judged(having(X25519, P256, BRAINPOOL, suite=0xC02C), *BSI)
    assert (good.outcome, hellos) == (Outcome.PASS, 6)
    bad, _ = judged(having(X25519, P256, suite=0xC02C), *BSI)
    assert [v.message for v in bad.violations] == ["brainpoolP256r1 is not accepted in TLS 1.2"]
    assert "secp256r1 was chosen" in str(bad.violations[0].evidence[0].quote)
    hidden, _ = judged(having(P256, BRAINPOOL, suite=0xC02C, own_order=True), *BSI)
    assert hidden.outcome is Outcome.UNKNOWN


def test_required_group_without_an_answer_is_unknown() -> None:
    def broken(hello: ClientHello) -> TlsOffer:
        if hello.narrow and hello.groups == (BRAINPOOL,):
            return unanswered(hello)
        return having(X25519, P256)(hello)

    assert judged(broken, *BSI)[0].outcome is Outcome.UNKNOWN


def test_required_hybrid_is_asked_for_in_tls_1_3() -> None:
    assert judged(having(X25519), "X25519MLKEM768")[0].outcome is Outcome.PASS
    result, _ = judged(having(X25519), "SecP384r1MLKEM1024")
    assert [v.message for v in result.violations] == [
        "SecP384r1MLKEM1024 is not accepted in TLS 1.3"
    ]


def test_group_that_is_required_is_asked_by_its_number_in_tls_1_3_where_there_is_no_1_2() -> None:
    def only_13(hello: ClientHello) -> TlsOffer:
        if hello.highest is not Version.TLS13:
            return refused(hello, 70)
        if hello.groups == (31,):
            return accepted(hello, answer(0x1301, Version.TLS13, group=31, retry=True))
        return well_kept(hello)

    assert judged(only_13, "brainpoolP256r1")[0].outcome is Outcome.PASS


def test_curves_are_asked_for_where_dhe_was_chosen() -> None:
    both = offers(choosing(dhe(2048)))
    assert [o.answer.group for o in both.offers if o.answer is not None][-2:] == [29, 4588]
