"""Programs of one host are read together: what is broken in one leaves the others alone."""

import dataclasses

import pytest

from audits.collect.configured import KINDS, Installed, configured, read_programs
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Observed, Provenance
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from tests.build import AS_OF, judge, roles
from tests.misconfigurations import AUDITS, HOST, ROLES, Case, cases

HERE = Provenance("test", "here", AS_OF, "files under review")
SOUND = {case.mta: case for case in reversed(cases("right"))}

# What a line at the end of a file breaks, where, and what should stand there.
BROKEN = [
    (Mta.POSTFIX, "main.cf", "broken line\n", "`name = value`", 8),
    (Mta.POSTFIX, "master.cf", "smtp inet n\n", "the columns", 12),
    (Mta.EXIM, "exim4.conf", "daemon_smtp_ports 25\n", "`=` after a name", 19),
    (Mta.DOVECOT, "dovecot.conf", "ssl required\n", "`name = value`", 1),
    (Mta.OPENSMTPD, "smtpd.conf", "listen on\n", "an interface", 10),
    (Mta.SENDMAIL, "sendmail.mc", "define(`confX', `a\n", "a `)`", 1),
]


def read(*found: Case) -> dict[Mta, Reading]:
    """What the files of all programs say, which stand in one tree."""
    files = {path: ConfigText(path, text) for case in found for path, text in case.texts.items()}
    installed = [Installed(case.mta, case.place, case.version) for case in found]
    readings = read_programs(ConfigTree(files), installed)
    assert all(isinstance(each, Reading) for each in readings)
    return {each.program.mta: each for each in readings if isinstance(each, Reading)}


def broken(mta: Mta, file: str, line: str) -> Case:
    sound = SOUND[mta]
    texts = {path: text + line * path.endswith(file) for path, text in sound.texts.items()}
    return dataclasses.replace(sound, texts=texts)


def results(readings: dict[Mta, Reading]) -> dict[str, Result]:
    seen = configured(HOST, list(readings.values()), KINDS, HERE)
    facts = [each.fact for each in seen if isinstance(each, Observed)]
    return {audit.id: judge(audit, HOST, roles(HOST.name, *ROLES), *facts) for audit in AUDITS}


def test_every_program_has_a_broken_file_here() -> None:
    assert {mta for mta, *_ in BROKEN} == set(Mta) == SOUND.keys()


@pytest.mark.parametrize(("mta", "file", "line", "expected", "column"), BROKEN)
def test_broken_file_is_told_and_the_other_programs_are_read_as_ever(
    mta: Mta, file: str, line: str, expected: str, column: int
) -> None:
    sound = read(*SOUND.values())
    found = read(broken(mta, file, line), *(SOUND[other] for other in Mta if other is not mta))
    last = next(text for path, text in SOUND[mta].texts.items() if path.endswith(file))
    (problem,) = (each for each in found[mta].program.problems if each.fatal)
    at = problem.place
    assert (at.file.endswith(file), at.line, at.column) == (True, last.count("\n") + 1, column)
    assert problem.expected.startswith(expected) or expected in problem.message
    for other in Mta:
        if other is not mta:
            assert found[other] == sound[other]


@pytest.mark.parametrize(("mta", "file", "line", "expected", "column"), BROKEN)
def test_broken_file_fails_at_its_line_while_other_audits_go_on(
    mta: Mta, file: str, line: str, expected: str, column: int
) -> None:
    found = results(read(broken(mta, file, line), *(SOUND[o] for o in Mta if o is not mta)))
    invalid = found["mta-config-valid"]
    assert invalid.outcome is Outcome.FAIL
    at = invalid.violations[0].evidence[0].place
    assert at is not None
    assert (at.file.endswith(file), at.column) == (True, column)
    assert Outcome.ERROR not in {each.outcome for each in found.values()}
    assert found["mta-relay-rule-safe"].outcome is Outcome.PASS


@pytest.mark.parametrize(("file", "kept"), [("main.cf", "master.cf"), ("master.cf", "main.cf")])
def test_other_file_of_the_same_program_is_judged_too(file: str, kept: str) -> None:
    wrong = {"main.cf": "smtpd_tls_auth_onyl = yes\n", "master.cf": "  -o x = y\n"}
    line = {"main.cf": "broken line\n", "master.cf": "smtp inet n\n"}[file]
    case = broken(Mta.POSTFIX, file, line)
    texts = {path: text + wrong[kept] * path.endswith(kept) for path, text in case.texts.items()}
    (found,) = read(dataclasses.replace(case, texts=texts)).values()
    told = {problem.place.file.rpartition("/")[2] for problem in found.program.problems}
    assert told == {file, kept}
