"""`mailproof trace` against real Postfix, through real DNS, in namespaces."""

import json
from pathlib import Path
from typing import Any

import pytest

from audits.cli.exits import Exit
from tests.lab.lab import BOGUS, GOOD, Lab

pytestmark = pytest.mark.lab

MSA = f"mx1.{GOOD}"


def trace(lab: Lab, fleet: Path, *arguments: str) -> Any:
    """What `--json` prints, with the exit code under `code`."""
    ended = lab.mailproof("trace", "--json", *arguments, cwd=fleet)
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout) | {"code": ended.returncode}


def last_cause(found: Any) -> str | None:
    causes = [step["cause"] for step in found["steps"] if step["cause"]]
    return causes[-1] if causes else None


def test_mail_goes_through_to_the_good_host_inside_tls_that_dane_vouches_for(
    lab: Lab, fleet: Path
) -> None:
    found = trace(lab, fleet, f"postmaster@{GOOD}")
    assert (found["code"], last_cause(found)) == (Exit.COMPLETE, None)
    notes = [note for step in found["steps"] if step["step"] == "tls" for note in step["notes"]]
    assert any(note.startswith(f"certificate: for {MSA}; ") for note in notes)
    assert any(note.startswith("DANE: 2 secure TLSA records") for note in notes)


@pytest.mark.parametrize(
    ("recipient", "code", "cause"),
    [
        (f"nobody-here@{GOOD}", Exit.FINDINGS, "user-unknown"),
        ("postmaster@filtered.example.org", Exit.INCOMPLETE, "filtered"),
        ("postmaster@greylisting.example.org", Exit.INCOMPLETE, "greylisted"),
        ("postmaster@throttling.example.org", Exit.INCOMPLETE, "throttled"),
        ("postmaster@cleartext.example.org", Exit.COMPLETE, None),
        (f"postmaster@{BOGUS}", Exit.INCOMPLETE, "dns-failed"),
        ("postmaster@no-such-domain.example.org", Exit.FINDINGS, "no-such-domain"),
        ("ana@stale.example", Exit.FINDINGS, "certificate"),
    ],
)
def test_break_is_told_apart(
    lab: Lab, fleet: Path, recipient: str, code: Exit, cause: str | None
) -> None:
    found = trace(lab, fleet, recipient)
    assert (found["code"], last_cause(found)) == (code, cause)


def test_host_that_was_not_told_of_the_domain_denies_relaying(lab: Lab, fleet: Path) -> None:
    found = trace(lab, fleet, "ana@sound.example")
    assert last_cause(found) == "relay-denied"
    assert found["result"] == "breaks"


@pytest.mark.parametrize("port", [465, 587])
def test_login_goes_through_on_a_submission_port(
    lab: Lab, fleet: Path, tmp_path: Path, port: int
) -> None:
    found = trace(lab, fleet, *_login(tmp_path, "correct horse", port))
    assert (found["code"], last_cause(found)) == (Exit.COMPLETE, None)
    assert "correct horse" not in json.dumps(found)


def test_wrong_password_is_refused_and_tried_once(lab: Lab, fleet: Path, tmp_path: Path) -> None:
    found = trace(lab, fleet, *_login(tmp_path, "wrong", 587))
    assert (found["code"], last_cause(found)) == (Exit.FINDINGS, "login-failed")
    assert [step["step"] for step in found["steps"]].count("auth") == 1


def test_stranger_on_a_submission_port_is_asked_for_a_login(lab: Lab, fleet: Path) -> None:
    found = trace(lab, fleet, "ana@example.org", "--via", f"{MSA}:587")
    assert (found["code"], last_cause(found)) == (Exit.INCOMPLETE, "login-wanted")


def _login(folder: Path, password: str, port: int) -> tuple[str, ...]:
    secret = folder / "secret"
    secret.write_text(password)
    secret.chmod(0o600)
    login = f"alice@{GOOD}=file:{secret}"
    return f"postmaster@{GOOD}", "--via", f"{MSA}:{port}", "--login", login
