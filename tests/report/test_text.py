"""The summary for the terminal."""

import os
from io import StringIO
from pathlib import Path

from rich.console import Console

from audits.report.text import plain_text, terminal
from tests.report import fleet

GOLDEN = Path(__file__).parent.parent / "golden" / "summary.txt"


def test_summary_is_the_golden_one() -> None:
    text = plain_text(fleet.whole(), "runs/20261123T020000Z-7f3a/report.html")
    if os.environ.get("MAILPROOF_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 100):
        lines = plain_text(fleet.whole(), width=width).splitlines()
        assert max(map(len, lines)) <= width


def test_path_breaks_between_stations_only() -> None:
    text = plain_text(fleet.whole(), width=44)
    assert "──✕ RCPT" in text


def test_server_can_not_steer_the_terminal() -> None:
    said = "\x1b[2J\x1b]8;;http://x\x07 \u202e [red]not markup[/red]"
    found = fleet.failed(
        fleet.GREETING, fleet.MX1, f"greets with {said}", "smtp.greeting", "", said,
        fleet.Step.GREETING,
    )  # fmt: skip
    text = plain_text(fleet.whole(said, [found]))
    assert "\x1b" not in text
    assert "\\x1b[2J\\x1b]8;;http://x\\x07" in " ".join(text.split())
    assert "[red]not markup[/red]" in " ".join(text.split())


def test_colours_come_from_the_console_alone() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=80)
    console.print(terminal(fleet.whole()))
    assert "\x1b[" in out.getvalue()


def test_plain_summary_is_ascii() -> None:
    out = StringIO()
    found = fleet.failed(
        fleet.SPF, fleet.Domain("example.net"), "says Grüße", "dns.mx", "", "x"
    )  # fmt: skip
    Console(file=out, width=80).print(terminal(fleet.whole(found=[found]), plain=True))
    assert out.getvalue().isascii()
    assert "Gr\\xfc\\xdfe" in out.getvalue()


def test_findings_beyond_the_limit_are_counted() -> None:
    assert "2 more findings: see the report" in plain_text(fleet.whole(), "r.html", limit=1)
