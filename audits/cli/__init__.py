"""The command `mailproof`: one verb a module or two, one place for exit codes."""

import errno
import gc
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from audits import __version__
from audits.cli import doctor, explain, inspect, run, sink, start, trace
from audits.cli.exits import Exit, for_error, table
from audits.cli.options import stderr
from audits.cli.prose import flowing
from audits.errors import MailproofError

_HELP = """
Proves that mail hosts and domains are set up as a policy says.

An [b]inventory[/b] of hosts and domains is looked at from outside: DNS, ports 25, 465 and 587, TLS,
login, relaying. [b]Audits[/b] judge what was seen; a [b]policy[/b] says which audits, how strictly.
What could not be observed is never a pass and never a fail.

Begin with [b]mailproof demo[/b], then [b]mailproof init[/b] in an empty folder.
"""

# A file of ours that can't be written is an OutputError; this is for standard output.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="mailproof",
    help=flowing(_HELP),
    epilog="Exit codes:\n\n" + table(),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mailproof {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Options that stand before a verb."""


for module in (start, inspect, explain, run, sink, doctor, trace):
    module.register(app)
for command in app.registered_commands:
    command.help = flowing(getattr(command.callback, "__doc__", None) or "")


class _Signals:
    """SIGTERM ends a run the same orderly way as Ctrl-C does; only the exit code differs."""

    terminated = False

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        signal.raise_signal(signal.SIGINT)


def main() -> None:
    """The console script: runs a verb and turns what went wrong into words and an exit code."""
    # Facts and results are trees: the cycle collector has nothing to find among them, and looking
    # every 700 objects took a fifth of the CPU of a run.
    gc.set_threshold(50_000, 20, 100)
    signals = _Signals()
    signal.signal(signal.SIGTERM, signals.on_sigterm)
    # A shell starts what ends in `&` with SIGINT ignored, and SIGTERM goes the same way here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = _run()
    if code == Exit.INTERRUPTED:
        stderr().print("[yellow]interrupted[/]: what was seen so far is kept")
        code = Exit.TERMINATED if signals.terminated else Exit.INTERRUPTED
    sys.exit(code)


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"\n`{context.command_path} --help` tells more" if context is not None else ""


def _run() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return int(code) if code is not None else Exit.COMPLETE
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "") + _where_help_is(error)
        stderr().print(f"[red]mailproof:[/] {escape(said)}", soft_wrap=True)
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except MailproofError as error:
        stderr().print(f"[red]mailproof:[/] {escape(str(error))}", soft_wrap=True)
        return for_error(error)
    except BrokenPipeError:
        return Exit.OUTPUT
    except Exception as error:  # noqa: BLE001 - the last resort: say that the fault is ours
        if isinstance(error, OSError) and error.errno in _FULL:
            stderr().print(f"[red]mailproof:[/] can't write: {error.strerror}")
            # What could not be printed would be tried again at exit, and end with another code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OUTPUT
        traceback.print_exc()
        stderr().print("[red]mailproof:[/] this is a fault of mailproof itself; please report it")
        return Exit.INTERNAL
