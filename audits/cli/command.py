"""The command itself: its help, and how what went wrong becomes words and an exit code."""

import errno
import os
import sys
import traceback
from typing import Annotated

import typer

from audits import __version__
from audits.cli.exits import Exit, for_error, table
from audits.cli.interrupt import was_terminated
from audits.cli.prose import flowing
from audits.cli.verb import Verbs
from audits.errors import MailproofError

_HELP = """
Proves that mail hosts and domains are set up as a policy says.

An [b]inventory[/b] of hosts and domains is looked at from outside: DNS, ports 25, 465 and 587, TLS,
login, relaying. [b]Audits[/b] judge what was seen; a [b]policy[/b] says which audits, how strictly.
What could not be observed is never a pass and never a fail.

Begin with [b]mailproof demo[/b], then [b]mailproof init[/b] in an empty folder.
"""

# A file of ours that can't be written is an OutputError; this is for standard output.
# Verbs that write down what they see as they see it.
_KEEPING = frozenset({"run", "collect", "demo"})
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="mailproof",
    cls=Verbs,
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


def run_command() -> int:
    """Runs the verb that was called for; returns the exit code."""
    code = _code()
    if code != Exit.INTERRUPTED:
        return code
    kept = not _KEEPING.isdisjoint(sys.argv[1:2])
    _say("what was seen so far is kept" if kept else "nothing is kept", "[yellow]interrupted[/]")
    return Exit.TERMINATED if was_terminated() else code


def _code() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return int(code) if code is not None else Exit.COMPLETE
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "") + _where_help_is(error)
        _say(said)
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):  # Typer returns 130 for one while a verb runs
        return Exit.INTERRUPTED
    except MailproofError as error:
        _say(str(error))
        return for_error(error)
    except BrokenPipeError:
        return Exit.OUTPUT
    except Exception as error:  # noqa: BLE001 - the last resort: say that the fault is ours
        if isinstance(error, OSError) and error.errno in _FULL:
            _say(f"can't write: {error.strerror}")
            # What could not be printed would be tried again at exit, and end with another code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OUTPUT
        traceback.print_exc()
        _say("this is a fault of mailproof itself; please report it")
        return Exit.INTERNAL


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"\n`{context.command_path} --help` tells more" if context is not None else ""


def _say(words: str, who: str = "[red]mailproof[/]") -> None:
    # Only what goes wrong needs the console: `--version` is to answer at once.
    from rich.markup import escape

    from audits.cli.options import stderr

    stderr().print(f"{who}: {escape(words)}", soft_wrap=True)
