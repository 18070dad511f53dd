"""dkim-key-long-enough."""

import pytest
from msgspec.structs import replace

from audits.catalog.dkim.key_long_enough import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import DkimKeys, DkimSelector
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import (
    SUBJECT,
    dkim,
    ed25519_text,
    rsa_text,
    selector,
    silent_selector,
)


def of_bits(bits: int) -> DkimSelector:
    """A selector whose RSA key has as many bits, without the time that making one would take."""
    whole = selector("s1", rsa_text())
    return replace(whole, keys=(replace(whole.keys[0], bits=bits),))


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_long_key_passes(bits: int) -> None:
    assert judge(evaluate, SUBJECT, domain(), dkim(of_bits(bits))).outcome is Outcome.PASS


def test_ed25519_key_passes() -> None:
    keys = dkim(selector("e1", ed25519_text()))
    assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("bits", "severity"),
    [
        (512, Severity.CRITICAL),
        (1023, Severity.CRITICAL),
        (1024, Severity.HIGH),
        (2047, Severity.HIGH),
        (8192, Severity.MEDIUM),
    ],
)
def test_key_out_of_range_fails_by_how_far(bits: int, severity: Severity) -> None:
    result = judge(evaluate, SUBJECT, domain(), dkim(of_bits(bits)))
    assert result.outcome is Outcome.FAIL
    assert result.severity is severity
    assert result.violations[0].message == f"selector s1 has an RSA key of {bits} bits"


def test_bits_are_those_of_the_modulus() -> None:
    keys = dkim(selector("s1", rsa_text(1024)))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.violations[0].message == "selector s1 has an RSA key of 1024 bits"
    assert judge(evaluate, SUBJECT, domain(), keys, min_rsa_bits=1024).outcome is Outcome.PASS


def test_no_key_that_could_be_read_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1")), dkim(selector("s1", "p=?"))):
        result = judge(evaluate, SUBJECT, domain(), keys)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_selector_is_unknown_unless_another_is_short() -> None:
    half = dkim(of_bits(2048), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), half).outcome is Outcome.UNKNOWN
    short = dkim(of_bits(1024), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), short).outcome is Outcome.FAIL


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
