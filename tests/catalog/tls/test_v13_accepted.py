"""tls-v13-accepted: a current client gets TLS 1.3."""

from audits.catalog.tls.v13_accepted import evaluate
from audits.evaluate.verdict import Outcome
from tests.build import judge, roles
from tests.catalog.tls.offering import shaken
from tests.catalog.wire import MX


def test_tls_1_3_passes() -> None:
    assert judge(evaluate, MX, roles(), shaken()).outcome is Outcome.PASS


def test_tls_1_2_fails() -> None:
    result = judge(evaluate, MX, roles(), shaken("TLSv1.2"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "offered TLS 1.2 and 1.3, the service chose TLSv1.2"


def test_failed_handshake_is_unknown() -> None:
    assert judge(evaluate, MX, roles(), shaken(None)).outcome is Outcome.UNKNOWN
