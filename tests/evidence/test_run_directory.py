"""The directory of a run: whole files, a mark while incomplete, a checkpoint to go on from."""

import os
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from audits.errors import OutputError, SnapshotError
from audits.evidence.manifest import SCHEMA, Manifest
from audits.evidence.run_directory import FACTS, RunDirectory, complete_runs, run_id
from audits.facts.dns import MxSet
from audits.facts.fact import Observed
from audits.subject import Domain
from tests.build import AS_OF, PROVENANCE, domain, mx, snapshot


def manifest(run: RunDirectory, *, complete: bool) -> Manifest:
    return Manifest(
        SCHEMA,
        run.path.name,
        AS_OF,
        AS_OF,
        "here",
        (),
        "mailproof run",
        {},
        complete,
        run.digests(),
    )


def test_run_ids_sort_by_time_and_differ_within_a_second() -> None:
    at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert run_id(at).startswith("20261123T020000Z-")
    assert run_id(at) != run_id(at)


def test_run_is_marked_until_it_is_finished(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "r")
    run.write(FACTS, snapshot(domain()).lines())
    assert not run.complete
    run.finish(manifest(run, complete=False))
    assert not run.complete
    run.finish(manifest(run, complete=True))
    assert run.complete
    assert run.manifest().files[FACTS] == sha256((run.path / FACTS).read_bytes()).hexdigest()


def test_what_a_killed_write_left_beside_is_in_no_manifest(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "r")
    run.write(FACTS, snapshot(domain()).lines())
    (run.path / f".{FACTS}.4242").write_text("half")
    assert set(run.digests()) == {FACTS}


def test_cut_off_run_is_read_from_its_checkpoint_without_the_torn_line(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "r")
    run.checkpoint(snapshot().header, snapshot(domain()))
    run.keep([Observed(mx((10, "mx1.example.net")), PROVENANCE)])
    run.close()
    partial = run.path / "facts.partial.jsonl"
    partial.write_bytes(partial.read_bytes() + b'{"observation":"obser')
    again = RunDirectory.open(run.path).snapshot()
    assert again.fact(MxSet, Domain("example.net")) == mx((10, "mx1.example.net"))
    assert len(again) == 2


def test_full_disk_leaves_no_part_of_what_was_to_be_kept(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "r")
    run.checkpoint(snapshot().header, snapshot(domain()))
    seen = [Observed(mx((10, f"mx{n}.example.net")), PROVENANCE) for n in range(2)]
    run.keep(seen[:1])
    partial = run.path / "facts.partial.jsonl"
    kept = partial.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 100, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"facts\.partial\.jsonl: can't be written"):
            run.keep(seen)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert partial.read_bytes() == kept
    run.close()


def test_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "r")
    run.write("a.txt", [b"old"])

    def torn() -> Iterator[bytes]:
        yield b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"a\.txt: can't be written: No space left"):
        run.write("a.txt", torn())
    assert (run.path / "a.txt").read_bytes() == b"old\n"
    assert {p.name for p in run.path.iterdir()} == {"a.txt", "INCOMPLETE"}


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"found no facts\.jsonl"):
        RunDirectory.open(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="can't be made"):
        RunDirectory.create(tmp_path, "r")


def test_place_below_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be made"):
        RunDirectory.create(tmp_path / "file", "r")


def test_excerpt_of_a_run_holds_the_wanted_kinds_and_is_kept_whole(tmp_path: Path) -> None:
    earlier = RunDirectory.create(tmp_path, "1")
    earlier.write(FACTS, snapshot(domain(), mx((10, "mx1.example.net"))).lines())
    excerpt = earlier.excerpt({"dns.mx"})
    assert [observation.key for observation in excerpt] == [("dns.mx", Domain("example.net"))]
    later = RunDirectory.create(tmp_path, "2")
    assert later.previous() is None
    later.remember(excerpt)
    kept = later.previous()
    assert kept is not None
    assert list(kept.lines()) == list(excerpt.lines())


def test_runs_to_compare_with_are_complete_and_of_the_same_vantage(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        run = RunDirectory.create(tmp_path, name)
        run.write(FACTS, snapshot(domain()).lines())
        if name != "3":
            run.finish(manifest(run, complete=True))
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / FACTS).write_text("garbage\n")
    assert [run.path.name for run in complete_runs(tmp_path, "here")] == ["2", "1"]
    assert list(complete_runs(tmp_path, "elsewhere")) == []
    assert list(complete_runs(tmp_path / "none", "here")) == []
