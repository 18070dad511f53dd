"""Secrets by reference, and that no error shows one."""

from pathlib import Path

import pytest

from audits.errors import UsageError
from audits.secret import secret


def test_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE", "hunter2")
    assert secret("env:PROBE") == "hunter2"
    with pytest.raises(UsageError, match="env:OTHER: the variable is not set"):
        secret("env:OTHER")


def test_secret_comes_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "probe"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    assert secret(f"file:{path}") == "hunter2"
    path.chmod(0o644)
    with pytest.raises(UsageError, match="found a file open to all, expected mode 0600") as raised:
        secret(f"file:{path}")
    assert "hunter2" not in str(raised.value)
    with pytest.raises(UsageError, match="can't be read: No such file"):
        secret(f"file:{tmp_path}/none")


def test_secret_comes_from_a_command_without_a_shell() -> None:
    assert secret("cmd:printf %s 'hunter2; true'") == "hunter2; true"
    with pytest.raises(UsageError, match="ended with status 1"):
        secret("cmd:false")
    with pytest.raises(UsageError, match="found nothing, expected a secret"):
        secret("cmd:true")
    with pytest.raises(UsageError, match="can't be run"):
        secret("cmd:no-such-command-here")


def test_literal_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as raised:
        secret("hunter2")
    assert "hunter2" not in str(raised.value)
