"""Snapshots: stored, read back, overlaid, compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import SnapshotError
from audits.facts.codec import decode_observation, encode_observation
from audits.facts.dns import MxSet
from audits.facts.fact import Observed, Reason
from audits.facts.pointer import pointer_value
from audits.facts.smtp import Greeting
from audits.facts.snapshot import Snapshot
from audits.subject import Domain, Service
from tests.build import PROVENANCE, domain, host, mx, reply, roles, silent, snapshot


def whole() -> Snapshot:
    return snapshot(
        domain(),
        host(),
        roles(),
        mx((10, "mx1.example.net"), (20, "mx2.example.net")),
        silent(MxSet, Domain("silent.example"), Reason.SERVFAIL, "SERVFAIL (EDE 6: DNSSEC bogus)"),
    )


def test_snapshot_survives_storage_byte_for_byte() -> None:
    lines = list(whole().lines())
    again = Snapshot.read(lines, "facts.jsonl")
    assert list(again.lines()) == lines
    assert len(lines) == 6
    assert again.fact(MxSet, Domain("example.net")) == mx(
        (10, "mx1.example.net"), (20, "mx2.example.net")
    )


def test_order_of_observation_does_not_show() -> None:
    seen = list(whole())
    backwards = Snapshot(whole().header, reversed(seen))
    assert list(backwards.lines()) == list(whole().lines())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "not an observation"),
        (b"{}", "not an observation"),
        (b'{"observation":"observed","fact":{"kind":"dns.nothing"}}', "dns.nothing"),
        (b"\xff\xfe", "not an observation"),
    ],
)
def test_broken_line_is_named_by_file_and_line(line: bytes, complaint: str) -> None:
    with pytest.raises(SnapshotError, match=r"facts\.jsonl:7: ") as caught:
        decode_observation(line, "facts.jsonl:7")
    assert complaint in str(caught.value)


def test_header_of_another_schema_is_refused() -> None:
    lines = list(whole().lines())
    lines[0] = lines[0].replace(b"facts/v1", b"facts/v9")
    with pytest.raises(SnapshotError, match="facts/v9"):
        Snapshot.read(lines, "facts.jsonl")


def test_header_that_is_no_text_is_refused() -> None:
    with pytest.raises(SnapshotError, match=r"facts\.jsonl:1: "):
        Snapshot.read([b'{"schema":"\xff"}'], "facts.jsonl")


def test_overlay_stands_in_front() -> None:
    live, candidate = whole(), snapshot(mx((5, "new.example.net")))
    merged = live.overlay(candidate)
    found = merged.fact(MxSet, Domain("example.net"))
    assert found is not None
    assert found.records[0].exchange == "new.example.net"
    assert len(merged) == len(live)


def test_diff_tells_only_what_differs() -> None:
    changes = list(whole().diff(whole().overlay(snapshot(mx((5, "new.example.net"))))))
    assert len(changes) == 1
    assert isinstance(changes[0].before, Observed)


@given(st.text(), st.floats(0, 1e6))
def test_whatever_a_server_says_comes_back_the_same(text: str, elapsed_s: float) -> None:
    text = text.encode(errors="ignore").decode()
    fact = Greeting(Service("h", "192.0.2.1", 25), reply(220, text, elapsed_s=elapsed_s), "h")
    line = encode_observation(Observed(fact, PROVENANCE))
    assert b"\n" not in line
    back = decode_observation(line, "x:1")
    assert isinstance(back, Observed)
    assert back.fact == fact


def test_pointer_leads_into_a_fact_or_is_refused() -> None:
    fact = mx((10, "mx1.example.net"))
    assert pointer_value(fact, "/records/0/exchange") == "mx1.example.net"
    for pointer in ("/records/1", "/records/x", "/nothing", "records", "/records/0/exchange/0"):
        with pytest.raises(LookupError):
            pointer_value(fact, pointer)
