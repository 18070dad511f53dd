"""mta-sts-caa-published."""

from audits.catalog.mta_sts.caa_published import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.caa import PolicyHostCaa
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.caa.climbs import caa

SUBJECT = Domain("example.net")


def of(*properties: tuple[str, str]) -> Result:
    relevant = caa(*properties)
    return judge(
        evaluate, SUBJECT, domain(), PolicyHostCaa(SUBJECT, relevant.answers, relevant.records)
    )


def test_records_with_an_issuer_pass() -> None:
    assert of(("issue", "letsencrypt.org")).outcome is Outcome.PASS


def test_no_record_up_to_the_top_fails_low() -> None:
    result = of()
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    message = result.violations[0].message
    assert message.startswith("no CAA record at mta-sts.example.net or above it, up to ")


def test_records_without_an_issuer_or_malformed_ones_fail() -> None:
    without = of(("iodef", "mailto:a@example.net"))
    assert "have no issue property" in without.violations[0].message
    malformed = of(("issue", "%%%"), ("issue", "ca.example"))
    assert malformed.outcome is Outcome.FAIL
    assert malformed.violations[0].evidence[0].pointer.endswith("/malformed")


def test_domain_without_mta_sts_is_not_applicable_and_a_silent_one_unknown() -> None:
    for reason, outcome in (
        (Reason.ABSENT, Outcome.NOT_APPLICABLE),
        (Reason.SERVFAIL, Outcome.UNKNOWN),
    ):
        unseen = silent(PolicyHostCaa, SUBJECT, reason)
        assert judge(evaluate, SUBJECT, domain(), unseen).outcome is outcome
