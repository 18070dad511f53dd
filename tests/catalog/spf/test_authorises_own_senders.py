import pytest

from audits.catalog.spf.authorises_own_senders import evaluate as audit
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason, Silence
from audits.facts.spf import SilentSender, SpfEvaluation
from tests.build import domain, judge
from tests.catalog.spf.worlds import SILENT, SUBJECT, evaluation, zone

FOUR, SIX = "192.0.2.1", "2001:db8::1"


def test_addresses_of_both_families_pass_with_the_term_that_lets_them() -> None:
    seen = evaluation(zone("v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all"), FOUR, SIX)
    result = judge(audit, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.PASS
    assert [piece.quote for piece in result.evidence] == [
        "ip4:192.0.2.1 matches",
        "ip6:2001:db8::/32 matches",
    ]


def test_forgotten_ipv6_address_fails_with_the_term_that_decides() -> None:
    seen = evaluation(zone("v=spf1 ip4:192.0.2.1 -all"), FOUR, SIX)
    result = judge(audit, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [f"{SIX}: fail, -all matches"]


def test_pass_that_comes_before_the_limit_is_reached_passes() -> None:
    late = " ".join(f"a:h{n}.example" for n in range(12))
    seen = evaluation(zone(f"v=spf1 ip4:192.0.2.1 {late} -all"), FOUR)
    assert judge(audit, SUBJECT, domain(), seen).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("v=spf1 ~all", "softfail, ~all matches"),
        ("v=spf1 ip4:192.0.2.9", "neutral, no term of example.net matches"),
        ("v=spf1 include:gone.example -all", "permerror, include:gone.example: gone.example has"),
        ("v=spf1 ipv4:192.0.2.1 -all", 'permerror, example.net: "ipv4:192.0.2.1": '),
    ],
)
def test_anything_but_a_pass_fails(record: str, says: str) -> None:
    result = judge(audit, SUBJECT, domain(), evaluation(zone(record), FOUR))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(f"{FOUR}: {says}")


def test_silent_include_is_unknown_and_no_permanent_error() -> None:
    seen = evaluation(zone("v=spf1 include:s.example -all", s=SILENT), FOUR)
    result = judge(audit, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DNS_TIMEOUT


def test_sender_whose_addresses_are_not_known_is_unknown() -> None:
    silent = SilentSender("out.example.net", Silence(Reason.SERVFAIL, "SERVFAIL"))
    seen = SpfEvaluation(SUBJECT, (), (silent,))
    result = judge(audit, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "out.example.net: SERVFAIL"


def test_domain_without_declared_senders_is_not_applicable() -> None:
    seen = evaluation(zone("v=spf1 -all"))
    assert judge(audit, SUBJECT, domain(), seen).outcome is Outcome.NOT_APPLICABLE


def test_domain_without_record_is_not_applicable() -> None:
    seen = evaluation(zone(), FOUR)
    assert judge(audit, SUBJECT, domain(), seen).outcome is Outcome.NOT_APPLICABLE


def test_domain_that_does_not_send_is_not_applicable() -> None:
    seen = evaluation(zone("v=spf1 -all"), FOUR)
    result = judge(audit, SUBJECT, domain(sends=False), seen)
    assert result.outcome is Outcome.NOT_APPLICABLE
