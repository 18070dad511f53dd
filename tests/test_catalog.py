"""The catalogue as a whole: every audit is documented, tested, referenced and can be tuned."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from audits import catalog
from audits.catalog import load
from audits.cli.job import REMEMBERED
from audits.evaluate.audit import Audit
from audits.evaluate.policy import Rule, bind
from audits.facts.declared import FleetScope
from audits.facts.fact import kind_of

SOURCES = Path(catalog.__file__).parent
TESTS = Path(__file__).parent / "catalog"

IDS = {
    "bimi-consistent",
    "caa-authorises-issuer",
    "caa-published",
    "cert-in-validity",
    "cert-key-strong",
    "cert-lifetime-within-limit",
    "cert-name-matches",
    "cert-no-wildcard",
    "cert-not-expiring-soon",
    "cert-signature-strong",
    "cert-trusted",
    "client-autoconfig-secure",
    "client-srv-prefers-implicit-tls",
    "client-srv-published",
    "dane-dnssec-secure",
    "dane-rollover-ready",
    "dane-tlsa-matches-certificate",
    "dane-tlsa-published",
    "dane-tlsa-usable",
    "dkim-ed25519-published",
    "dkim-key-long-enough",
    "dkim-key-not-shared",
    "dkim-key-rotated",
    "dkim-key-valid",
    "dkim-not-in-testing",
    "dkim-selectors-published",
    "dkim-sha256-only",
    "dmarc-aggregate-reports-requested",
    "dmarc-not-in-test-mode",
    "dmarc-parked-rejects",
    "dmarc-policy-enforced",
    "dmarc-published",
    "dmarc-record-valid",
    "dmarc-reject-backed-by-dkim",
    "dmarc-report-destinations-authorised",
    "dmarc-required-rua-present",
    "dmarc-subdomain-policy-enforced",
    "dnssec-parameters-strong",
    "dnssec-signed",
    "dnssec-valid",
    "mta-auth-requires-tls",
    "mta-auth-throttled",
    "mta-ciphers-strong",
    "mta-client-restricted",
    "mta-config-agrees-with-wire",
    "mta-config-matches-pinned",
    "mta-config-valid",
    "mta-greeting-discreet",
    "mta-logins-proven",
    "mta-parameters-known",
    "mta-password-storage-strong",
    "mta-relay-rule-safe",
    "mta-secret-files-private",
    "mta-sender-matches-login",
    "mta-smuggling-protection-on",
    "mta-sts-caa-published",
    "mta-sts-covers-every-mx",
    "mta-sts-id-follows-policy",
    "mta-sts-max-age-in-range",
    "mta-sts-mode-enforced",
    "mta-sts-policy-served",
    "mta-sts-published",
    "mta-sts-record-valid",
    "mta-submission-listener-strict",
    "mta-tls-offered",
    "mta-tls-versions-current",
    "mta-trusted-networks-narrow",
    "mta-version-supported",
    "mx-accepts-gateway-only",
    "mx-auth-not-offered",
    "mx-host-in-inventory",
    "mx-null-on-parked-domain",
    "mx-null-stands-alone",
    "mx-published",
    "mx-starttls-offered",
    "mx-starttls-optional",
    "mx-target-not-alias",
    "mx-target-resolves",
    "outbound-tls-authenticated",
    "outbound-tls-enabled",
    "path-delivers",
    "port-address-families-agree",
    "port-closed-on-non-mail-host",
    "port-mx-reachable",
    "port-only-declared-open",
    "port-submission-reachable",
    "ptr-forward-confirmed",
    "ptr-published",
    "relay-refused",
    "route-origin-valid",
    "sender-domain-not-blocklisted",
    "sender-not-blocklisted",
    "smtp-bare-newline-rejected",
    "smtp-greeting-valid",
    "smtp-helo-name-valid",
    "smtp-null-sender-accepted",
    "smtp-pipelining-enforced",
    "smtp-requiretls-offered",
    "smtp-role-mailboxes-accepted",
    "smtp-starttls-not-injectable",
    "smtp-unknown-recipient-rejected",
    "smtp-version-not-disclosed",
    "smtp-vrfy-expn-closed",
    "spf-all-strict-enough",
    "spf-authorises-own-senders",
    "spf-helo-published",
    "spf-lookups-within-limit",
    "spf-no-ptr",
    "spf-not-open-to-all",
    "spf-parked-denies-all",
    "spf-published",
    "spf-range-narrow",
    "spf-single-record",
    "spf-syntax-valid",
    "submission-auth-offered",
    "submission-auth-offered-only-after-tls",
    "submission-auth-refused-in-clear",
    "submission-auth-required",
    "submission-auth-required-for-local",
    "submission-implicit-tls-offered",
    "submission-login-failure-silent",
    "submission-login-works",
    "submission-mechanisms-allowed",
    "submission-mfa-attested",
    "submission-plaintext-session-refused",
    "submission-scram-offered",
    "submission-starttls-offered",
    "submission-wrong-password-refused",
    "tls-ciphers-allowed",
    "tls-ciphers-not-forbidden",
    "tls-ems-negotiated",
    "tls-handshake-completes",
    "tls-key-exchange-strong",
    "tls-legacy-features-off",
    "tls-pq-hybrid-accepted",
    "tls-signature-hash-strong",
    "tls-v13-accepted",
    "tls-version-current",
    "tlsrpt-published",
    "tlsrpt-record-valid",
    "zone-file-valid",
}

AUDITS = load()
SOFTWARE = ("Dovecot", "Exim", "OpenSMTPD", "Postfix", "Sendmail")
each_audit = pytest.mark.parametrize("audit", AUDITS.values(), ids=AUDITS)


def source_of(audit: Audit) -> Path:
    topic, stem = audit.function.__module__.split(".")[-2:]
    return Path(topic, f"{stem}.py")


def test_catalogue_holds_exactly_these_audits() -> None:
    assert set(AUDITS) == IDS


def test_audits_are_sorted_by_id() -> None:
    assert list(AUDITS) == sorted(AUDITS)


def test_every_file_of_the_catalogue_is_an_audit() -> None:
    files = {p.relative_to(SOURCES) for p in SOURCES.rglob("*.py") if p.name != "__init__.py"}
    assert files == {source_of(audit) for audit in AUDITS.values()}


@each_audit
def test_id_is_topic_and_stem(audit: Audit) -> None:
    source = source_of(audit)
    assert audit.id == f"{source.parent}-{source.stem}".replace("_", "-")
    assert audit.id.startswith(f"{audit.topic}-")


@each_audit
def test_documentation_is_complete(audit: Audit) -> None:
    title = audit.documentation.title
    assert title.endswith(".")
    assert len(title) <= 90
    assert title[0].isupper()
    assert "\n" not in title
    assert audit.documentation.rationale.endswith((".", "!", "?", ":"))
    # The terminal shows the first sentence of the remediation alone, whatever software it is about.
    assert not audit.documentation.remediation.startswith((" ", *SOFTWARE))
    assert len(audit.documentation.remediation.split()) >= 5


@each_audit
def test_something_is_referred_to(audit: Audit) -> None:
    assert audit.references
    named = [*map(str, audit.references)]
    assert len(named) == len(set(named))
    assert len(audit.frameworks) == len(set(audit.frameworks))


@each_audit
def test_title_is_of_this_audit_alone(audit: Audit) -> None:
    title = audit.documentation.title
    same = [other.id for other in AUDITS.values() if other.documentation.title == title]
    assert same == [audit.id]


@each_audit
def test_test_file_shows_each_verdict(audit: Audit) -> None:
    source = source_of(audit)
    tests = TESTS / source.parent / f"test_{source.name}"
    assert tests.is_file(), f"{audit.id} has no {tests.relative_to(TESTS.parent)}"
    text = tests.read_text()
    assert "Outcome.PASS" in text
    assert "Outcome.FAIL" in text
    assert "Outcome.UNKNOWN" in text or "Outcome.NOT_APPLICABLE" in text


@each_audit
def test_every_need_is_answered_by_a_kind_of_fact(audit: Audit) -> None:
    assert audit.facts()


@each_audit
def test_parameters_survive_json_and_are_what_their_type_says(audit: Audit) -> None:
    for hint, default in audit.parameters.values():
        written: Any = msgspec.json.decode(msgspec.json.encode(default))
        assert msgspec.convert(written, hint, strict=True) == default
        assert msgspec.json.schema(hint)
    defaults = {name: msgspec.to_builtins(value) for name, (_, value) in audit.parameters.items()}
    rule = Rule(audit.id, True, None, defaults, None, "test:1")
    assert bind(audit, rule) == {name: value for name, (_, value) in audit.parameters.items()}


def test_a_run_keeps_of_an_earlier_one_what_audits_compare_with() -> None:
    compared = {kind_of(fact) for audit in AUDITS.values() for fact in audit.history()}
    assert compared | {kind_of(FleetScope)} == REMEMBERED
