"""What a policy makes services be offered in TLS."""

from typing import Any

from audits.catalog import load
from audits.evaluate.policy import Policy, Rule, tls_questions
from audits.evaluate.verdict import Severity
from audits.facts.tls_offer import TlsQuestions, Version
from audits.parse.tls_names import HYBRIDS
from audits.selector import Selection, read_selection

AUDITS = load()
SOME = read_selection("mx1.example.net")


def rule(
    audit: str, *, enabled: bool = True, scope: Selection | None = None, **params: Any
) -> Rule:
    return Rule(audit, enabled, None, params, scope, "test:1")


def asked(*rules: Rule) -> TlsQuestions:
    return tls_questions(Policy("test", "1", "Test", Severity.HIGH, ("test",), rules), AUDITS)


def test_policy_without_audits_of_tls_asks_nothing() -> None:
    assert asked(rule("mx-published")) == TlsQuestions()


def test_ports_of_senders_and_of_users_are_asked_by_their_own_parameters() -> None:
    found = asked(rule("tls-version-current", mx_min="1.0", msa_min="1.2"))
    assert found.mx.versions == {Version.SSL2, Version.SSL3}
    assert found.msa.versions == {Version.SSL2, Version.SSL3, Version.TLS10, Version.TLS11}


def test_audits_add_up() -> None:
    found = asked(rule("tls-pq-hybrid-accepted"), rule("tls-ems-negotiated"))
    assert found.mx.hybrids == HYBRIDS
    assert found.mx.features


def test_later_rule_for_all_replaces_what_an_earlier_one_asked() -> None:
    assert (
        asked(rule("tls-pq-hybrid-accepted"), rule("tls-pq-hybrid-accepted", enabled=False))
        == TlsQuestions()
    )
    strict = asked(
        rule("tls-version-current"), rule("tls-version-current", mx_min="ssl3", msa_min="ssl3")
    )
    assert strict.mx.versions == {Version.SSL2}


def test_rule_for_some_adds_to_the_one_for_all() -> None:
    found = asked(
        rule("tls-version-current", mx_min="ssl3", msa_min="ssl3"),
        rule("tls-version-current", scope=SOME),
    )
    assert Version.TLS11 in found.mx.versions
    switched_off_for_some = asked(
        rule("tls-pq-hybrid-accepted"),
        rule("tls-pq-hybrid-accepted", enabled=False, scope=SOME),
    )
    assert switched_off_for_some.mx.hybrids == HYBRIDS


def test_required_groups_are_asked_for_and_are_no_longer_forbidden() -> None:
    assert asked(rule("tls-key-exchange-strong")).mx.required == frozenset()
    names = ["secp256r1", "brainpoolP256r1"]
    found = asked(rule("tls-key-exchange-strong", must_offer=names))
    assert found.mx.required == {23, 26}
    assert 26 not in found.mx.groups
    assert 27 in found.mx.groups
