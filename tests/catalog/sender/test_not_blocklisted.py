"""sender-not-blocklisted."""

from audits.catalog.sender.not_blocklisted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.facts.reputation import Listing, Listings
from audits.subject import Address, MailHost
from tests.build import answer, judge, roles, silent

SUBJECT = MailHost("mx1.example.net")
OUT = Address("192.0.2.20")
HOST = roles(sends_from=("192.0.2.20",))
NAME = "20.2.0.192.dnsbl.example"
FREE = Listing("dnsbl.example", NAME, answer(NAME, "NXDOMAIN"), (), None)
REFUSED = Listing(
    "dnsbl.example", NAME, answer(NAME), ("127.255.255.254",), Silence(Reason.DNS_REFUSED, "no")
)


def listed(*codes: str) -> Listing:
    return Listing("other.example", NAME, answer(NAME), codes, None)


def of(*seen: Fact | Unobserved, **params: list[str]) -> Result:
    at_mx = Listings(Address("192.0.2.10"), (listed("127.0.0.2"),))
    return judge(evaluate, SUBJECT, HOST, at_mx, *seen, **params)


def test_address_on_no_list_passes_whatever_is_said_of_others() -> None:
    assert of(Listings(OUT, (FREE,))).outcome is Outcome.PASS


def test_listed_address_fails_high_and_outranks_silence() -> None:
    result = of(Listings(OUT, (REFUSED, listed("127.0.0.2", "127.0.0.4"))))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == (
        "192.0.2.20 is listed by other.example (127.0.0.2, 127.0.0.4)"
    )


def test_code_that_a_policy_ignores_is_no_listing() -> None:
    seen = Listings(OUT, (listed("127.0.0.254"),))
    assert of(seen, ignored_codes=["127.0.0.254"]).outcome is Outcome.PASS
    assert of(seen).outcome is Outcome.FAIL


def test_refusal_of_a_list_is_unknown() -> None:
    result = of(Listings(OUT, (FREE, REFUSED)))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DNS_REFUSED


def test_nothing_is_applicable_where_no_list_is_configured_or_the_host_does_not_send() -> None:
    unseen = [silent(Listings, Address(a), Reason.SKIPPED) for a in ("192.0.2.10", "192.0.2.20")]
    assert judge(evaluate, SUBJECT, HOST, *unseen).outcome is Outcome.NOT_APPLICABLE
    seen = Listings(Address("192.0.2.10"), (FREE,))
    assert judge(evaluate, SUBJECT, roles(), seen).outcome is Outcome.NOT_APPLICABLE
