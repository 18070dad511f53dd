"""The engine: needs, outcomes, evidence, waivers."""

import sys
from collections.abc import Callable
from datetime import date
from types import ModuleType

import pytest

from audits.evaluate.audit import AsOf, Audit, EachAddress, EachMx, audit
from audits.evaluate.engine import evaluate
from audits.evaluate.policy import Policy, Rule
from audits.evaluate.result import decode_results, encode_result
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Outcome,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.evaluate.waiver import Waiver
from audits.facts.declared import DeclaredDomain, HostRoles
from audits.facts.dns import HostAddresses, MxSet, PtrNames
from audits.facts.fact import Observation, Reason, Step, Unobserved
from audits.facts.smtp import Greeting
from audits.selector import read_selection
from audits.subject import Domain, MailHost, Service
from tests.build import (
    addresses,
    domain,
    host,
    judge,
    mx,
    policy,
    reply,
    roles,
    silent,
    snapshot,
)

NET = Domain("example.net")
TWO = mx((10, "mx1.example.net"), (20, "mx2.example.net"))
DOCUMENTED = "It is so.\n\n## Rationale\nBecause.\n\n## Remediation\nDo it.\n"


def make(function: Callable[..., Verdict], to: Target, severity: Severity = Severity.HIGH) -> Audit:
    """An audit of a function that stands in this file, as if in `catalog/test/it.py`."""
    module = ModuleType("made.test.it")
    module.__doc__ = DOCUMENTED
    sys.modules["made.test.it"] = module
    function.__module__ = "made.test.it"
    return audit(to=to, severity=severity, references=())(function)


def lowest(mx: MxSet) -> Verdict:
    return Pass((cite(mx, "/records/0/exchange"),))


def test_observed_need_reaches_the_audit() -> None:
    result = judge(make(lowest, Target.DOMAIN), NET, domain(), TWO)
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "mx1.example.net"
    assert result.step is Step.MX


@pytest.mark.parametrize("reason", [r for r in Reason if not r.nothing_there])
def test_silent_need_is_unknown_with_its_reason(reason: Reason) -> None:
    result = judge(make(lowest, Target.DOMAIN), NET, domain(), silent(MxSet, NET, reason, "words"))
    assert result.outcome is Outcome.UNKNOWN
    assert (result.unknown[0].reason, result.unknown[0].detail) == (reason, "words")


@pytest.mark.parametrize("reason", [r for r in Reason if r.nothing_there])
def test_need_of_which_there_is_nothing_does_not_apply(reason: Reason) -> None:
    result = judge(make(lowest, Target.DOMAIN), NET, domain(), silent(MxSet, NET, reason, "words"))
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.note == "words"


def test_need_that_was_never_asked_for_is_unknown() -> None:
    result = judge(make(lowest, Target.DOMAIN), NET, domain())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.NOT_COLLECTED


def test_domain_outside_the_target_is_not_applicable() -> None:
    result = judge(make(lowest, Target.PARKED_DOMAIN), NET, domain(), TWO)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "parked" in (result.note or "")


def each(hosts: EachMx[HostAddresses]) -> Verdict:
    for one in hosts:
        if not one.addresses:
            return Fail((Violation("no address", (cite(one, "/addresses"),)),))
    return Pass(tuple(cite(one, "/addresses") for one in hosts))


def test_half_seen_group_can_fail_but_not_pass() -> None:
    judged = make(each, Target.DOMAIN)
    quiet = silent(HostAddresses, MailHost("mx2.example.net"), Reason.DNS_TIMEOUT)
    good = addresses("mx1.example.net", "192.0.2.10")
    assert judge(judged, NET, domain(), TWO, good, quiet).outcome is Outcome.UNKNOWN
    assert judge(judged, NET, domain(), TWO, addresses(), quiet).outcome is Outcome.FAIL
    both = addresses("mx2.example.net", "192.0.2.11")
    assert judge(judged, NET, domain(), TWO, good, both).outcome is Outcome.PASS


def test_silence_behind_several_groups_is_told_once() -> None:
    def both(hosts: EachMx[HostAddresses], greetings: EachMx[Greeting]) -> Verdict:
        return NotApplicable("never called")

    result = judge(
        make(both, Target.DOMAIN), NET, domain(), silent(MxSet, NET, Reason.SERVFAIL, "words")
    )
    assert result.outcome is Outcome.UNKNOWN
    assert [unseen.detail for unseen in result.unknown] == ["words"]


def test_group_of_which_nothing_is_to_be_seen_is_not_applicable() -> None:
    gone = [
        silent(HostAddresses, MailHost(f"mx{n}.example.net"), Reason.SKIPPED, "not ours")
        for n in (1, 2)
    ]
    result = judge(make(each, Target.DOMAIN), NET, domain(), TWO, *gone)
    assert (result.outcome, result.note) == (Outcome.NOT_APPLICABLE, "not ours")


def test_audit_may_judge_the_silence_itself() -> None:
    def raw(mx: Observation[MxSet]) -> Verdict:
        assert isinstance(mx, Unobserved)
        return Undecided(mx.reason, "as it said")

    result = judge(
        make(raw, Target.DOMAIN), NET, domain(), silent(MxSet, NET, Reason.SERVFAIL, "words")
    )
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "as it said"


def test_service_audit_sees_the_host_it_stands_on_and_the_time() -> None:
    def look(greeting: Greeting, host: HostRoles, now: AsOf) -> Verdict:
        assert host.subject == MailHost("mx1.example.net")
        assert now.at.year == 2026
        return Pass((cite(greeting, "/name"),))

    service = Service("mx1.example.net", "192.0.2.10", 25)
    greeting = Greeting(service, reply(220, "mx1.example.net"), "mx1.example.net")
    result = judge(make(look, Target.MX_SERVICE), service, host(), roles(), greeting)
    assert result.outcome is Outcome.PASS


def test_audit_that_breaks_costs_its_own_result_only() -> None:
    def breaks(mx: MxSet) -> Verdict:
        raise ValueError(mx.records[0].exchange)

    result = judge(make(breaks, Target.DOMAIN), NET, domain(), TWO)
    assert result.outcome is Outcome.ERROR
    assert "ValueError: mx1.example.net" in (result.note or "")


@pytest.mark.parametrize(
    "verdict",
    [
        Pass(()),
        Fail(()),
        Fail((Violation("bare", ()),)),
        Pass((Evidence("dns.mx", NET, "/records/9", "x", Step.MX),)),
        Pass((Evidence("dns.mx", Domain("other.example"), "/records", "x", Step.MX),)),
    ],
)
def test_verdict_without_evidence_that_resolves_is_an_error(verdict: Verdict) -> None:
    def claims(mx: MxSet) -> Verdict:
        return verdict

    assert judge(make(claims, Target.DOMAIN), NET, domain(), TWO).outcome is Outcome.ERROR


def test_milder_violation_makes_a_milder_result() -> None:
    def warns(mx: MxSet) -> Verdict:
        return Fail((Violation("a trifle", (cite(mx, "/records"),), Severity.LOW),))

    assert judge(make(warns, Target.DOMAIN), NET, domain(), TWO).severity is Severity.LOW
    graver = make(warns, Target.DOMAIN, Severity.INFO)
    assert judge(graver, NET, domain(), TWO).severity is Severity.INFO


def never(mx: MxSet) -> Verdict:
    return Fail((Violation("never good", (cite(mx, "/records"),)),))


def waiver(approved_on: date, expires: date) -> Waiver:
    scope = read_selection("example.net")
    return Waiver(
        "W-1", "test-it", scope, "r", "r", "o", "a", approved_on, expires, None, "waivers.yaml:1"
    )


@pytest.mark.parametrize(
    ("approved_on", "expires", "outcome", "note"),
    [
        (date(2026, 1, 1), date(2026, 11, 23), Outcome.WAIVED, None),
        (date(2026, 1, 1), date(2026, 11, 22), Outcome.FAIL, "lapsed after 2026-11-22"),
        (date(2026, 11, 23), date(2026, 12, 1), Outcome.WAIVED, None),
        (date(2026, 11, 24), date(2026, 12, 1), Outcome.FAIL, "begins only on 2026-11-24"),
    ],
)
def test_waiver_covers_from_approval_to_its_last_day(
    approved_on: date, expires: date, outcome: Outcome, note: str | None
) -> None:
    judged = make(never, Target.DOMAIN)
    results = list(
        evaluate(
            snapshot(domain(), TWO),
            policy([judged]),
            {judged.id: judged},
            [waiver(approved_on, expires)],
        )
    )
    assert [result.outcome for result in results] == [outcome]
    assert (note is None) or (note in (results[0].note or ""))


def test_waiver_never_covers_the_unknown() -> None:
    judged = make(never, Target.DOMAIN)
    quiet = silent(MxSet, NET, Reason.DNS_TIMEOUT)
    results = list(
        evaluate(
            snapshot(domain(), quiet),
            policy([judged]),
            {judged.id: judged},
            [waiver(date(2026, 1, 1), date(2026, 12, 1))],
        )
    )
    assert results[0].outcome is Outcome.UNKNOWN


def test_last_rule_that_covers_a_subject_governs() -> None:
    judged = make(never, Target.DOMAIN)
    rules = (
        Rule(judged.id, True, None, {}, None, "p:1"),
        Rule(judged.id, True, Severity.LOW, {}, read_selection("group:lab"), "p:2"),
        Rule(judged.id, False, None, {}, read_selection("domain:quiet.example"), "p:3"),
    )
    scoped = Policy("p", "1", "P", Severity.HIGH, (), rules)
    seen = snapshot(
        domain(),
        TWO,
        domain("lab.example", groups=("lab",)),
        mx((1, "a.example"), name="lab.example"),
        domain("quiet.example"),
    )
    found = {str(r.subject): r.severity for r in evaluate(seen, scoped, {judged.id: judged})}
    assert found == {"example.net": Severity.HIGH, "lab.example": Severity.LOW}


def test_result_survives_its_line() -> None:
    judged = make(never, Target.DOMAIN)
    result = judge(judged, NET, domain(), TWO)
    assert list(decode_results([encode_result(result)], "results.jsonl")) == [result]


def fails_at_import(function: Callable[..., Verdict], to: Target, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        make(function, to)


def test_signature_of_another_form_is_refused_by_module_and_parameter() -> None:
    def untyped(mx) -> Verdict:  # type: ignore[no-untyped-def]  # that is the fault
        return NotApplicable("")

    def foreign(mx: int) -> Verdict:
        return NotApplicable("")

    def unreachable(mx: MxSet, ptr: EachAddress[PtrNames]) -> Verdict:
        return NotApplicable("")

    def untunable(mx: MxSet, *, limit: int) -> Verdict:
        return NotApplicable("")

    def other(declared: DeclaredDomain) -> Verdict:
        return NotApplicable("")

    fails_at_import(untyped, Target.DOMAIN, r"made\.test\.it: parameter 'mx' has no type")
    fails_at_import(foreign, Target.DOMAIN, "parameter 'mx': found <class 'int'>")
    fails_at_import(unreachable, Target.DOMAIN, "parameter 'ptr': EachAddress of PtrNames")
    fails_at_import(untunable, Target.DOMAIN, "parameter 'limit' may be tuned")
    fails_at_import(other, Target.MX_HOST, "DeclaredDomain is not found from a MailHost")
