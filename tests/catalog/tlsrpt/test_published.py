"""tlsrpt-published."""

from audits.catalog.tlsrpt.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import TlsRptTxt
from audits.facts.fact import Reason
from audits.parse.tlsrpt import tlsrpt_records
from audits.subject import Domain
from tests.build import answer, domain, judge, silent

SUBJECT = Domain("example.net")
RECORD = "v=TLSRPTv1; rua=mailto:tls@example.net"


def tlsrpt(*texts: str) -> TlsRptTxt:
    found = answer("_smtp._tls.example.net", "NOERROR" if texts else "NXDOMAIN")
    return TlsRptTxt(SUBJECT, found, texts, tlsrpt_records(texts))


def test_record_passes_beside_other_text() -> None:
    result = judge(evaluate, SUBJECT, domain(), tlsrpt("unrelated", RECORD))
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == [RECORD]


def test_no_record_fails() -> None:
    for seen in (tlsrpt(), tlsrpt("v=TLSRPTv2; rua=mailto:tls@example.net")):
        result = judge(evaluate, SUBJECT, domain(), seen)
        assert result.outcome is Outcome.FAIL
        assert result.violations[0].message == (
            "no TXT record at _smtp._tls.example.net begins with v=TLSRPTv1;"
        )


def test_records_that_are_one_too_many_or_malformed_are_left_to_record_valid() -> None:
    for seen in (tlsrpt(RECORD, "v=TLSRPTv1;"), tlsrpt("v=TLSRPTv1; rua=tls@example.net")):
        assert judge(evaluate, SUBJECT, domain(), seen).outcome is Outcome.PASS


def test_domain_that_receives_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(receives=False), tlsrpt())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(TlsRptTxt, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
