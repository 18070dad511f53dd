"""Options that several verbs share, and the two consoles."""

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audits.evaluate.verdict import Severity

if TYPE_CHECKING:  # who says nothing needs no console
    from rich.console import Console

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration; default: mailproof.yaml, looked for from here upwards.",
        metavar="FILE",
        show_default=False,
    ),
]
Limit = Annotated[
    str | None,
    typer.Option(
        "--limit",
        "-l",
        help="Only these: names, group:edge, domain:*.example.org, role:msa, !not-this; joined by "
        "commas. One that names nothing is an error.",
        metavar="NAMES",
        show_default=False,
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        "-p",
        help="A policy, by name (baseline) or path; may be repeated. Default: the configuration's.",
        metavar="POLICY",
        show_default=False,
    ),
]
WaiverFile = Annotated[
    Path | None,
    typer.Option(
        help="The waivers; default: the configuration's.", metavar="FILE", show_default=False
    ),
]
NoWaivers = Annotated[bool, typer.Option("--no-waivers", help="Judge as if there were no waivers.")]
FailOn = Annotated[
    Severity,
    typer.Option(
        help=f"The severity from which a failure ends with exit code 10: {', '.join(Severity)}.",
        metavar="SEVERITY",
    ),
]
MaxUnknown = Annotated[
    int,
    typer.Option(min=0, help="More unknown results than this end with exit code 11.", metavar="N"),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Where the run's own directory is made; default: the configuration's `runs`.",
        metavar="FOLDER",
        show_default=False,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary; the exit code tells.")
]
Deep = Annotated[
    bool,
    typer.Option(
        "--deep",
        help="Find out everything that services accept: every way of relaying, every version, "
        "suite and group of TLS. Takes some dozens of connections to each.",
    ),
]

WithSmuggling = Annotated[
    bool,
    typer.Option(
        "--smuggling",
        help="Send hosts of yours messages that do not end as they should, to probe.own_mailboxes; "
        "a host that takes such an end delivers one there.",
    ),
]


@cache
def stderr() -> "Console":
    """For people: summaries, progress, errors. Plain where standard error is no terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@cache
def stdout() -> "Console":
    """For what was asked for: lists, explanations, data."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=True)
