"""The summary of a run as data: `summary.json`, schema `mailproof/summary/v1`."""

from typing import Any, Final

import msgspec

from audits.report.matrix import WORST_FIRST
from audits.report.view import Population, ReportView

SCHEMA: Final = "mailproof/summary/v1"


def summary(view: ReportView) -> dict[str, Any]:
    """Verdict, counts before and after waivers, coverage and waivers to act on; plain builtins.

    Of files under review also what they can't show, and what a change does.
    """
    whole = _whole(view)
    if view.reviewed is not None:
        whole["not_covered"] = [
            {"why": gap.why, "audits": list(gap.audits), "results": gap.results}
            for gap in view.reviewed.gaps
        ]
    if view.change is not None:
        change = view.change
        lists = {"introduced": change.introduced, "mended": change.mended, "left": change.left}
        whole["change"] = {"base": change.base, "undecided": change.opened} | {
            name: [msgspec.structs.asdict(each) for each in found] for name, found in lists.items()
        }
    return whole


def _whole(view: ReportView) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "run": {
            "id": view.run.id,
            "fleet": view.run.fleet,
            "started": view.run.started.isoformat(),
            "ended": view.run.ended.isoformat(),
            "vantage": view.run.vantage,
            "version": view.run.version,
            "complete": view.run.complete,
            "limit": view.limit,
        },
        "policy": {"name": view.policy, "sources": list(view.policy_sources), "gate": view.gate},
        "verdict": view.conclusion,
        "sentence": view.sentence,
        "results": view.total,
        "outcomes": {outcome.value: view.count(outcome) for outcome in WORST_FIRST},
        "failures": {
            s.severity.value: {"before_waivers": s.failed + s.waived, "after_waivers": s.failed}
            for s in view.severities
        },
        "coverage": {
            "audits": view.audits,
            "hosts": _population(view.hosts),
            "domains": _population(view.domains),
            "foreign_hosts": [host.name for host in view.foreign],
            "unknown": {layer.reason.value: layer.results for layer in view.layers},
        },
        "waivers": [
            {
                "id": waiver.id,
                "audit": waiver.audit,
                "standing": waiver.standing,
                "expires": waiver.expires,
                "covers": waiver.covered,
            }
            for waiver in sorted(view.waivers, key=lambda waiver: waiver.id)
        ],
    }


def encode_summary(view: ReportView) -> bytes:
    """The summary as indented JSON with a final line feed; the same view gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(summary(view), order="sorted"), indent=2) + b"\n"


def _population(population: Population) -> dict[str, int]:
    return {
        "declared": population.declared,
        "assessed": population.assessed,
        "in_part": population.in_part,
        "unseen": population.unseen,
        "idle": population.idle,
        "left_out": population.left_out,
        "failing": population.failing,
    }
