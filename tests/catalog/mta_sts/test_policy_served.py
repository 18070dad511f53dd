"""mta-sts-policy-served."""

import pytest

from audits.catalog.mta_sts.policy_served import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason
from audits.facts.https import MtaStsPolicy
from tests.build import domain, judge, silent
from tests.catalog.mta_sts.policies import GOOD, SUBJECT, served


@pytest.mark.parametrize(
    "policy",
    [
        served(),
        served("version: STSv1\nmode: none\nmax_age: 86400\n"),
        served(content_type="Text/Plain"),
        served("version: STSv1\nmode: testing\nmx: *.example.net\nmax_age: 1\nfuture: x"),
    ],
)
def test_policy_passes(policy: MtaStsPolicy) -> None:
    assert judge(evaluate, SUBJECT, domain(), policy).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            served("", status=301, location="https://www.example.net/"),
            "HTTP status 301 to https://www.example.net/, which senders do not follow",
        ),
        (served("", status=404), "HTTP status 404"),
        (
            served("", status=None, content_type=None, failure="certificate expired"),
            "no answer from https://mta-sts.example.net/.well-known/mta-sts.txt: "
            "certificate expired",
        ),
        (
            served("version: STSv1\nmode: enforce\nmax_age: 1\n"),
            "senders reject the policy: mx is missing",
        ),
        (
            served(GOOD.replace("mx1.example.net", "192.0.2.1")),
            'senders reject the policy: mx "192.0.2.1" is not a host pattern',
        ),
        (served(truncated=True, body_bytes=65536), "more than 65536 bytes, over 65536"),
        (served(body_bytes=65537), "65537 bytes, over 65536"),
    ],
)
def test_policy_that_senders_can_not_use_fails(policy: MtaStsPolicy, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), policy)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert [v.message for v in result.violations] == [message]


@pytest.mark.parametrize("content_type", ["text/html", None])
def test_another_media_type_is_low(content_type: str | None) -> None:
    result = judge(evaluate, SUBJECT, domain(), served(content_type=content_type))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW


def test_domain_without_announcement_is_not_applicable() -> None:
    unseen = silent(MtaStsPolicy, SUBJECT, Reason.ABSENT, "no MTA-STS record is published")
    result = judge(evaluate, SUBJECT, domain(), unseen)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.note == "no MTA-STS record is published"


def test_silent_web_server_is_unknown() -> None:
    unseen = silent(MtaStsPolicy, SUBJECT, Reason.TIMEOUT, "no answer in 60 s")
    result = judge(evaluate, SUBJECT, domain(), unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.TIMEOUT
