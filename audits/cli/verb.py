"""The verbs, by name; the module of one is loaded when it is called."""

import gc
from importlib import import_module
from typing import Any, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from audits.cli.interrupt import orderly_interrupts
from audits.cli.plain import PlainCommand, plainly
from audits.cli.prose import flowing


class Verb(NamedTuple):
    """One verb. module: below `audits.cli`, where `register` knows it.

    panel: the heading that `--help` lists it under; summary: the first paragraph of its own help.
    """

    name: str
    module: str
    panel: str
    summary: str


VERBS = (
    Verb(
        "demo",
        "start",
        "Begin",
        "Runs the real job on an embedded fleet: DNS, SMTP and HTTPS servers on loopback "
        "with faults.",
    ),
    Verb(
        "init",
        "start",
        "Begin",
        "Lays out a fleet repository: configuration, inventory, a policy, waivers; all commented.",
    ),
    Verb(
        "validate",
        "inspect",
        "Fleet",
        "Checks configuration, inventory, policies, waivers and candidate files, without a packet.",
    ),
    Verb(
        "doctor",
        "doctor",
        "Fleet",
        "Tells whether a run from here would see anything: resolver, port 25, clock, "
        "source address.",
    ),
    Verb(
        "trace",
        "trace",
        "Fleet",
        "Walks the way of one message, and says where it stops, why, and how to mend it.",
    ),
    Verb("run", "run", "Audit", "Collects, judges and reports: the whole job."),
    Verb(
        "collect",
        "run",
        "Audit",
        "Only looks: writes the facts that the policy's audits need, and judges nothing.",
    ),
    Verb(
        "evaluate",
        "stored",
        "Audit",
        "Judges a stored run again, offline: the same facts, this or another policy.",
    ),
    Verb("report", "stored", "Audit", "Writes a report of a stored run that was judged."),
    Verb(
        "sink",
        "sink",
        "Audit",
        "Receives canary messages: an SMTP server that takes nothing else.",
    ),
    Verb(
        "explain",
        "explain",
        "Look up",
        "Explains an audit, or what it found out about a subject in a stored run.",
    ),
    Verb(
        "list",
        "inspect",
        "Look up",
        "Lists audits, policies, or what the inventory and the waivers hold.",
    ),
    Verb(
        "schema",
        "inspect",
        "Look up",
        "Prints the JSON Schema of a file of the fleet, or of results.jsonl, for editors "
        "and tests.",
    ),
)


class Verbs(TyperGroup):
    """The command itself: it knows every verb by name, and loads the one that is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for verb in VERBS:
            self.add_command(_Deferred(verb))

    def get_params(self, ctx: Any) -> Any:
        return plainly(super().get_params(ctx))


class _Deferred(TyperCommand):
    """A verb as the list of verbs shows it; called, it hands over to the real one."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(
            verb.name,
            help=verb.summary,
            rich_help_panel=verb.panel,
            rich_markup_mode="rich",
        )
        self.verb = verb

    # Typer keeps the types of a context and of a command to itself.
    def make_context(self, *given: Any, **extra: Any) -> Any:
        command = loaded(self.verb)
        gc.freeze()
        gc.enable()
        orderly_interrupts()
        return command.make_context(*given, **extra)


def loaded(verb: Verb) -> Any:
    """The verb with its options, from its module."""
    app = typer.Typer(rich_markup_mode="rich")
    import_module(f"audits.cli.{verb.module}").register(app)
    for command in app.registered_commands:
        command.cls = PlainCommand
        command.help = flowing(getattr(command.callback, "__doc__", None) or "")
    return typer.main.get_group(app).commands[verb.name]
