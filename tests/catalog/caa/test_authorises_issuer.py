"""caa-authorises-issuer."""

from typing import Any

from audits.catalog.caa.authorises_issuer import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.caa import CaaSet
from audits.facts.fact import Reason
from audits.facts.tls import Certificate
from audits.subject import MailHost
from tests.build import judge, roles, silent
from tests.catalog.caa.climbs import caa
from tests.catalog.wire import MX, certificate, chain

LE = certificate(issuer="CN=R11,O=Let's Encrypt,C=US")
WILD = certificate(issuer="CN=R11,O=Let's Encrypt,C=US", dns_names=("*.example.net",))


def of(seen: CaaSet, held: Certificate = LE, **params: Any) -> Result:
    return judge(evaluate, MX, roles(), chain(MX, held), seen, **params)


def test_issuer_that_is_named_passes() -> None:
    assert of(caa(("issue", "letsencrypt.org"), ("issue", "other.example"))).outcome is Outcome.PASS
    assert of(caa(("issue", "letsencrypt.org")), WILD).outcome is Outcome.PASS


def test_issuer_that_is_not_named_fails() -> None:
    result = of(caa(("issue", "digicert.com")))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert result.violations[0].message == (
        "Let's Encrypt (letsencrypt.org) issued it, and CAA at example.net allows digicert.com"
    )
    assert of(caa(("issue", ";"))).violations[0].message.endswith("allows nobody")


def test_wildcard_is_judged_by_issuewild_and_other_names_are_not() -> None:
    seen = caa(("issue", "letsencrypt.org"), ("issuewild", ";"))
    assert of(seen, WILD).outcome is Outcome.FAIL
    assert of(seen).outcome is Outcome.PASS


def test_issuer_that_a_policy_adds_is_judged() -> None:
    private = certificate(issuer="CN=Issuing,O=Example Net")
    seen = caa(("issue", "ca.example.net"))
    assert of(seen, private).outcome is Outcome.NOT_APPLICABLE
    known = ["Example Net=ca.example.net"]
    assert of(seen, private, issuers=known).outcome is Outcome.PASS
    assert of(seen, private, issuers=["Example Net=x.example"]).outcome is Outcome.FAIL


def test_names_without_restriction_and_certificates_for_others_are_not_applicable() -> None:
    assert of(caa()).outcome is Outcome.NOT_APPLICABLE
    assert of(caa(("iodef", "mailto:a@example.net"))).outcome is Outcome.NOT_APPLICABLE
    other = certificate(issuer=LE.issuer, dns_names=("mail.example.org",))
    assert of(caa(("issue", ";")), other).outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(CaaSet, MailHost("mx1.example.net"), Reason.DNS_TIMEOUT)
    assert judge(evaluate, MX, roles(), chain(MX, LE), unseen).outcome is Outcome.UNKNOWN
