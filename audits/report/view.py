"""A run as every human report shows it: one view, sorted, counted and safe to print."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from audits.evaluate.audit import Audit
from audits.evaluate.comparison import Comparison
from audits.evaluate.coverage import NotCovered
from audits.evaluate.policy import Policy
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.evaluate.waiver import Waiver
from audits.facts.declared import FleetScope
from audits.facts.snapshot import Snapshot
from audits.report.anchor import Owner
from audits.report.finding import Finding, findings
from audits.report.material import Material, Run
from audits.report.matrix import Matrix, matrix
from audits.report.record import (
    CertificateLine,
    ErrorLine,
    Inapplicable,
    MethodLine,
    WaiverLine,
    certificate_lines,
    error_lines,
    inapplicable,
    method_lines,
    switched_off,
    vantage_lines,
    waiver_lines,
)
from audits.report.review import ChangeSheet, Reviewed, change_sheet, reviewed
from audits.report.sanitise import visible
from audits.report.sheet import (
    Foreign,
    SharedWays,
    Sheet,
    foreign_hosts,
    shared_ways,
    sheets,
)
from audits.report.silence import Layer, layers
from audits.report.words import OUTCOMES, counted, listed, number, span
from audits.subject import Domain, MailHost, sort_key

__all__ = ["Conclusion", "ReportView", "Run", "view"]


class Conclusion(StrEnum):
    """What a run says of the fleet. INCOMPLETE: nothing failed, but not everything was seen."""

    COMPLIANT = "compliant"
    NOT_COMPLIANT = "not-compliant"
    INCOMPLETE = "incomplete"

    @property
    def words(self) -> str:
        return {"compliant": "Compliant", "not-compliant": "Not compliant"}.get(self, "Incomplete")


class OutcomeCount(Struct, frozen=True):
    """How many results came to one outcome; shown: the number as it is written."""

    outcome: Outcome
    word: str
    count: int
    shown: str


class SeverityCount(Struct, frozen=True):
    """Failures of one severity. waived: those that a waiver covers; before = failed + waived."""

    severity: Severity
    before: int
    failed: int
    waived: int
    gates: bool


class Population(Struct, frozen=True):
    """All hosts or all domains of the inventory, reconciled.

    declared = assessed + in_part + unseen + idle + left_out. assessed: every audit decided.
    in_part: some undecided. unseen: all undecided. idle: no audit applies.
    left_out: not in this run, by `--limit`. failing: with a failure.
    """

    noun: str
    declared: int
    assessed: int
    in_part: int
    unseen: int
    idle: int
    left_out: int
    failing: int
    sentence: str


class Entry(Struct, frozen=True):
    """A line of the table of contents; count: empty where there is nothing to count."""

    text: str
    anchor: str
    count: str


class ReportView(Struct, frozen=True):
    """Everything that a report prints. All text is visible text; escaping is the renderer's.

    sentence: the verdict's reasons; basis: what the policy counts. tone: the outcome whose colour
    and sign stand for the conclusion. tally: counts by outcome in one line. grouped: how many
    failures the findings stand for.
    """

    run: Run
    when: str
    policy: str
    policy_title: str
    policy_sources: tuple[str, ...]
    gate: Severity
    conclusion: Conclusion
    sentence: str
    basis: str
    tone: Outcome
    contents: tuple[Entry, ...]
    total: int
    total_words: str
    tally: str
    outcomes: tuple[OutcomeCount, ...]
    severities: tuple[SeverityCount, ...]
    hosts: Population
    domains: Population
    limit: str | None
    vantage: tuple[str, ...]
    audits: int
    host_matrix: Matrix
    domain_matrix: Matrix
    findings: tuple[Finding, ...]
    grouped: str
    layers: tuple[Layer, ...]
    waivers: tuple[WaiverLine, ...]
    errors: tuple[ErrorLine, ...]
    inapplicable: tuple[Inapplicable, ...]
    method: tuple[MethodLine, ...]
    switched_off: tuple[str, ...]
    certificates: tuple[CertificateLine, ...]
    host_sheets: tuple[Sheet, ...]
    domain_sheets: tuple[Sheet, ...]
    shared_ways: tuple[SharedWays, ...]
    foreign: tuple[Foreign, ...]
    reviewed: Reviewed | None
    change: ChangeSheet | None

    def count(self, outcome: Outcome) -> int:
        return next(c.count for c in self.outcomes if c.outcome is outcome)


def view(
    run: Run,
    results: Sequence[Result],
    snapshot: Snapshot,
    policy: Policy,
    audits: Mapping[str, Audit],
    waivers: Sequence[Waiver] = (),
    *,
    gaps: Sequence[NotCovered] = (),
    comparison: Comparison | None = None,
) -> ReportView:
    """The view of one run. Results may come in any order; the same input gives the same view.

    gaps: what files under review can't show. comparison: with the base of a change.
    """
    ordered = sorted(results, key=lambda r: (sort_key(r.subject), r.audit))
    material = Material(run, ordered, snapshot, policy, audits, waivers)
    counts = Counter(result.outcome for result in ordered)
    hosts, domains = _population(material, MailHost), _population(material, Domain)
    severities = _severities(material)
    conclusion = _conclusion(run, counts, severities)
    found, places = findings(material)
    drawn = sum(1 for f in found for i in f.full if i.figure is not None)
    host_sheets, drawn = sheets(material, MailHost, places, drawn)
    domain_sheets, drawn = sheets(material, Domain, places, drawn)
    scope = snapshot.fact(FleetScope, snapshot.vantage)
    silent, waived = layers(material), waiver_lines(material)
    files = reviewed(snapshot, gaps)
    outcomes = tuple(OutcomeCount(o, w, counts[o], number(counts[o])) for o, w in OUTCOMES.items())
    return ReportView(
        run=_clean(run),
        when=span(run.started, run.ended),
        policy=visible(f"{policy.name} {policy.version}".strip()),
        policy_title=visible(policy.title),
        policy_sources=tuple(map(visible, policy.sources)) if len(policy.sources) > 1 else (),
        gate=policy.gate,
        conclusion=conclusion,
        sentence=_sentence(conclusion, run, counts, severities, hosts, domains)
        + (" This speaks of the files under review alone." if files and not files.live else ""),
        basis=f"The policy counts failures of severity {policy.gate} and above against the fleet.",
        tone=_TONES[conclusion],
        contents=_contents(len(found), counts, len(waived), files, comparison is not None),
        total=len(ordered),
        total_words=f"{counted(len(ordered), 'result')}:",
        tally=", ".join(f"{c.shown} {c.word}" for c in outcomes if c.count),
        outcomes=outcomes,
        severities=severities,
        hosts=hosts,
        domains=domains,
        limit=visible(scope.limit) if scope is not None and scope.limit else None,
        vantage=vantage_lines(material),
        audits=len(policy.audit_ids()),
        host_matrix=_matrix(material, MailHost),
        domain_matrix=_matrix(material, Domain),
        findings=found,
        grouped=_grouped(counts[Outcome.FAIL], len(found)),
        layers=silent,
        waivers=waived,
        errors=error_lines(material),
        inapplicable=inapplicable(material),
        method=method_lines(material),
        switched_off=switched_off(material),
        certificates=certificate_lines(material),
        host_sheets=host_sheets,
        domain_sheets=domain_sheets,
        shared_ways=shared_ways(material, drawn),
        foreign=foreign_hosts(material),
        reviewed=files,
        change=change_sheet(comparison) if comparison is not None else None,
    )


_TONES = {
    Conclusion.COMPLIANT: Outcome.PASS,
    Conclusion.NOT_COMPLIANT: Outcome.FAIL,
    Conclusion.INCOMPLETE: Outcome.UNKNOWN,
}


def _grouped(failures: int, findings: int) -> str:
    if not failures:
        return "No audit failed."
    if failures == findings:
        return f"{counted(failures, 'failure')}, gravest first."
    said = f"{counted(failures, 'failure')} in {counted(findings, 'finding')}, gravest first"
    return f"{said}: what fails one audit in the same words is one finding."


def _contents(
    findings: int,
    counts: Mapping[Outcome, int],
    waivers: int,
    files: Reviewed | None,
    changed: bool,
) -> tuple[Entry, ...]:
    entries = [
        ("Verdict", "verdict", 0),
        ("Scope and population", "scope", 0),
        ("Areas", "areas", 0),
        ("Findings", "findings", findings),
        ("Unknown", "unknown", counts[Outcome.UNKNOWN]),
        ("Waivers", "waivers", waivers),
        ("Certificates", "certificates", 0),
        ("Hosts", "hosts", 0),
        ("Domains", "domains", 0),
        ("Method", "method", 0),
    ]
    if counts[Outcome.ERROR]:
        entries.insert(6, ("Errors", "errors", counts[Outcome.ERROR]))
    if changed:
        entries.insert(1, ("The change", "change", 0))
    if files is not None:
        entries.insert(1, ("Under review", "review", 0))
    return tuple(Entry(text, anchor, number(n) if n else "") for text, anchor, n in entries)


def _clean(run: Run) -> Run:
    return Run(
        visible(run.id),
        run.started,
        run.ended,
        visible(run.vantage),
        visible(run.version),
        visible(run.fleet),
        visible(run.command, 2000),
        run.complete,
    )


def _matrix(material: Material, kind: type[Owner]) -> Matrix:
    owners = material.owners(kind)
    return matrix(
        material.topics,
        {owner: material.by_owner[owner] for owner in owners if owner in material.sheets},
        [owner for owner in owners if owner not in material.sheets],
    )


def _population(material: Material, kind: type[Owner]) -> Population:
    owners = material.owners(kind)
    found = Counter(_seen(material.by_owner[owner]) for owner in owners)
    failing = sum(
        any(r.outcome is Outcome.FAIL for r in material.by_owner[owner]) for owner in owners
    )
    left_out = 0
    if kind is MailHost:
        scope = material.snapshot.fact(FleetScope, material.snapshot.vantage)
        here = {owner.name for owner in owners}
        left_out = sum(name not in here for name in scope.hosts) if scope is not None else 0
    noun = "host" if kind is MailHost else "domain"
    declared = len(owners) + left_out
    parts = [
        (found["in part"], "in part"),
        (found["unseen"], "unknown"),
        (found["idle"], "with nothing to audit"),
        (left_out, "left out by the limit"),
    ]
    rest = [f"{number(count)} {words}" for count, words in parts if count]
    sentence = ", ".join([f"{number(found['assessed'])} of {number(declared)} assessed", *rest])
    return Population(
        noun,
        declared,
        found["assessed"],
        found["in part"],
        found["unseen"],
        found["idle"],
        left_out,
        failing,
        sentence,
    )


def _seen(results: Sequence[Result]) -> str:
    """How far one subject was seen."""
    counts = Counter(r.outcome for r in results)
    open_ = counts[Outcome.UNKNOWN] + counts[Outcome.ERROR]
    decided = counts[Outcome.PASS] + counts[Outcome.FAIL] + counts[Outcome.WAIVED]
    if not open_ and not decided:
        return "idle"
    if not decided:
        return "unseen"
    return "in part" if open_ else "assessed"


def _severities(material: Material) -> tuple[SeverityCount, ...]:
    failed = Counter(r.severity for r in material.results if r.outcome is Outcome.FAIL)
    waived = Counter(r.severity for r in material.results if r.outcome is Outcome.WAIVED)
    return tuple(
        SeverityCount(
            s, failed[s] + waived[s], failed[s], waived[s], s.rank >= material.policy.gate.rank
        )
        for s in reversed(Severity)
    )


def _conclusion(
    run: Run, counts: Mapping[Outcome, int], severities: Sequence[SeverityCount]
) -> Conclusion:
    if any(s.failed for s in severities if s.gates):
        return Conclusion.NOT_COMPLIANT
    judged = sum(counts.values()) - counts[Outcome.NOT_APPLICABLE]
    if not run.complete or not judged or counts[Outcome.UNKNOWN] or counts[Outcome.ERROR]:
        return Conclusion.INCOMPLETE
    return Conclusion.COMPLIANT


def _sentence(
    conclusion: Conclusion,
    run: Run,
    counts: Mapping[Outcome, int],
    severities: Sequence[SeverityCount],
    hosts: Population,
    domains: Population,
) -> str:
    grave = [f"{number(s.failed)} {s.severity}" for s in severities if s.gates and s.failed]
    mild = sum(s.failed for s in severities if not s.gates)
    places = listed(
        [
            f"{number(p.failing)} of {counted(p.declared, p.noun)}"
            for p in (hosts, domains)
            if p.failing
        ]
    )
    below = counted(mild, "milder failure") if mild else ""
    said: list[str] = []
    match conclusion:
        case Conclusion.NOT_COMPLIANT:
            one = len(grave) == 1 and grave[0].startswith("1 ")
            said.append(f"{listed(grave)} {'failure' if one else 'failures'} on {places}.")
            if below:
                said.append(f"Besides, {below}.")
        case Conclusion.INCOMPLETE:
            said.append("Nothing that was seen counts against the fleet, but not all was seen.")
            if below:
                said.append(f"There {'is' if mild == 1 else 'are'} {below}.")
        case Conclusion.COMPLIANT:
            judged = sum(counts.values()) - counts[Outcome.NOT_APPLICABLE]
            said.append(f"{counted(judged, 'result')}, and none counts against the fleet.")
            if below:
                said.append(f"There {'is' if mild == 1 else 'are'} {below}, on {places}.")
        case _:
            assert_never(conclusion)
    if not sum(counts.values()):
        said.append("Nothing was audited.")
    if counts[Outcome.UNKNOWN]:
        said.append(f"{counted(counts[Outcome.UNKNOWN], 'result')} could not be observed.")
    if counts[Outcome.ERROR]:
        said.append(f"{counted(counts[Outcome.ERROR], 'audit')} broke.")
    if not run.complete:
        said.append("The run was cut off before it was complete.")
    return " ".join(said)
