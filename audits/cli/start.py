"""The verbs to begin with: init, demo."""

import shlex
import shutil
from enum import StrEnum
from os.path import relpath
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from audits.cli.exits import Exit
from audits.cli.options import stderr, stdout
from audits.cli.workspace import below_top, read_workspace
from audits.errors import OutputError, UsageError
from audits.evidence.run_directory import REPORT
from audits.resources import folder

_CONFIG = "mailproof.yaml"
_NEXT = {
    "validate": "checks the files, and sends nothing",
    "doctor": "tells what can be seen from here",
    "run": "looks, judges, and writes a report",
}


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(init)


class Ci(StrEnum):
    """Where changes are judged before they are merged."""

    GITHUB = "github"
    GITLAB = "gitlab"


_WORKFLOWS = {Ci.GITHUB: Path(".github/workflows/mailproof.yml"), Ci.GITLAB: Path(".gitlab-ci.yml")}


def init(
    directory: Annotated[Path, typer.Argument(help="Where to lay it out.")] = Path(),
    ci: Annotated[
        Ci | None,
        typer.Option(
            help="Write a workflow for this too, at the top of the repository; in a fleet that is "
            "laid out already, that alone.",
            show_default=False,
        ),
    ] = None,
) -> Exit:
    """Lays out a fleet repository: configuration, inventory, a policy, waivers; all commented.

    Writes nothing over a file that exists.
    """
    laid_out = (directory / _CONFIG).is_file()
    workflow = [_workflow(directory, ci)] if ci is not None else []
    written = [] if ci is not None and laid_out else scaffold(directory)
    for path, text in workflow:
        _write_new(path, text)
        written.append(path)
    for path in written:
        stdout().print(escape(str(path)))
    if ci is not None and laid_out:
        return Exit.COMPLETE
    hosts, domains = (directory / "inventory" / name for name in ("hosts.yaml", "domains.yaml"))
    said = f"Now put your own hosts and domains into {hosts} and {domains}, then:"
    stderr().print(escape(said), soft_wrap=True)
    if directory.resolve() != Path.cwd():
        stderr().print(f"  [b]cd {escape(shlex.quote(str(directory)))}[/]", soft_wrap=True)
    for verb, does in _NEXT.items():
        stderr().print(f"  [b]mailproof {verb:<10}[/]{does}")
    return Exit.COMPLETE


def _workflow(directory: Path, ci: Ci) -> tuple[Path, str]:
    """The file of a workflow, named as the directory is, and its text.

    Raises UsageError where there is one already.
    """
    top, below = below_top(directory)
    if not directory.is_absolute():
        top = Path(relpath(top))
    path = top / _WORKFLOWS[ci]
    if path.exists():
        raise UsageError(f"found {path}; expected a repository without it")
    shipped = folder("templates") / "init" / "ci" / f"{ci}.yml"
    text = shipped.read_text(encoding="utf-8")
    # A folder's name may hold what ends a quoted scalar of YAML.
    inside = below.replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace('"@FOLDER@/', f'"{inside}/' if below else '"')
    return path, text.replace("@FOLDER@", inside or ".")


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror}") from error


def scaffold(directory: Path) -> list[Path]:
    """Copies the sample fleet; returns the files in order.

    Raises UsageError, before anything is written, where one of them exists.
    """
    layout = {
        directory / _CONFIG: folder("templates") / "init" / _CONFIG,
        directory / "policies" / "ours.yaml": folder("templates") / "init" / "ours.yaml",
        directory / "policies" / "waivers.yaml": folder("templates") / "init" / "waivers.yaml",
    }
    for sample in sorted(folder("inventory").glob("*.yaml")):
        layout[directory / "inventory" / sample.name] = sample
    there = [str(path) for path in layout if path.exists()]
    if there:
        raise UsageError(f"found {', '.join(there)}; expected a folder without a fleet repository")
    try:
        for target, source in layout.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    except OSError as error:
        raise OutputError(f"{error.filename}: can't be written: {error.strerror}") from error
    return list(layout)


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the fleet and its run are written.")
    ] = Path("mailproof-demo"),
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only where the report is.")
    ] = False,
) -> Exit:
    """Runs the real job on an embedded fleet: DNS, SMTP and HTTPS servers on loopback with faults.

    Needs no root and no network, sends nothing outside this machine, and ends with 0 when the job
    is done, whatever it finds: the faults are planted.
    """
    # `init` needs nothing of what makes a run.
    from audits.cli import job
    from audits.cli.run import whole_run
    from audits.demo.world import running_world

    fleet = output / "fleet"
    try:
        fleet.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{fleet}: can't be made: {error.strerror}") from error
    with running_world(fleet):
        workspace = read_workspace(fleet / _CONFIG, None, None, None, no_waivers=False)
        directory = job.begin(workspace, output / "runs")
        whole_run(workspace, directory, quiet=quiet)
    stdout().print(f"{escape(str((directory.path / REPORT).resolve()))}")
    return Exit.COMPLETE
