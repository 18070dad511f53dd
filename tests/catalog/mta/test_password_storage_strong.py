"""mta-password-storage-strong."""

from audits.catalog.mta.password_storage_strong import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.mta import MtaPrograms
from audits.subject import Role
from tests.build import judge, roles
from tests.catalog.mta.configured import HOST, places
from tests.parse.dovecot.configs import SOUND, SOUND_2_4, reading
from tests.parse.postfix.configs import reading as postfix


def of(text: str, **params: tuple[str, ...]) -> Result:
    programs = MtaPrograms(HOST, (reading(text).program,))
    return judge(evaluate, HOST, roles(HOST.name, Role.MSA), programs, **params)


def test_slow_function_passes() -> None:
    assert of(SOUND).outcome is Outcome.PASS
    assert of(SOUND_2_4).outcome is Outcome.PASS
    assert of(SOUND.replace("SHA512-CRYPT", "ssha256.b64"), allow=("ssha256",)).outcome is (
        Outcome.PASS
    )


def test_digest_fails_at_its_line() -> None:
    result = of(SOUND.replace("SHA512-CRYPT", "PLAIN-MD5"))
    assert result.outcome is Outcome.FAIL
    assert places(result) == ["dovecot.conf:8"]
    assert "PLAIN-MD5" in result.violations[0].message


def test_plain_text_beside_a_strong_scheme_fails() -> None:
    more = "passdb {\n driver = passwd-file\n args = scheme=PLAIN /etc/others\n}\n"
    assert places(of(SOUND + more)) == ["dovecot.conf:18"]


def test_database_that_names_no_scheme_is_left_open() -> None:
    assert of("passdb {\n driver = pam\n}\n").outcome is Outcome.UNKNOWN


def test_program_without_passwords_is_not_applicable() -> None:
    programs = MtaPrograms(HOST, (postfix().program,))
    result = judge(evaluate, HOST, roles(HOST.name, Role.MSA), programs)
    assert result.outcome is Outcome.NOT_APPLICABLE
