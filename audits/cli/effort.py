"""What a collection took, for `--stats`: DNS queries and connections."""

from collections.abc import Mapping

from rich.table import Table

from audits.collect.live.traffic import Traffic


def taken(traffic: Traffic, connections: Mapping[int, int]) -> Table:
    """The table that is printed after a run; a query is what went to a resolver."""
    table = Table(box=None, pad_edge=False, title="\nWhat it took", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    for label, count in _rows(traffic, connections):
        table.add_row(label, f"{count:,}")
    return table


def _rows(traffic: Traffic, connections: Mapping[int, int]) -> list[tuple[str, int]]:
    by_type = sorted(traffic.by_type.items(), key=lambda item: (-item[1], item[0]))
    return [
        ("DNS questions", traffic.asked),
        ("  answered from the cache", traffic.cached),
        ("  joined to one under way", traffic.joined),
        ("DNS queries sent", traffic.queries),
        *((f"  {rdtype}", count) for rdtype, count in by_type),
        ("  asked again over TCP", traffic.over_tcp),
        ("  not answered in time", traffic.timeouts),
        ("Connections to mail servers", sum(connections.values())),
        *((f"  port {port}", count) for port, count in sorted(connections.items())),
    ]
