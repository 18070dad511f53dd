"""From results to reports: what every form of one is made from, and those that a run always writes.

Imported when it is needed: a run has servers to wait for until then.
"""

from datetime import datetime
from pathlib import Path

from audits.catalog import load
from audits.cli.compiled import compiled_templates
from audits.cli.judging import Judged, Judgment
from audits.cli.program import command_line
from audits.evidence.run_directory import REPORT, SUMMARY, RunDirectory
from audits.facts.snapshot import Snapshot
from audits.policy_file import builtin_policies
from audits.report.data import encode_summary
from audits.report.html import html_chunks
from audits.report.location import Repository
from audits.report.material import Material
from audits.report.remark import Gate, Remarks
from audits.report.view import ReportView, Run, view
from audits.resources import folder


def reported(
    snapshot: Snapshot,
    judgment: Judgment,
    judged: Judged,
    *,
    ended: datetime,
    complete: bool,
) -> ReportView:
    """The view that every report of a run is made from. complete: it was not cut off."""
    about = _about(snapshot, judgment, ended=ended, complete=complete)
    return view(
        about,
        judged.results,
        snapshot,
        judgment.policy,
        load(),
        judgment.waivers,
        gaps=judged.gaps,
        comparison=judged.comparison,
    )


def remarked(
    snapshot: Snapshot,
    judgment: Judgment,
    judged: Judged,
    gate: Gate,
    *,
    ended: datetime,
    complete: bool,
) -> Remarks:
    """What CI is told of a run."""
    about = _about(snapshot, judgment, ended=ended, complete=complete)
    material = Material(about, judged.results, snapshot, judgment.policy, load(), judgment.waivers)
    shipped = frozenset(f"policies/{name}.yaml" for name in builtin_policies())
    where = Repository(judgment.folder, shipped)
    return Remarks(material, where, gate, judged.comparison, judged.base)


def _about(snapshot: Snapshot, judgment: Judgment, *, ended: datetime, complete: bool) -> Run:
    header = snapshot.header
    return Run(
        id=header.run,
        started=header.as_of,
        ended=ended,
        vantage=header.vantage,
        version=header.version,
        fleet=judgment.fleet,
        command=command_line(),
        complete=complete,
    )


def write_reports(run: RunDirectory, made: ReportView, own: Path | None) -> None:
    """summary.json and report.html; `own` holds the fleet's own templates."""
    run.write(SUMMARY, [encode_summary(made)], end=b"")
    chunks = html_chunks(made, folder("templates"), own, compiled_templates())
    run.write(REPORT, (chunk.encode() for chunk in chunks), end=b"")
