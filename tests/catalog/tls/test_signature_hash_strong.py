"""tls-signature-hash-strong: no signature with SHA-1 or MD5 in TLS 1.2."""

from audits.catalog.tls.signature_hash_strong import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.tls_offer import ClientHello, TlsOffer, TlsOffers
from tests.build import judge, roles
from tests.catalog.tls.offering import accepted, answer, choosing, offers, unanswered, well_kept
from tests.catalog.wire import MX


def test_refusal_passes() -> None:
    assert judge(evaluate, MX, roles(), offers()).outcome is Outcome.PASS


def test_sha1_fails() -> None:
    result = judge(evaluate, MX, roles(), offers(choosing(answer(scheme=0x0201))))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == ["the server signs with rsa_pkcs1_sha1"]
    assert result.severity is Severity.MEDIUM


def test_sha224_is_of_low_severity() -> None:
    result = judge(evaluate, MX, roles(), offers(choosing(answer(scheme=0x0303))))
    assert result.severity is Severity.LOW


def test_server_that_does_as_it_likes_passes() -> None:
    def stubborn(hello: ClientHello) -> TlsOffer:
        weak = hello.schemes and max(hello.schemes) < 0x0401
        return accepted(hello, answer(scheme=0x0401)) if weak else well_kept(hello)

    result = judge(evaluate, MX, roles(), offers(stubborn))
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "rsa_pkcs1_sha256"


def test_silence_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), offers(unanswered)).outcome is Outcome.UNKNOWN
    assert judge(evaluate, MX, roles(), TlsOffers(MX, ())).outcome is Outcome.UNKNOWN
