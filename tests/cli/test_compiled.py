"""Compiled templates outlive a run, and nothing depends on them."""

import os
import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from audits.cli.compiled import CompiledTemplates, compiled_templates


def rendered(folder: Path, source: str) -> str:
    environment = Environment(
        loader=DictLoader({"page": source}),
        bytecode_cache=CompiledTemplates(folder),
        autoescape=True,
    )
    return environment.get_template("page").render(name="<x>")


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def test_compiled_template_is_kept_and_used_again(tmp_path: Path) -> None:
    assert rendered(tmp_path, "I am {{ name }}") == "I am &lt;x&gt;"
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    assert rendered(tmp_path, "I am {{ name }}") == "I am &lt;x&gt;"
    assert kept.stat().st_mtime_ns == before


def test_template_that_changed_is_compiled_anew(tmp_path: Path) -> None:
    rendered(tmp_path, "I am {{ name }}")
    assert rendered(tmp_path, "You are {{ name }}") == "You are &lt;x&gt;"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("cut", [0, 1, 30, 100, -1])
def test_what_is_broken_is_compiled_anew(cut: int, tmp_path: Path) -> None:
    rendered(tmp_path, "I am {{ name }}")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:cut])
    assert rendered(tmp_path, "I am {{ name }}") == "I am &lt;x&gt;"


def test_bytecode_of_another_version_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(tmp_path, "I am {{ name }}")
    (kept,) = tmp_path.iterdir()
    old = kept.read_bytes()
    monkeypatch.setattr("audits.cli.compiled._MADE_BY", "another")
    assert rendered(tmp_path, "I am {{ name }}") == "I am &lt;x&gt;"
    assert kept.read_bytes() != old


def test_folder_that_is_gone_costs_nothing_but_time(tmp_path: Path) -> None:
    assert rendered(tmp_path / "gone", "I am {{ name }}") == "I am &lt;x&gt;"


def test_folder_is_made_for_this_user_alone(caches: Path) -> None:
    assert compiled_templates({"XDG_CACHE_HOME": str(caches)}) is not None
    folder = caches / "mailproof/templates"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_folder_that_others_may_write_to_is_not_used(caches: Path) -> None:
    compiled_templates({"XDG_CACHE_HOME": str(caches)})
    (caches / "mailproof/templates").chmod(0o770)
    assert compiled_templates({"XDG_CACHE_HOME": str(caches)}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another_user_is_not_used(caches: Path) -> None:
    compiled_templates({"XDG_CACHE_HOME": str(caches)})
    os.chown(caches / "mailproof/templates", 65534, 65534)
    assert compiled_templates({"XDG_CACHE_HOME": str(caches)}) is None


def test_place_that_can_not_be_made_is_done_without(caches: Path) -> None:
    (caches / "mailproof").write_text("a file")
    assert compiled_templates({"XDG_CACHE_HOME": str(caches)}) is None


def test_nothing_is_written_where_python_writes_no_bytecode(
    caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled_templates({"XDG_CACHE_HOME": str(caches)}) is None
    assert list(caches.iterdir()) == []
