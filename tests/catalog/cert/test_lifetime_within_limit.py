"""cert-lifetime-within-limit."""

from datetime import UTC, datetime, timedelta

import pytest

from audits.catalog.cert.lifetime_within_limit import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain, Verification
from tests.build import AS_OF, judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: int) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen, **params)


def lasting(
    begins: str, days: int, *, stores: tuple[str, ...] = ("system",), code: int = 0
) -> CertificateChain:
    """A certificate whose last second is included."""
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    end = start + timedelta(days=days, seconds=-1)
    held = wire.certificate(not_before=start, not_after=end)
    verification = Verification(code, "ok", 0, AS_OF, stores)
    return CertificateChain(wire.SUBMISSIONS, (held,), (wire.HOST,), verification, None, (None,))


@pytest.mark.parametrize(
    ("begins", "limit"),
    [
        ("2026-03-14", 398),
        ("2026-03-15", 200),
        ("2027-03-14", 200),
        ("2027-03-15", 100),
        ("2029-03-14", 100),
        ("2029-03-15", 47),
    ],
)
def test_the_limit_is_that_of_the_day_on_which_validity_begins(begins: str, limit: int) -> None:
    assert of(lasting(begins, limit)).outcome is Outcome.PASS
    longer = of(lasting(begins, limit + 1))
    assert (longer.outcome, longer.severity) == (Outcome.FAIL, Severity.LOW)
    words = f"it is valid for {limit + 1} days, more than the {limit} that a public CA may give"
    assert longer.violations[0].message == words


@pytest.mark.parametrize("how", [{"stores": ("system", "ca.pem")}, {"code": 20}])
def test_a_private_authority_has_a_limit_of_its_own(how: dict[str, object]) -> None:
    chain = lasting("2026-11-01", 398, **how)  # type: ignore[arg-type]  # one of two keywords
    assert of(chain).outcome is Outcome.PASS
    assert of(chain, private_max_days=90).outcome is Outcome.FAIL


def test_unreadable_leaf_is_unknown() -> None:
    broken = CertificateChain(wire.SUBMISSIONS, (), (wire.HOST,), None, "bad DER", ())
    assert of(broken).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
