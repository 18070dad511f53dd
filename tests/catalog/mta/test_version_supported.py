"""mta-version-supported."""

import pytest

from audits.catalog.mta.version_supported import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.mta import Mta, MtaPrograms, Program
from audits.subject import Role
from tests.build import judge, roles
from tests.catalog.mta.configured import HOST


def programs(*versions: tuple[Mta, str | None]) -> MtaPrograms:
    return MtaPrograms(
        HOST,
        tuple(
            Program(mta, f"/etc/{mta}", version, (), (), (), (), ()) for mta, version in versions
        ),
    )


def outcome(*versions: tuple[Mta, str | None], **params: tuple[str, ...]) -> Outcome:
    return judge(evaluate, HOST, roles(HOST.name, Role.MX), programs(*versions), **params).outcome


@pytest.mark.parametrize(
    ("mta", "version"),
    [
        (Mta.POSTFIX, "3.8.16"),
        (Mta.POSTFIX, "3.10.9"),
        (Mta.EXIM, "4.99.3"),
        (Mta.DOVECOT, "2.4.4"),
        (Mta.OPENSMTPD, "7.8.0p0"),
        (Mta.SENDMAIL, "8.18.1"),
    ],
)
def test_release_of_a_supported_branch_passes(mta: Mta, version: str) -> None:
    assert outcome((mta, version)) is Outcome.PASS


def test_branch_that_nobody_knew_yet_passes() -> None:
    assert outcome((Mta.POSTFIX, "3.14.0"), (Mta.OPENSMTPD, "8.0.0p0")) is Outcome.PASS


@pytest.mark.parametrize(
    ("mta", "version", "why"),
    [
        (Mta.POSTFIX, "3.3.1", "its maker mends 3.8 and newer"),
        (Mta.POSTFIX, "3.8.2", "CVE-2023-51764"),
        (Mta.EXIM, "4.92", "its maker mends 4.99"),
        (Mta.EXIM, "4.99.2", "EXIM-Security-2026-05-01.1"),
        (Mta.DOVECOT, "2.2.36", "its maker mends 2.4"),
        (Mta.OPENSMTPD, "6.6.1p1", "its maker mends 7"),
        (Mta.OPENSMTPD, "6.8.0p2", "fails every TLS handshake"),
        (Mta.SENDMAIL, "8.14.7", "its maker mends 8.18"),
    ],
)
def test_release_that_nobody_mends_fails(mta: Mta, version: str, why: str) -> None:
    result = judge(evaluate, HOST, roles(HOST.name, Role.MX), programs((mta, version)))
    assert result.outcome is Outcome.FAIL
    assert why in result.violations[0].message
    assert result.violations[0].expected


def test_release_that_a_distribution_mends_is_left_open() -> None:
    assert outcome((Mta.POSTFIX, "3.7.11")) is Outcome.UNKNOWN
    assert outcome((Mta.DOVECOT, "2.3.19.1 (9b53102964)")) is Outcome.UNKNOWN
    assert outcome((Mta.EXIM, "4.92-8+deb10u9")) is Outcome.UNKNOWN


def test_policy_may_name_a_least_version_of_its_own() -> None:
    assert outcome((Mta.POSTFIX, "3.7.11"), minimum=("postfix 3.7.11",)) is Outcome.PASS
    assert outcome((Mta.EXIM, "4.99.3"), minimum=("exim 4.99.4",)) is Outcome.FAIL


def test_files_alone_do_not_say_the_version() -> None:
    assert outcome((Mta.POSTFIX, None)) is Outcome.UNKNOWN


def test_host_without_mail_program_is_not_applicable() -> None:
    assert outcome() is Outcome.NOT_APPLICABLE
