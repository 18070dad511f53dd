"""The verb `explain`: what an audit asks and why, and how it came to a result of a stored run."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audits.catalog import load
from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, Policies, stdout
from audits.cli.workspace import checked_policy, configuration
from audits.errors import UsageError
from audits.evaluate.audit import Audit
from audits.evaluate.policy import in_force
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.evidence.run_directory import RESULTS, RunDirectory
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.report.anchor import owner_of
from audits.report.explained import explained
from audits.report.page import index, page
from audits.report.sanitise import visible
from audits.subject import Domain, MailHost, Subject

if TYPE_CHECKING:
    from audits.cli.judging import Stored

# How many subjects an error names.
_NAMED = 5
# How many audits it names for one that does not exist.
_NEAREST = 3
_WIDE = 2000


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUBJECT] AUDIT",
            help="An audit, such as relay-refused; before it, a domain, host or service of a run.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    policy: Policies = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="The run to look into; default: the latest one.", show_default=False
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every audit of the catalogue.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder for one page an audit.", show_default=False),
    ] = None,
) -> Exit:
    """Explains an audit, or what it found out about a subject in a stored run.

    An audit: what it asks of whom, why, the parameters in force, and the remedy. A result: what
    was seen and where, by which parameters, and the SPF records, the DMARC walk or the TLSA
    records behind it as a tree.

    Examples:

      mailproof explain relay-refused                 the audit

      mailproof explain example.net spf-syntax-valid  its result in the latest run
    """
    audits = load()
    *subject, audit = what if what else ("",)
    if len(subject) > 1:
        raise UsageError(f"found {len(subject) + 1} arguments, expected [SUBJECT] AUDIT")
    if audit and audit not in audits:
        raise UsageError(
            f"found audit {audit!r}, expected one that exists{_meant(audit, list(audits))}; "
            "`mailproof list audits` names them all"
        )
    if not audit and not every:
        raise UsageError("which audit? name one, or say --all; `mailproof list audits` has them")
    if subject:
        return _explain_result(subject[0], audits[audit], config, run)
    chosen = [audits[audit]] if audit else list(audits.values())
    in_policy = checked_policy(configuration(config), policy)
    if output is None:
        for one in chosen:
            stdout().print(page(one, in_policy), markup=False)
        return Exit.COMPLETE
    pages = {f"{one.id}.md": page(one, in_policy, places=False) for one in chosen}
    folder = RunDirectory(output)
    folder.make()
    for name, text in {**pages, "README.md": index(chosen)}.items():
        folder.write(name, [text.encode()], end=b"")
    return Exit.COMPLETE


def _meant(wrong: str, known: list[str]) -> str:
    """`; did you mean ...?` with those that share most words, or are spelt most alike."""
    spelt = get_close_matches(wrong.lower(), known, n=_NEAREST)
    words = set(wrong.lower().split("-")) - {"no", "not"}
    shared = {audit: len(words & set(audit.split("-"))) for audit in known}
    alike = [audit for audit in known if shared[audit]]
    alike.sort(key=lambda audit: (-shared[audit], audit.split("-")[0] not in words))
    near = list(dict.fromkeys([*spelt, *alike]))[:_NEAREST]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _explain_result(wanted: str, audit: Audit, config: Path | None, path: Path | None) -> Exit:
    """Every result of the audit on the subject, or on the services of the host that is named."""
    # An audit is explained without a run, and without all that makes one.
    from audits.cli import judging

    run = judging.stored(path or _latest(configuration(config).runs))
    results = [r for r in judging.stored_results(run.directory) if r.audit == audit.id]
    meant = [r for r in results if _names(wanted, r.subject)]
    if not meant:
        names = ", ".join(visible(str(r.subject)) for r in results[:_NAMED])
        raise UsageError(
            f"{run.directory.path}: {audit.id} has no result for {wanted!r}; "
            + (f"it has some for {names}" if names else "it was not in force")
        )
    console = stdout()
    plain = not console.encoding.lower().startswith("utf")
    # In a file or a pipe a record stays in one line, so that it can be searched for.
    if not console.is_terminal:
        console.width = _WIDE
    for place, result in enumerate(_applicable(meant)):
        parameters = _in_force(audit, result.subject, run)
        console.print("\n" if place else "", end="")
        shown = explained(result, audit, parameters, run.snapshot, plain=plain)
        console.print(shown, soft_wrap=False)
    return Exit.COMPLETE


def _latest(runs: Path) -> Path:
    """The latest run below a folder that was judged; its name begins with the time."""
    judged = sorted(path.parent for path in runs.glob(f"*/{RESULTS}"))
    if not judged:
        raise UsageError(f"{runs}: found no run; `mailproof run` makes one, --run names another")
    return judged[-1]


def _names(wanted: str, subject: Subject) -> bool:
    """`mx1.example.net` names each of its services too, `example.net` each way of mail into it."""
    text = str(subject)
    return text == wanted or text.startswith((f"{wanted}:", f"{wanted} "))


def _applicable(results: list[Result]) -> list[Result]:
    """Without those of ports that the audit is not about, unless it is about none."""
    return [r for r in results if r.outcome is not Outcome.NOT_APPLICABLE] or results[:1]


def _in_force(audit: Audit, subject: Subject, run: "Stored") -> dict[str, Any]:
    """The parameters that the run's policy has for the subject."""
    owner = owner_of(subject)
    domain = run.snapshot.fact(DeclaredDomain, owner) if isinstance(owner, Domain) else None
    host = run.snapshot.fact(DeclaredHost, owner) if isinstance(owner, MailHost) else None
    rule = run.judgment.policy.rule_for(audit.id, subject, domain, host)
    return in_force(audit, rule) if rule is not None else {}
