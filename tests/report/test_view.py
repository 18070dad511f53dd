"""Counting, sorting and grouping, before anything is printed."""

import time
from datetime import timedelta

import pytest
from msgspec.structs import replace

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence, Outcome, Severity, Violation
from audits.facts.fact import Step
from audits.report.finding import stage
from audits.report.view import Conclusion, view
from audits.subject import Domain, MailHost
from tests.report import fleet


def test_every_result_is_counted_once() -> None:
    results = fleet.results()
    made = fleet.whole()
    assert made.total == len(results) == sum(count.count for count in made.outcomes)


def test_order_of_results_does_not_matter() -> None:
    assert fleet.whole() == fleet.whole(found=reversed(fleet.results()))


def test_failure_at_the_gate_is_not_compliant() -> None:
    assert fleet.whole().conclusion is Conclusion.NOT_COMPLIANT


def test_unknown_alone_is_incomplete() -> None:
    left = [r for r in fleet.results() if r.outcome is not Outcome.FAIL]
    made = fleet.whole(found=left)
    assert made.conclusion is Conclusion.INCOMPLETE
    assert "could not be observed" in made.sentence


def test_failure_below_the_gate_is_compliant_and_named() -> None:
    mild = fleet.failed(
        fleet.SPF, Domain("example.net"), "soft", "dns.mx", "", "x", severity=Severity.LOW
    )
    made = fleet.whole(found=[mild])
    assert made.conclusion is Conclusion.COMPLIANT
    assert "1 milder failure" in made.sentence


def test_nothing_audited_is_never_compliant() -> None:
    assert fleet.whole(found=[]).conclusion is Conclusion.INCOMPLETE


def test_run_that_was_cut_off_is_never_compliant() -> None:
    passed = [r for r in fleet.results() if r.outcome is Outcome.PASS]
    run = replace(fleet.RUN, complete=False)
    made = view(run, passed, fleet.snapshot(), fleet.POLICY, fleet.AUDITS)
    assert made.conclusion is Conclusion.INCOMPLETE
    assert "cut off" in made.sentence


def test_population_is_reconciled() -> None:
    made = fleet.whole()
    for population in (made.hosts, made.domains):
        parts = (
            population.assessed,
            population.in_part,
            population.unseen,
            population.idle,
            population.left_out,
        )
        assert population.declared == sum(parts)
    assert made.hosts.left_out == 1


def test_equal_failures_of_several_subjects_are_one_finding() -> None:
    found = [f for f in fleet.whole().findings if f.audit == "dmarc-published"]
    assert [(f.headline, f.sentence) for f in found] == [
        ("2 domains", "no DMARC record at _dmarc.<domain>")
    ]


def test_failures_in_too_many_words_are_one_finding_with_rows() -> None:
    (finding,) = fleet.large(100, different=True).findings
    assert finding.headline == "90 domains"
    assert finding.rows[0].seen[0].message == "no record, try 1"
    assert len(finding.rows) + len(finding.names) == 90


def test_gravest_finding_comes_first() -> None:
    severities = [finding.severity.rank for finding in fleet.whole().findings]
    assert severities == sorted(severities, reverse=True)


def test_path_of_a_finding_breaks_at_its_step() -> None:
    drawn = fleet.whole().findings[0].full[0].figure
    assert drawn is not None
    marks = {stop.step: stop.mark for stop in drawn.stops}
    assert marks[Step.MAIL] == "done"
    assert marks[Step.RCPT] == "broken"
    assert marks[Step.DATA] == marks[Step.QUIT] == "beyond"
    assert "RCPT broken here, 250" in drawn.description


def test_relay_on_port_25_shows_mail_and_rcpt() -> None:
    found = fleet.failed(fleet.RELAY, fleet.MX2, "relays", "relay.probes", "", "250 Ok", Step.RCPT)
    drawn = fleet.whole(found=[found]).findings[0].full[0].figure
    assert drawn is not None
    labels = [stop.label for stop in drawn.stops]
    assert labels == [
        "TCP 25", "greeting", "EHLO", "STARTTLS", "TLS", "MAIL", "RCPT", "DATA", "QUIT",
    ]  # fmt: skip


def test_two_paths_may_stand_on_two_pages() -> None:
    found = [
        fleet.failed(fleet.RELAY, service, "relays", "relay.probes", "", "250 Ok", Step.RCPT)
        for service in (fleet.MX1, fleet.MX2)
    ]
    (alone,) = fleet.whole(found=found[:1]).findings
    (both,) = fleet.whole(found=found).findings
    assert (len(alone.full), alone.long) == (1, False)
    assert (len(both.full), both.long) == (2, True)


def test_remedy_stands_in_full_with_the_first_finding_of_an_audit() -> None:
    found = [
        fleet.failed(fleet.SPF, Domain("example.net"), f"said {n}", "dns.mx", "", "x", severity=s)
        for n, s in enumerate((Severity.HIGH, Severity.LOW))
    ]
    first, second = fleet.whole(found=found).findings
    assert (first.remedy_at, second.remedy_at) == ("", first.anchor)


def test_pointers_into_one_fact_are_named_once() -> None:
    failed = fleet.failed(fleet.SPF, Domain("example.net"), "no", "dns.mx", "/records", "a")
    (violation,) = failed.violations
    (one,) = violation.evidence
    twice = replace(violation, evidence=(one, replace(one, pointer="/name", quote="b")))
    (finding,) = fleet.whole(found=[replace(failed, violations=(twice,))]).findings
    assert [(quote.text, quote.source) for quote in finding.full[0].seen[0].quotes] == [
        ("a", ""),
        ("b", "facts.jsonl, dns.mx of example.net, /records, /name"),
    ]


def test_way_that_broke_is_not_whole() -> None:
    ways = {way.label: way for sheet in fleet.whole().host_sheets for way in sheet.paths}
    assert ways["port 25, 192.0.2.10"].whole
    assert ways["port 25, 192.0.2.10"].answers.startswith("TCP 25 21 ms → greeting 220 → EHLO 250")
    assert not ways["port 25, 203.0.113.25"].whole


def test_unknowns_are_grouped_by_layer_with_the_command_to_ask_again() -> None:
    throttled = next(x for x in fleet.whole().layers if x.reason == "throttled")
    assert throttled.results == 2
    assert throttled.full[0].said == ("421 4.7.0 Too many connections",)
    assert throttled.full[0].again == "mailproof run -l backup.example.org"


def test_name_from_outside_is_quoted_in_a_command() -> None:
    subject = Domain("a;reboot.example")
    (seen,) = (r for r in fleet.results() if r.audit == "spf-published" and r.unknown)
    unseen = replace(seen.unknown[0], subject=subject)
    found: list[Result] = [replace(seen, subject=subject, unknown=(unseen,))]
    (layer,) = fleet.whole(found=found).layers
    assert layer.full[0].again == "mailproof run -l 'a;reboot.example'"


def test_waivers_say_how_they_stand() -> None:
    standing = {waiver.id: waiver.standing for waiver in fleet.whole().waivers}
    assert standing == {
        "customer-leaves": "expiring",
        "old-certificate": "lapsed",
        "never-needed": "unused",
    }


@pytest.mark.parametrize(("days", "standing"), [(0, "expiring"), (-1, "lapsed")])
def test_waiver_holds_until_the_end_of_its_last_day(days: int, standing: str) -> None:
    last = (fleet.AS_OF + timedelta(days=days)).date()
    waiver = replace(fleet.WAIVERS[0], expires=last)
    made = view(
        fleet.RUN, fleet.results(), fleet.snapshot(), fleet.POLICY, fleet.AUDITS, [waiver]
    )  # fmt: skip
    assert made.waivers[0].standing == standing


def test_host_outside_the_inventory_is_somebody_elses() -> None:
    made = fleet.whole()
    assert [host.name for host in made.foreign] == ["in.filter.example"]
    assert all(sheet.name != "in.filter.example" for sheet in made.host_sheets)


def test_cells_count_the_worst_outcome_of_those_that_apply() -> None:
    made = fleet.whole().host_matrix
    first = made.rows[0]
    cells = dict(zip(made.areas, first.cells, strict=True))
    assert first.name.text == "mx2.example.net"
    assert (cells["Relay"].outcome, cells["Relay"].label) == (Outcome.FAIL, "1 of 2")


def test_parameters_in_force_stand_in_the_method() -> None:
    line = next(x for x in fleet.whole().method if x.audit == "cert-in-validity")
    assert [(r.scope, r.severity, r.parameters[0]) for r in line.rules] == [
        ("everybody", Severity.HIGH, "tries = 2"),
        ("role:mx", Severity.CRITICAL, "tries = 3"),
    ]


def test_services_share_one_line_for_one_certificate() -> None:
    lines = {line.names[0]: line for line in fleet.whole().certificates}
    assert len(lines["mx1.example.net"].services) == 2
    assert lines["mx2.example.net"].left == "expired 4 days ago"


def test_time_grows_with_the_domains_and_no_faster() -> None:
    def seconds(domains: int) -> float:
        started = time.process_time()
        fleet.large(domains)
        return time.process_time() - started

    seconds(50)
    assert seconds(2000) < 10 * max(seconds(500), 0.05)


def test_result_of_a_configuration_is_at_no_step_of_the_loop() -> None:
    host = MailHost("mx1.example.net")
    evidence = Evidence("mta.listeners", host, "/listeners/0", "permit", Step.RCPT)
    failed = fleet.result(
        fleet.GREETING,
        host,
        Outcome.FAIL,
        violations=(Violation("relays", (evidence,)),),
        step=Step.RCPT,
    )
    assert stage(failed) == "in the configuration"
    spoken = replace(evidence, kind="smtp.greeting")
    wire = replace(failed, violations=(Violation("relays", (spoken,)),))
    assert stage(wire) == "at step rcpt"
