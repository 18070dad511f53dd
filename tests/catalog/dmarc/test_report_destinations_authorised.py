"""dmarc-report-destinations-authorised."""

from audits.catalog.dmarc.report_destinations_authorised import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dmarc import (
    Authorisation,
    DmarcDestination,
    DmarcDestinations,
    MailExchange,
    ReportUri,
)
from audits.facts.fact import Reason, Silence
from audits.parse.dmarc import dmarc_records
from tests.build import answer, domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT

SILENT = Silence(Reason.DNS_TIMEOUT, "no answer in 3 s")


def destination(
    name: str,
    organizational: str | None,
    *texts: str,
    asked: bool = True,
    exchanges: tuple[str, ...] | None = ("mx.example",),
    rcode: str = "NOERROR",
    silences: tuple[Silence, ...] = (),
) -> DmarcDestination:
    """texts: what stands at its `_report._dmarc` name, where `asked`."""
    at = f"example.net._report._dmarc.{name}"
    found = answer(at, "NOERROR" if texts else "NXDOMAIN")
    return DmarcDestination(
        name=name,
        uris=(ReportUri("rua", f"mailto:r@{name}"),),
        organizational=organizational,
        authorisation=Authorisation(found, texts, dmarc_records(texts)) if asked else None,
        mx=None if exchanges is None else MailExchange(answer(name, rcode), exchanges),
        silences=silences,
    )


def of(*destinations: DmarcDestination) -> Result:
    fact = DmarcDestinations(SUBJECT, SUBJECT.name, SUBJECT.name, destinations)
    return judge(evaluate, SUBJECT, domain(), fact)


OWN = destination("example.net", "example.net", asked=False)


def test_own_mailbox_and_authorised_one_pass() -> None:
    result = of(OWN, destination("esp.example", "esp.example", "junk", "v=DMARC1"))
    assert result.outcome is Outcome.PASS
    assert [evidence.quote for evidence in result.evidence] == ["example.net", "esp.example"]


def test_destination_that_says_nothing_fails() -> None:
    result = of(OWN, destination("esp.example", "esp.example"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert [violation.message for violation in result.violations] == [
        "esp.example does not say that it takes the reports: "
        "no TXT at example.net._report._dmarc.esp.example"
    ]


def test_destination_that_says_something_else_fails() -> None:
    result = of(destination("esp.example", "esp.example", "hello"))
    assert result.violations[0].message == (
        "esp.example: the TXT at example.net._report._dmarc.esp.example is no DMARC record: hello"
    )


def test_destination_without_mail_server_fails() -> None:
    gone = destination("example.net", "example.net", asked=False, exchanges=(), rcode="NXDOMAIN")
    assert of(gone).violations[0].message == "example.net does not exist (NXDOMAIN)"
    null = destination("example.net", "example.net", asked=False, exchanges=(".",))
    assert of(null).violations[0].message == "example.net takes no mail: it has a null MX"
    bare = of(destination("example.net", "example.net", asked=False, exchanges=()))
    assert (bare.violations[0].message, bare.severity) == (
        "example.net has no MX record",
        Severity.LOW,
    )


def test_destination_that_is_no_domain_fails() -> None:
    result = of(destination("localhost", None, asked=False, exchanges=None))
    assert result.violations[0].message == "localhost is no domain name"


def test_silence_that_matters_is_unknown() -> None:
    for half in (
        destination("esp.example", None, silences=(SILENT,)),
        destination("esp.example", "esp.example", asked=False, silences=(SILENT,)),
        destination("esp.example", "esp.example", "v=DMARC1", exchanges=None, silences=(SILENT,)),
    ):
        result = of(OWN, half)
        assert result.outcome is Outcome.UNKNOWN
        assert result.unknown[0].detail == "esp.example: no answer in 3 s"


def test_authorisation_makes_up_for_a_silent_walk() -> None:
    authorised = destination("esp.example", None, "v=DMARC1", silences=(SILENT,))
    assert of(authorised).outcome is Outcome.PASS


def test_no_mailbox_is_not_applicable_and_a_silent_walk_unknown() -> None:
    assert of().outcome is Outcome.NOT_APPLICABLE
    absent = silent(DmarcDestinations, SUBJECT, Reason.ABSENT)
    assert judge(evaluate, SUBJECT, domain(), absent).outcome is Outcome.NOT_APPLICABLE
    unseen = silent(DmarcDestinations, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
