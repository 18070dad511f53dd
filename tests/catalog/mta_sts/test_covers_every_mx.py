"""mta-sts-covers-every-mx."""

from datetime import timedelta

import pytest

from audits.catalog.mta_sts.covers_every_mx import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaSet
from audits.facts.dns import ResolverReport
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import StartTls
from audits.facts.tls import CertificateChain
from tests.build import AS_OF, domain, judge, mx, roles, silent
from tests.catalog.dane.secured import NOT_VALIDATING, VALIDATING, record, tlsa
from tests.catalog.mta_sts.policies import GOOD, SUBJECT, served
from tests.catalog.wire import MX, certificate, chain, starttls

ONE = mx((10, "mx1.example.net"))
WIRE = (starttls(MX), chain(MX))
TESTING = GOOD.replace("enforce", "testing")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, SUBJECT, domain(), roles(), *seen)


@pytest.mark.parametrize("pattern", ["mx1.example.net", "MX1.example.net", "*.example.net"])
def test_host_that_is_named_and_verifies_passes(pattern: str) -> None:
    result = of(ONE, served(GOOD.replace("mx1.example.net", pattern)), *WIRE)
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("pattern", ["*.mx1.example.net", "*.net", "mx1.example.net.evil.example"])
def test_host_that_no_pattern_names_fails_critical_where_enforced(pattern: str) -> None:
    result = of(ONE, served(GOOD.replace("mx1.example.net", pattern)), *WIRE)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert result.violations[0].message == (
        "no pattern of the policy names the MX host mx1.example.net"
    )


def test_host_that_no_pattern_names_fails_medium_while_testing() -> None:
    result = of(ONE, served(TESTING.replace("mx1.example.net", "mx2.example.net")), *WIRE)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM


def test_domain_without_mx_records_is_its_own_host() -> None:
    result = of(mx(), served(), silent(CertificateChain, MX, Reason.REFUSED))
    assert result.outcome is Outcome.FAIL
    assert "example.net" in result.violations[0].message


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (
            chain(MX, certificate(dns_names=("mail.example.net",))),
            "the certificate of mx1.example.net:25 [192.0.2.10] is for mail.example.net",
        ),
        (
            chain(MX, certificate(dns_names=(), subject="CN=mx1.example.net")),
            "the certificate of mx1.example.net:25 [192.0.2.10] is for no name",
        ),
        (
            chain(MX, certificate(not_after=AS_OF - timedelta(days=1))),
            "a certificate of mx1.example.net:25 [192.0.2.10] is outside its dates",
        ),
        (
            chain(MX, code=20, message="unable to get local issuer certificate"),
            "the certificate of mx1.example.net:25 [192.0.2.10] is not trusted: "
            "unable to get local issuer certificate",
        ),
    ],
)
def test_certificate_that_senders_refuse_fails(held: CertificateChain, message: str) -> None:
    """Also where another pattern of the policy would suit the certificate's name."""
    policy = served(GOOD.replace("mx:", "mx: mail.example.net\nmx:"))
    result = of(ONE, policy, starttls(MX), held)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert [v.message for v in result.violations] == [message]


def test_host_without_starttls_fails() -> None:
    unseen = silent(CertificateChain, MX, Reason.NOT_OFFERED)
    result = of(ONE, served(), starttls(MX, offered=False), unseen)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "mx1.example.net:25 [192.0.2.10] offers no STARTTLS"


def test_host_that_is_silent_is_unknown_and_a_missing_pattern_outranks_it() -> None:
    unseen = (
        silent(StartTls, MX, Reason.TIMEOUT),
        silent(CertificateChain, MX, Reason.TIMEOUT, "no banner"),
    )
    assert of(ONE, served(), *unseen).outcome is Outcome.UNKNOWN
    two = mx((10, "mx1.example.net"), (20, "mx2.example.net"))
    assert of(two, served(), *unseen).outcome is Outcome.FAIL


def test_policy_that_is_not_in_force_is_not_applicable() -> None:
    taken_back = served("version: STSv1\nmode: none\nmax_age: 86400\n")
    for policy in (taken_back, served("", status=404), served("version: STSv1\n")):
        assert of(ONE, policy, *WIRE).outcome is Outcome.NOT_APPLICABLE
    assert of(mx((0, ".")), served(), *WIRE).outcome is Outcome.NOT_APPLICABLE


# DANE beside it (RFC 8461 section 2).
FITS = tlsa(record())
MISFITS = tlsa(record("3 1 1", "00" * 32))


def test_a_policy_that_is_met_beside_tlsa_records_that_fit_passes() -> None:
    assert of(ONE, served(), *WIRE, FITS, VALIDATING).outcome is Outcome.PASS


@pytest.mark.parametrize("body", [GOOD, TESTING])
def test_a_policy_that_is_met_does_not_override_dane_that_fails(body: str) -> None:
    result = of(ONE, served(body), *WIRE, MISFITS, VALIDATING)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    (violation,) = result.violations
    assert violation.message == (
        "the TLSA records of mx1.example.net do not fit the certificate of "
        "mx1.example.net:25 [192.0.2.10]: senders that do DANE refuse it, whatever the policy says"
    )


@pytest.mark.parametrize(
    ("found", "resolver"),
    [
        (tlsa(), VALIDATING),
        (tlsa(record("1 1 1", "00" * 32)), VALIDATING),
        (tlsa(record("3 1 1", "00" * 32), secure=False), VALIDATING),
        (MISFITS, NOT_VALIDATING),
    ],
)
def test_records_that_no_sender_is_known_to_use_are_left_to_the_audits_of_dane(
    found: TlsaSet, resolver: ResolverReport
) -> None:
    assert of(ONE, served(), *WIRE, found, resolver).outcome is Outcome.PASS


def test_a_host_that_dane_authenticates_and_the_policy_does_not_name_is_told_so() -> None:
    policy = served(GOOD.replace("mx1.example.net", "mx2.example.net"))
    result = of(ONE, policy, *WIRE, FITS, VALIDATING)
    assert result.violations[0].message == (
        "no pattern of the policy names the MX host mx1.example.net, though DANE does: senders "
        "without it deliver nothing there"
    )


def test_dane_by_the_trust_anchor_takes_the_name_of_the_domain() -> None:
    leaf = certificate(dns_names=("mx1.example.net", "example.net"))
    issuer = certificate(dns_names=(), is_ca=True, spki_sha256="2b" * 32)
    anchor = tlsa(record("2 1 1", "2b" * 32))
    seen = (starttls(MX), chain(MX, leaf, issuer), anchor, VALIDATING)
    assert of(ONE, served(), *seen).outcome is Outcome.PASS
