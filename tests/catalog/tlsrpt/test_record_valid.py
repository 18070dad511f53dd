"""tlsrpt-record-valid."""

import pytest

from audits.catalog.tlsrpt.record_valid import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import TlsRptTxt
from audits.facts.fact import Reason, Silence
from audits.facts.tlsrpt import ReportDestination, TlsRptDestinations
from audits.parse.tlsrpt import tlsrpt_records
from audits.subject import Domain
from tests.build import answer, domain, judge, silent

SUBJECT = Domain("example.net")
RECORD = "v=TLSRPTv1; rua=mailto:tls@reports.example, https://reports.example/tls"
NONE = silent(TlsRptDestinations, SUBJECT, Reason.ABSENT, "no single valid record")


def tlsrpt(*texts: str) -> TlsRptTxt:
    found = answer("_smtp._tls.example.net", "NOERROR" if texts else "NXDOMAIN")
    return TlsRptTxt(SUBJECT, found, texts, tlsrpt_records(texts))


def to(*exchanges: str, rcode: str = "NOERROR") -> TlsRptDestinations:
    reached = ReportDestination(
        "reports.example", answer("reports.example", rcode), exchanges, None
    )
    return TlsRptDestinations(SUBJECT, (reached,))


def test_one_record_with_a_destination_that_takes_mail_passes() -> None:
    for texts in ((RECORD,), (RECORD, "unrelated"), (RECORD + ";",)):
        result = judge(evaluate, SUBJECT, domain(), tlsrpt(*texts), to("mx.reports.example"))
        assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((RECORD, RECORD + ";"), "2 TLS-RPT records, of which senders take none"),
        (
            ("v=TLSRPTv1; rua=tls@example.net",),
            'senders ignore the record: rua "tls@example.net" is no mailto or https URI',
        ),
        (("v=TLSRPTv1;",), "senders ignore the record: rua is missing"),
    ],
)
def test_record_that_senders_do_not_take_fails(texts: tuple[str, ...], message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), tlsrpt(*texts), NONE)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert result.violations[0].message == message


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (to(), "reports go to reports.example, which has no MX"),
        (to(rcode="NXDOMAIN"), "reports go to reports.example, which does not exist"),
        (to("."), "reports go to reports.example, which takes no mail (null MX)"),
    ],
)
def test_destination_that_takes_no_mail_fails(where: TlsRptDestinations, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), tlsrpt(RECORD), where)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == message


def test_silent_destination_is_unknown() -> None:
    silence = Silence(Reason.DNS_TIMEOUT, "no answer")
    where = TlsRptDestinations(SUBJECT, (ReportDestination("reports.example", None, (), silence),))
    result = judge(evaluate, SUBJECT, domain(), tlsrpt(RECORD), where)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "reports.example: no answer"


def test_domain_without_record_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), tlsrpt("v=TLSRPTv10; rua=x"), NONE)
    assert result.outcome is Outcome.NOT_APPLICABLE
