"""mta-config-matches-pinned."""

from typing import Any

from audits.catalog.mta.config_matches_pinned import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason
from audits.facts.mta import MtaPrograms
from audits.facts.pinned import PinnedPrograms
from tests.build import judge, roles, silent
from tests.catalog.mta.configured import HOST
from tests.parse.postfix.configs import MASTER_CF, reading


def of(running: str, pinned: str, *, master: str = MASTER_CF, **params: Any) -> Result:
    """The sound configuration with lines added on the host, and in the repository.

    master: the host's master.cf.
    """
    facts: tuple[Fact, ...] = (
        MtaPrograms(HOST, (reading(running, master=master).program,)),
        PinnedPrograms(HOST, (reading(pinned).program,)),
    )
    return judge(evaluate, HOST, roles(HOST.name), *facts, **params)


def test_host_that_runs_the_repository_passes() -> None:
    assert of("", "").outcome is Outcome.PASS


def test_order_blanks_and_comments_are_no_difference() -> None:
    running = "# by hand\nmessage_size_limit = 1\nalias_maps = hash:/a,   hash:/b\n"
    pinned = "alias_maps = hash:/a,\n  hash:/b\nmessage_size_limit = 1\n"
    assert of(running, pinned).outcome is Outcome.PASS


def test_each_parameter_that_differs_is_shown_with_both_values() -> None:
    result = of("mynetworks = 10.0.0.0/8\nmynetworks_style = host\n", "relay_domains =\n")
    assert result.outcome is Outcome.FAIL
    assert sorted(violation.message for violation in result.violations) == [
        "postfix: mynetworks is '10.0.0.0/8', and the repository has it '127.0.0.0/8'",
        "postfix: mynetworks_style is 'host', and the repository has it not set",
        "postfix: relay_domains is not set, and the repository has it empty",
    ]
    networks = next(v for v in result.violations if "mynetworks is" in v.message)
    assert [str(piece.place) for piece in networks.evidence] == ["main.cf:9", "main.cf:4"]


def test_service_that_differs_is_shown_with_its_own_parameters() -> None:
    service = "[::1]:10025 inet n - n - - smtpd\n  -o mynetworks=0.0.0.0/0\n"
    result = of("", "", master=MASTER_CF + service)
    assert sorted(violation.message for violation in result.violations) == [
        "postfix: [::1]:10025/inet is 'smtpd', and the repository has it not set",
        "postfix: [::1]:10025/inet/mynetworks is '0.0.0.0/0', and the repository has it not set",
    ]
    assert of("", "", master=MASTER_CF + service, ignore=("*:10025/*",)).outcome is Outcome.PASS


def test_parameter_that_may_differ_is_left_alone() -> None:
    result = of("myhostname = mx2.example.net\n", "", ignore=("myhost*",))
    assert result.outcome is Outcome.PASS


def test_other_program_than_the_repository_has_does_not_apply() -> None:
    facts = (MtaPrograms(HOST, (reading().program,)), PinnedPrograms(HOST, ()))
    result = judge(evaluate, HOST, roles(HOST.name), *facts)
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_host_without_files_in_the_repository_does_not_apply() -> None:
    running = MtaPrograms(HOST, (reading().program,))
    result = judge(
        evaluate, HOST, roles(HOST.name), running, silent(PinnedPrograms, HOST, Reason.SKIPPED)
    )
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_host_that_denies_its_files_is_unknown() -> None:
    pinned = PinnedPrograms(HOST, (reading().program,))
    result = judge(
        evaluate, HOST, roles(HOST.name), silent(MtaPrograms, HOST, Reason.DENIED), pinned
    )
    assert result.outcome is Outcome.UNKNOWN
