"""What a Dovecot does by its files: TLS and logins of each listener, and what is wrong."""

import pytest

from audits.facts.mta import Question
from tests.parse.dovecot.configs import SOUND, SOUND_2_4, listener, reading, ruled


def test_sound_configuration_has_every_answer_right() -> None:
    found = reading(SOUND)
    assert [each.port for each in found.listeners] == [587, 465, 143, 993]
    assert found.program.problems == ()
    for question, answer in (
        (Question.STARTTLS, "yes"),
        (Question.TLS_REQUIRED, "yes"),
        (Question.TLS_WORKS, "yes"),
        (Question.OLD_TLS, "no"),
        (Question.AUTH, "yes"),
        (Question.AUTH_IN_CLEAR, "no"),
        (Question.RELAY, "no"),
        (Question.LOCAL_WITHOUT_LOGIN, "no"),
    ):
        assert ruled(found, 587, question).answer == answer
    assert ruled(found, 465, Question.IMPLICIT_TLS).answer == "yes"
    assert listener(found, 143).ruling(Question.RELAY) is None
    assert [scheme.scheme for scheme in found.program.password_schemes] == ["SHA512-CRYPT"]
    assert found.secret_files == ("/etc/dovecot/private/mx1.key", "/etc/dovecot/users")


def test_sound_configuration_of_2_4_has_every_answer_right() -> None:
    found = reading(SOUND_2_4)
    assert found.program.problems == ()
    assert [each.port for each in found.listeners] == [587, 465, 143, 993]
    assert ruled(found, 587, Question.TLS_WORKS).answer == "yes"
    assert ruled(found, 587, Question.AUTH_IN_CLEAR).answer == "no"
    assert [scheme.scheme for scheme in found.program.password_schemes] == ["ARGON2ID"]
    assert "/etc/dovecot/private/mx1.key" in found.secret_files


@pytest.mark.parametrize(
    ("changed", "port", "question", "answer", "place"),
    [
        ("disable_plaintext_auth = no\nssl = yes\n", 587, Question.AUTH_IN_CLEAR, "yes", 16),
        ("disable_plaintext_auth = no\nssl = yes\n", 143, Question.AUTH_IN_CLEAR, "yes", 16),
        ("disable_plaintext_auth = no\nssl = yes\n", 465, Question.AUTH_IN_CLEAR, "no", None),
        ("disable_plaintext_auth = no\n", 587, Question.AUTH_IN_CLEAR, "no", 2),
        ("login_trusted_networks = 0.0.0.0/0\n", 587, Question.AUTH_IN_CLEAR, "yes", 16),
        ("login_trusted_networks = 10.0.0.0/8\n", 587, Question.AUTH_IN_CLEAR, "no", 2),
        ("ssl = no\n", 587, Question.STARTTLS, "no", 16),
        ("ssl = no\n", 587, Question.AUTH, "no", 16),
        ("ssl = yes\n", 587, Question.TLS_REQUIRED, "yes", 16),
        ("ssl = yes\nauth_mechanisms = plain cram-md5\n", 587, Question.TLS_REQUIRED, "no", 16),
        ("ssl_min_protocol = TLSv1\n", 587, Question.OLD_TLS, "yes", 16),
        ("ssl_cert = /etc/x.pem\n", 587, Question.TLS_WORKS, "no", 16),
        ("ssl_cipher_list = ALL:@SECLEVEL=0\n", 587, Question.WEAK_CIPHERS, "yes", 16),
        ("ssl_cipher_list = ALL:!aNULL:!LOW\n", 587, Question.WEAK_CIPHERS, "no", 16),
        ("login_greeting = Dovecot 2.3.19\n", 587, Question.VERSION_SHOWN, "yes", 16),
        (
            "protocol submission {\n ssl = yes\n disable_plaintext_auth=no\n}\n",
            587,
            Question.AUTH_IN_CLEAR,
            "yes",
            18,
        ),
        (
            "protocol submission {\n ssl = yes\n disable_plaintext_auth=no\n}\n",
            143,
            Question.AUTH_IN_CLEAR,
            "no",
            2,
        ),
        (
            "local 192.0.2.1 {\n protocol imap {\n  ssl_min_protocol = TLSv1.1\n }\n}\n",
            993,
            Question.OLD_TLS,
            "yes",
            18,
        ),
        ("remote 10.0.0.0/8 {\n ssl_min_protocol = TLSv1\n}\n", 993, Question.OLD_TLS, "no", 5),
        ("remote 0.0.0.0/0 {\n ssl = no\n}\n", 587, Question.STARTTLS, "no", 17),
        (
            "local_name old.example.net {\n ssl_min_protocol = TLSv1\n}\n",
            587,
            Question.OLD_TLS,
            "yes",
            17,
        ),
    ],
)
def test_listener_is_judged_as_dovecot_would_act(
    changed: str, port: int, question: Question, answer: str, place: int | None
) -> None:
    ruling = ruled(reading(SOUND + changed), port, question)
    assert ruling.answer == answer
    assert place is None or place in [line.place.line for line in ruling.lines]


@pytest.mark.parametrize(("version", "answer"), [("2.3.14", "yes"), ("2.3.15", "no"), (None, "no")])
def test_oldest_protocol_follows_the_version(version: str | None, answer: str) -> None:
    found = reading(SOUND.replace("ssl_min_protocol = TLSv1.2\n", ""), version=version)
    assert ruled(found, 587, Question.OLD_TLS).answer == answer


@pytest.mark.parametrize(
    ("changed", "answer", "place"),
    [
        ("passdb {\n driver = static\n args = nopassword=y\n}\n", "yes", 18),
        ("passdb {\n driver = static\n args = nopassword=y allow_nets=127.0.0.1\n}\n", "no", None),
        ("passdb {\n driver = static\n args = proxy=y nopassword=y\n}\n", "undecided", 18),
        ("passdb {\n driver = pam\n}\n", "no", None),
        ("auth_mechanisms = plain ANONYMOUS\n", "yes", 16),
    ],
)
def test_login_that_proves_nothing_is_found(changed: str, answer: str, place: int | None) -> None:
    ruling = reading(SOUND + changed).program.ruling(Question.AUTH_PROVES_NOTHING)
    assert ruling is not None
    assert ruling.answer == answer
    assert place is None or [line.place.line for line in ruling.lines] == [place]


def test_static_database_of_2_4_lets_everybody_in() -> None:
    extra = "passdb static {\n  fields {\n    nopassword = yes\n  }\n}\n"
    ruling = reading(SOUND_2_4 + extra).program.ruling(Question.AUTH_PROVES_NOTHING)
    assert ruling is not None
    assert ruling.answer == "yes"


def test_passwords_in_clear_are_allowed_in_2_4_by_its_own_name() -> None:
    found = reading(SOUND_2_4.replace("required", "yes") + "auth_allow_cleartext = yes\n")
    assert ruled(found, 587, Question.AUTH_IN_CLEAR).answer == "yes"


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ("", "yes"),
        ("auth_failure_delay = 0\n", "yes"),
        (
            "auth_failure_delay = 0\nservice anvil {\n"
            " unix_listener anvil-auth-penalty {\n  mode = 0\n }\n}\n",
            "no",
        ),
    ],
)
def test_guessing_is_slowed_by_delay_or_penalty(changed: str, answer: str) -> None:
    ruling = reading(SOUND + changed).program.ruling(Question.AUTH_THROTTLED)
    assert ruling is not None
    assert ruling.answer == answer


@pytest.mark.parametrize(
    ("changed", "message", "place", "fatal"),
    [
        ("ssl_cert = /etc/x.pem\n", "no `<` before", "dovecot.conf:16", True),
        ("ssl = maybe\n", "no value of its type", "dovecot.conf:16", True),
        ("disable_plaintext_auth = nope\n", "no value of its type", "dovecot.conf:16", True),
        ("ssl_min_protocol = TLS1.2\n", "no value of its type", "dovecot.conf:16", True),
        ("ssl_min_protcol = TLSv1.2\n", "no setting", "dovecot.conf:16", True),
        ("port = 25\n", "no setting", "dovecot.conf:16", True),
        ("ssl_protocols = !SSLv3\n", "obsolete", "dovecot.conf:16", False),
        ("passdb {\n driver = pam\n", "never closed", "dovecot.conf:16", True),
        ("}\n", "closes nothing", "dovecot.conf:16", True),
        ("ssl_cert\n", "'ssl_cert'", "dovecot.conf:16", True),
        ("!include dovecot.conf\n", "includes itself", "dovecot.conf:16", True),
        (
            "service auth {\n inet_listener x {\n  port = y\n }\n}\n",
            "is no port",
            "dovecot.conf:18",
            True,
        ),
    ],
)
def test_problem_is_told_with_its_place(
    changed: str, message: str, place: str, fatal: bool
) -> None:
    found = reading(SOUND + changed).program.problems
    told = [(p.message, str(p.place), p.fatal) for p in found]
    assert any(message in text and at == place and stops is fatal for text, at, stops in told)


def test_settings_of_2_3_are_unknown_to_2_4() -> None:
    (problem,) = reading(SOUND_2_4 + "disable_plaintext_auth = yes\n").program.problems
    assert "auth_allow_cleartext" in problem.expected


def test_included_files_are_read_where_they_stand() -> None:
    files = {
        "/etc/dovecot/conf.d/10-ssl.conf": "ssl = yes\n!include /etc/dovecot/deeper.conf\n",
        "/etc/dovecot/conf.d/20-auth.conf": "disable_plaintext_auth = no\n",
        "/etc/dovecot/deeper.conf": "ssl_min_protocol = TLSv1\n",
    }
    found = reading(SOUND + "!include conf.d/*.conf\n!include_try local.conf\n", files)
    clear = ruled(found, 587, Question.AUTH_IN_CLEAR)
    assert "/etc/dovecot/conf.d/20-auth.conf:1" in [str(line.place) for line in clear.lines]
    assert ruled(found, 587, Question.OLD_TLS).answer == "yes"
    assert found.program.unread == ()


def test_file_that_nobody_supplied_is_named() -> None:
    found = reading(SOUND + "!include conf.d/*.conf\n")
    assert found.program.unread == ("/etc/dovecot/conf.d/*.conf was not supplied",)


def test_what_a_missing_file_may_set_is_left_open() -> None:
    found = reading("protocols = submission\nssl = required\n!include auth.conf\n")
    proves = found.program.ruling(Question.AUTH_PROVES_NOTHING)
    assert proves is not None
    assert (proves.answer, proves.why) == ("undecided", "/etc/dovecot/auth.conf was not supplied")
    assert ruled(found, 587, Question.OLD_TLS).answer == "undecided"
    assert ruled(found, 587, Question.TLS_REQUIRED).answer == "yes"
    assert ruled(found, 587, Question.RELAY).answer == "no"


def test_scheme_stands_in_the_file_of_a_database() -> None:
    text = "passdb {\n driver = sql\n args = /etc/dovecot/sql.conf.ext\n}\n"
    sql = "connect = host=db password=geheim\ndefault_pass_scheme = PLAIN-MD5\n"
    found = reading(text, {"/etc/dovecot/sql.conf.ext": sql})
    (scheme,) = found.program.password_schemes
    assert (scheme.scheme, str(scheme.line.place)) == ("PLAIN-MD5", "/etc/dovecot/sql.conf.ext:2")
    assert "geheim" not in f"{found}"
    assert found.secret_files == ("/etc/dovecot/sql.conf.ext",)


def test_secrets_are_left_out() -> None:
    found = reading(
        "submission_relay_password = geheim\nssl_key = geheim\nssl_key_password geheim\n"
        "passdb {\n driver = static\n args = user=x password=geheim\n}\n"
    )
    assert "geheim" not in f"{found}"


def test_listeners_on_loopback_are_told() -> None:
    assert listener(reading(SOUND + "listen = 127.0.0.1, ::1\n"), 587).loopback
    own = "service imap-login {\n inet_listener imap {\n  address = 127.0.0.1\n }\n}\n"
    assert listener(reading(SOUND + own), 143).loopback
    assert not listener(reading(SOUND + own), 993).loopback


def test_listener_with_port_0_is_off() -> None:
    own = "service/imap-login/inet_listener/imap/port = 0\n"
    assert [each.port for each in reading(SOUND + own).listeners] == [587, 465, 993]
