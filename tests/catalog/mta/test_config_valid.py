"""mta-config-valid."""

from audits.catalog.mta.config_valid import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.mta import MtaPrograms
from tests.build import judge, roles
from tests.catalog.mta.configured import HOST, of, places


def test_sound_files_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_comment_after_a_value_fails_at_its_line() -> None:
    result = of(evaluate, "smtpd_tls_security_level = may  # opportunistic\n")
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert violation.message == (
        "postfix: `smtpd_tls_security_level = may # opportunistic` is no value of its type"
    )
    assert violation.expected == "one of encrypt, fingerprint, may, none, secure, verify"
    assert places(result) == ["main.cf:9"]


def test_broken_file_fails_with_what_was_expected() -> None:
    result = of(evaluate, master="smtp inet n\n")
    assert result.outcome is Outcome.FAIL
    assert places(result) == ["master.cf:1"]


def test_host_without_programs_does_not_apply() -> None:
    result = judge(evaluate, HOST, roles(HOST.name), MtaPrograms(HOST, ()))
    assert result.outcome is Outcome.NOT_APPLICABLE
