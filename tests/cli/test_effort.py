"""What a collection took, as `--stats` shows it."""

from collections import Counter
from io import StringIO
from pathlib import Path

from rich.console import Console

from audits.cli.effort import taken
from audits.cli.exits import Exit
from audits.collect.live.traffic import Traffic
from tests.cli.command import mailproof


def test_queries_are_counted_by_type_and_connections_by_port() -> None:
    traffic = Traffic(asked=12, queries=7, over_tcp=1, timeouts=2, cached=3, joined=2)
    traffic.by_type.update({"A": 2, "TXT": 5})
    out = StringIO()
    Console(file=out, width=80).print(taken(traffic, Counter({587: 1, 25: 1200})))
    rows = [line.rsplit(None, 1) for line in out.getvalue().splitlines() if line[-1:].isdigit()]
    assert [(label.strip(), count) for label, count in rows] == [
        ("DNS questions", "12"),
        ("answered from the cache", "3"),
        ("joined to one under way", "2"),
        ("DNS queries sent", "7"),
        ("TXT", "5"),
        ("A", "2"),
        ("asked again over TCP", "1"),
        ("not answered in time", "2"),
        ("Connections to mail servers", "1,201"),
        ("port 25", "1,200"),
        ("port 587", "1"),
    ]


def test_run_says_what_it_took(served_fleet: Path, tmp_path: Path) -> None:
    arguments = ("-l", "domain:spf-twice.example", "--stats", "-q", "-o", str(tmp_path))
    ended = mailproof("collect", *arguments, cwd=served_fleet)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert "DNS queries sent" in ended.stderr
    assert "Connections to mail servers" in ended.stderr
