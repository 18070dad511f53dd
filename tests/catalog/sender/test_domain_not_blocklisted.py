"""sender-domain-not-blocklisted."""

from audits.catalog.sender.domain_not_blocklisted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.facts.reputation import DomainListings, Listing
from audits.subject import Domain
from tests.build import answer, domain, judge, silent

SUBJECT = Domain("example.net")
NAME = "example.net.dbl.example"
FREE = Listing("dbl.example", NAME, answer(NAME, "NXDOMAIN"), (), None)
REFUSED = Listing(
    "dbl.example", NAME, answer(NAME), ("127.255.255.254",), Silence(Reason.DNS_REFUSED, "no")
)


def listed(*codes: str) -> Listing:
    return Listing("other.example", NAME, answer(NAME), codes, None)


def of(*lists: Listing, **params: list[str]) -> Result:
    return judge(evaluate, SUBJECT, domain(), DomainListings(SUBJECT, lists), **params)


def test_domain_on_no_list_passes() -> None:
    assert of(FREE).outcome is Outcome.PASS


def test_listed_domain_fails_high_and_outranks_silence() -> None:
    result = of(REFUSED, listed("127.0.1.2"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert result.violations[0].message == "example.net is listed by other.example (127.0.1.2)"


def test_code_that_a_policy_ignores_is_no_listing() -> None:
    assert of(listed("127.0.1.102"), ignored_codes=["127.0.1.102"]).outcome is Outcome.PASS


def test_refusal_of_a_list_is_unknown() -> None:
    result = of(FREE, REFUSED)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DNS_REFUSED


def test_without_lists_or_for_a_domain_that_sends_nothing_it_is_not_applicable() -> None:
    unseen: Fact | Unobserved = silent(DomainListings, SUBJECT, Reason.SKIPPED)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.NOT_APPLICABLE
