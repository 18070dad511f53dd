"""client-autoconfig-secure."""

from typing import Any

import pytest

from audits.catalog.client.autoconfig_secure import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.autoconfig import AutoconfigDocument, ClientAutoconfig, ClientServer
from audits.facts.fact import Reason, Silence
from audits.subject import Domain
from tests.build import domain, judge, silent

SUBJECT = Domain("example.net")
URL = "https://autoconfig.example.net/mail/config-v1.1.xml"


def document(*servers: ClientServer, **fields: Any) -> AutoconfigDocument:
    whole: dict[str, Any] = {
        "url": URL,
        "address": "192.0.2.80",
        "failure": None,
        "status": 200,
        "location": None,
        "malformed": None,
        "silence": None,
    }
    return AutoconfigDocument(servers=servers, **(whole | fields))


def smtp(socket_type: str) -> ClientServer:
    return ClientServer("outgoing", "smtp", "submit.example.net", "587", socket_type, ())


NONE = document(status=404, url="https://example.net/.well-known/autoconfig/mail/config-v1.1.xml")


def config(*documents: AutoconfigDocument) -> ClientAutoconfig:
    return ClientAutoconfig(SUBJECT, (*documents, NONE))


@pytest.mark.parametrize("socket_type", ["SSL", "ssl", "STARTTLS"])
def test_servers_with_tls_pass(socket_type: str) -> None:
    seen = config(document(smtp(socket_type), smtp("SSL")))
    assert judge(evaluate, SUBJECT, domain(), seen).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("socket_type", "how"), [("plain", "plain"), ("", "no socket type"), ("Auto", "Auto")]
)
def test_server_in_clear_fails_high(socket_type: str, how: str) -> None:
    seen = config(document(smtp("SSL"), smtp(socket_type)))
    result = judge(evaluate, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert [v.message for v in result.violations] == [
        f"{URL} tells of smtp at submit.example.net:587 with {how}"
    ]


def test_starttls_fails_where_a_policy_does_not_allow_it() -> None:
    seen = config(document(smtp("STARTTLS")))
    result = judge(evaluate, SUBJECT, domain(), seen, allow_starttls=False)
    assert result.outcome is Outcome.FAIL


def test_document_that_can_not_be_read_fails_low() -> None:
    seen = config(document(malformed="it is no XML"))
    result = judge(evaluate, SUBJECT, domain(), seen)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW


def test_silence_and_a_redirect_are_unknown() -> None:
    slow = document(status=None, silence=Silence(Reason.TIMEOUT, "nothing in 60 s"))
    moved = document(status=302, location="https://www.example.net/")
    told = document(status=200, location="https://elsewhere.example/autodiscover.xml")
    for first in (slow, moved, told):
        assert judge(evaluate, SUBJECT, domain(), config(first)).outcome is Outcome.UNKNOWN
    faulty = ClientAutoconfig(SUBJECT, (slow, document(smtp("plain"))))
    assert judge(evaluate, SUBJECT, domain(), faulty).outcome is Outcome.FAIL


def test_domain_without_configuration_is_not_applicable() -> None:
    absent = document(status=None, failure="autoconfig.example.net does not exist")
    assert judge(evaluate, SUBJECT, domain(), config(absent)).outcome is Outcome.NOT_APPLICABLE
    unseen = silent(ClientAutoconfig, SUBJECT, Reason.SKIPPED)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.NOT_APPLICABLE
