"""mta-auth-throttled."""

import msgspec

from audits.catalog.mta.auth_throttled import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.mta import Mta, MtaListeners, MtaPrograms, Question, Ruling
from audits.subject import Role
from tests.build import judge, roles
from tests.catalog.mta.configured import HOST, of
from tests.parse.postfix.configs import reading


def test_limit_passes() -> None:
    assert of(evaluate, "smtpd_client_auth_rate_limit = 10\n").outcome is Outcome.PASS


def test_what_stands_outside_the_files_is_left_open() -> None:
    assert of(evaluate).outcome is Outcome.UNKNOWN


def test_program_that_says_it_does_not_fails() -> None:
    found = reading()
    no = Ruling(Question.AUTH_THROTTLED, "no", "auth_failure_delay = 0", ())
    program = msgspec.structs.replace(found.program, mta=Mta.DOVECOT, rulings=(no,))
    programs = MtaPrograms(HOST, (program,))
    listeners = MtaListeners(HOST, ())
    result = judge(evaluate, HOST, roles(HOST.name, Role.MSA), programs, listeners)
    assert result.outcome is Outcome.FAIL
