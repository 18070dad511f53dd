"""mta-secret-files-private."""

from typing import Any

import pytest

from audits.catalog.mta.secret_files_private import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason, Silence
from audits.facts.host import FileMode, FileModes, UnseenFile
from audits.subject import MailHost
from tests.build import judge, roles, silent

HOST = MailHost("mx1.example.net")
KEY = "/etc/ssl/private/mx1.pem"


def file(mode: str, owner: str = "root", group: str = "root") -> FileMode:
    return FileMode(KEY, owner, group, mode)


def of(*files: FileMode, unseen: tuple[UnseenFile, ...] = (), **params: Any) -> Result:
    return judge(evaluate, HOST, roles(HOST.name), FileModes(HOST, files, unseen), **params)


@pytest.mark.parametrize(
    "kept",
    [
        file("0600"),
        file("0400", "postfix", "postfix"),
        file("0640", "root", "ssl-cert"),
        file("0640", "root", "Debian-exim"),
        file("0640", "_rspamd", "_rspamd"),
        file("0640", "root", "opendkim"),
    ],
    ids=str,
)
def test_private_file_passes(kept: FileMode) -> None:
    result = of(kept)
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == kept.mode


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (file("0644"), "is open to every user of the host: it has mode 0644, root:root"),
        (file("0601"), "is open to every user"),
        (file("0660", "root", "ssl-cert"), "may be changed by the group ssl-cert"),
        (file("0640", "root", "users"), "may be read by the group users"),
        (file("0600", "alice", "alice"), "belongs to alice"),
    ],
    ids=str,
)
def test_file_that_others_may_see_or_change_fails(kept: FileMode, words: str) -> None:
    result = of(kept)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(f"{KEY} {words}")


def test_group_and_owner_of_the_policy_pass() -> None:
    kept = file("0640", "keeper", "keys")
    assert of(kept, allow_group_read=("keys",), allow_owner=("keeper",)).outcome is Outcome.PASS


def test_file_out_of_reach_is_unknown() -> None:
    unseen = UnseenFile(KEY, Silence(Reason.DENIED, f"{KEY} may not be seen"))
    result = of(file("0600"), unseen=(unseen,))
    assert result.outcome is Outcome.UNKNOWN
    assert [each.reason for each in result.unknown] == [Reason.DENIED]


def test_open_file_fails_though_another_is_out_of_reach() -> None:
    unseen = UnseenFile(KEY, Silence(Reason.DENIED, "may not be seen"))
    assert of(file("0644"), unseen=(unseen,)).outcome is Outcome.FAIL


def test_file_that_is_not_there_is_left_to_other_audits() -> None:
    unseen = UnseenFile(KEY, Silence(Reason.ABSENT, "not there"))
    assert of(file("0600"), unseen=(unseen,)).outcome is Outcome.PASS


def test_programs_without_secrets_are_not_applicable() -> None:
    assert of().outcome is Outcome.NOT_APPLICABLE


def test_host_that_lets_nobody_in_is_unknown() -> None:
    seen = silent(FileModes, HOST, Reason.DENIED)
    assert judge(evaluate, HOST, roles(HOST.name), seen).outcome is Outcome.UNKNOWN
