"""dnssec-parameters-strong."""

from datetime import timedelta
from typing import Any

import pytest

from audits.catalog.dnssec.parameters_strong import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import SilentType
from audits.facts.dnssec import HostSecurity, Nsec3Parameters, Signature
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.subject import Domain, MailHost
from tests.build import AS_OF, domain, judge, mx, roles, silent
from tests.catalog.dane.secured import (
    NOT_VALIDATING,
    VALIDATING,
    ds,
    key,
    zone_of_domain,
    zone_of_host,
)

SUBJECT = Domain("example.net")


def _judge(resolver: Any = VALIDATING, params: dict[str, Any] | None = None, **zone: Any) -> Result:
    seen = (domain(), mx((0, ".")), zone_of_domain(**zone), resolver)
    return judge(evaluate, SUBJECT, *seen, **(params or {}))


def _signature(hours: float) -> Signature:
    ends = AS_OF + timedelta(hours=hours)
    return Signature("example.net", "SOA", 13, 4711, "example.net", AS_OF, ends)


def test_current_parameters_pass() -> None:
    none = Nsec3Parameters(1, 0, "")
    result = _judge(nsec3=none, signatures=(_signature(300),), ds=(ds(1), ds(2)))
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("zone", "message", "severity"),
    [
        ({"keys": (key(7, 2048),)}, "key 4711 of example.net is of algorithm 7", Severity.MEDIUM),
        (
            {"keys": (key(8, 1024),)},
            "RSA key 4711 of example.net has 1024 bits, fewer than 2048",
            Severity.MEDIUM,
        ),
        (
            {"ds": (ds(1),)},
            "the DS records of example.net have SHA-1 digests only",
            Severity.MEDIUM,
        ),
        (
            {"nsec3": Nsec3Parameters(1, 10, "")},
            "NSEC3 of example.net has 10 extra iterations, more than 0",
            Severity.MEDIUM,
        ),
        (
            {"nsec3": Nsec3Parameters(1, 0, "aabb")},
            "NSEC3 of example.net has the salt aabb, which helps nobody",
            Severity.LOW,
        ),
        (
            {"signatures": (_signature(300), _signature(20))},
            "the signature over SOA example.net ends in 20 h",
            Severity.MEDIUM,
        ),
        (
            {"signatures": (_signature(-5),)},
            "the signature over SOA example.net ended 5 h ago",
            Severity.MEDIUM,
        ),
    ],
)
def test_weak_parameter_fails(zone: dict[str, Any], message: str, severity: Severity) -> None:
    result = _judge(**zone)
    assert result.outcome is Outcome.FAIL
    assert result.severity is severity
    assert [violation.message for violation in result.violations] == [message]


# MX hosts in a zone of their own.
TARGET = "mx1.example.org"
ELSEWHERE = mx((10, TARGET))


def _with_host(*seen: Fact | Unobserved, **params: Any) -> Result:
    places = (roles(TARGET), zone_of_domain(), VALIDATING)
    return judge(evaluate, SUBJECT, domain(), *places, ELSEWHERE, *seen, **params)


def test_zones_of_mx_hosts_are_judged_too_each_once() -> None:
    weak = zone_of_host(TARGET, name="example.org", keys=(key(7, 2048),))
    result = _with_host(weak)
    assert [v.message for v in result.violations] == ["key 4711 of example.org is of algorithm 7"]
    assert _with_host(weak, scopes=["domain"]).outcome is Outcome.PASS
    assert _with_host(zone_of_host(TARGET, name="example.org")).outcome is Outcome.PASS
    same = zone_of_host(TARGET, name="example.net", keys=(key(7, 2048),))
    assert _with_host(same).outcome is Outcome.PASS


def test_a_signature_over_tlsa_that_ends_soon_fails() -> None:
    ends = AS_OF + timedelta(hours=3)
    name = f"_25._tcp.{TARGET}"
    soon = Signature(name, "TLSA", 13, 4711, "example.org", AS_OF, ends)
    result = _with_host(zone_of_host(TARGET, name="example.org", signatures=(soon,)))
    assert [v.message for v in result.violations] == [f"the signature over TLSA {name} ends in 3 h"]


def test_zone_of_an_mx_host_that_is_silent_is_unknown_and_one_unsigned_is_left_out() -> None:
    lost = silent(HostSecurity, MailHost(TARGET), Reason.DNS_TIMEOUT)
    assert _with_host(lost).outcome is Outcome.UNKNOWN
    unsigned = zone_of_host(TARGET, name="example.org", secure=False)
    assert _with_host(unsigned).outcome is Outcome.PASS


def test_bounds_can_be_tuned() -> None:
    params = {"min_rrsig_h": 12, "max_nsec3_iter": 10, "min_rsa": 1024}
    zone: dict[str, Any] = {
        "signatures": (_signature(20),),
        "nsec3": Nsec3Parameters(1, 10, ""),
        "keys": (key(8, 1024),),
    }
    assert _judge(**zone).outcome is Outcome.FAIL
    assert _judge(params=params, **zone).outcome is Outcome.PASS


def test_keys_that_were_not_answered_are_unknown() -> None:
    missing = SilentType("DNSKEY", Silence(Reason.DNS_TIMEOUT, "no answer"))
    assert _judge(keys=(), silent=(missing,)).outcome is Outcome.UNKNOWN


def test_resolver_that_does_not_validate_is_unknown() -> None:
    assert _judge(NOT_VALIDATING).outcome is Outcome.UNKNOWN


def test_zone_that_nobody_relies_on_is_not_applicable() -> None:
    assert _judge(bogus="SERVFAIL").outcome is Outcome.NOT_APPLICABLE
    assert _judge(secure=False).outcome is Outcome.NOT_APPLICABLE
    assert _judge(secure=False, keys=(key(),)).outcome is Outcome.NOT_APPLICABLE
