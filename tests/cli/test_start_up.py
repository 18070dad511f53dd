"""How the command starts: at once, with little loaded, and ending quietly where it is told to."""

import signal
import subprocess
import sys
import time

import pytest
import typer.main
from typer.testing import CliRunner

from audits.cli.command import app
from audits.cli.verb import VERBS, Verb, loaded
from tests.cli.command import COMMAND

# A module that is loaded early, and never done.
STUCK = """
import sys
from importlib.abc import MetaPathFinder

class Stuck(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            print("loading", flush=True)
            import time
            try:
                time.sleep(30)
            except BaseException:
                pass

sys.meta_path.insert(0, Stuck())
from audits.cli import main
sys.argv = ["mailproof", "validate"]
main()
"""
HEAVY = ("asyncio", "cryptography", "dns", "httpx", "jinja2", "nornir", "OpenSSL", "paramiko")


@pytest.mark.parametrize("module", ["typer", "audits.catalog"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_while_modules_load_ends_with_one_line(module: str, number: int) -> None:
    program = [sys.executable, "-c", STUCK.format(module=module)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"loading\n"
        began = time.monotonic()
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(10) == 128 + number
    assert said == b"mailproof: interrupted before it began\n"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_summary_of_a_verb_is_how_its_own_help_begins(verb: Verb) -> None:
    assert loaded(verb).help.split("\n\n")[0] == verb.summary


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_help_of_a_verb_has_room_in_eighty_columns(verb: Verb) -> None:
    examples = [line for line in loaded(verb).help.splitlines() if line.startswith(" ")]
    assert not [line for line in examples if len(line) > 78]


@pytest.mark.parametrize("verb", ["run", "collect", "evaluate", "report"])
def test_no_option_squeezes_the_words_of_all_others(verb: str) -> None:
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "80"}).output
    assert "Show this message and exit." in shown


def test_every_verb_is_listed_once() -> None:
    names = [verb.name for verb in VERBS]
    assert list(typer.main.get_group(app).commands) == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_needs_no_verb_loads_no_verb(option: str) -> None:
    program = (
        "import sys\nfrom audits.cli import main\ntry:\n    main()\nfinally:\n"
        f"    print(sorted(set({HEAVY!r}) & sys.modules.keys()))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, option], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "[]"


def test_misspelt_verb_names_the_one_that_is_meant() -> None:
    shown = subprocess.run([*COMMAND, "vldate"], capture_output=True, text=True, check=False)
    assert shown.returncode == 2
    assert "'validate'" in shown.stderr
