"""route-origin-valid."""

from audits.catalog.route.origin_valid import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason
from audits.facts.rpki import RouteOrigin, Vrp
from audits.subject import Address, MailHost
from tests.build import judge, roles, silent

SUBJECT = MailHost("mx1.example.net")
ADDRESS = Address("192.0.2.10")


def route(*covering: Vrp, prefix: str = "192.0.2.0/24") -> RouteOrigin:
    return RouteOrigin(ADDRESS, prefix, 64496, covering, "vrps.json")


def test_route_that_one_authorisation_matches_passes() -> None:
    other = Vrp("192.0.0.0/16", 16, 64511)
    seen = route(other, Vrp("192.0.2.0/24", 24, 64496))
    assert judge(evaluate, SUBJECT, roles(), seen).outcome is Outcome.PASS


def test_another_origin_and_too_long_a_prefix_fail_low() -> None:
    for seen in (
        route(Vrp("192.0.2.0/24", 24, 64511)),
        route(Vrp("192.0.2.0/24", 24, 64496), prefix="192.0.2.0/25"),
        route(Vrp("192.0.2.0/24", 24, 0)),
    ):
        result = judge(evaluate, SUBJECT, roles(), seen)
        assert result.outcome is Outcome.FAIL
        assert result.severity is Severity.LOW
        assert "is invalid" in result.violations[0].message


def test_route_without_authorisation_is_for_information() -> None:
    result = judge(evaluate, SUBJECT, roles(), route())
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO


def test_no_file_is_not_applicable_and_a_missing_origin_is_unknown() -> None:
    skipped = silent(RouteOrigin, ADDRESS, Reason.SKIPPED)
    assert judge(evaluate, SUBJECT, roles(), skipped).outcome is Outcome.NOT_APPLICABLE
    undeclared = silent(RouteOrigin, ADDRESS, Reason.NOT_DECLARED)
    assert judge(evaluate, SUBJECT, roles(), undeclared).outcome is Outcome.UNKNOWN
