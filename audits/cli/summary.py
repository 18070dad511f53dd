"""The summary of a run that was judged, for people; imported where it is printed."""

from pathlib import Path

from audits.cli.form import on_github
from audits.cli.options import stderr
from audits.report.text import terminal
from audits.report.view import ReportView


def print_summary(made: ReportView, report: Path | None) -> None:
    """On standard error. report: where the whole of it is, if it was written."""
    console = stderr()
    plain = not console.encoding.lower().startswith("utf")
    shown = terminal(made, str(report) if report else None, plain=plain)
    if not on_github():
        console.print(shown)
        return
    # The runner looks for commands in every line, and these quote what servers said.
    from audits.report.github import harmless

    with console.capture() as captured:
        console.print(shown)
    console.file.write(harmless(captured.get()))
