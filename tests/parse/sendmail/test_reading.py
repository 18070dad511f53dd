"""What a Sendmail does by sendmail.mc: relay, TLS and logins of each daemon, what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.fact import Silence
from audits.facts.mta import ConfiguredListener, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.sendmail.macro import Call, calls
from audits.parse.sendmail.reading import read_sendmail

SOUND = """\
divert(-1)dnl
# FEATURE(`promiscuous_relay') is what nobody wants.
divert(0)dnl
VERSIONID(`mx1')dnl
OSTYPE(`linux')dnl
define(`confSERVER_CERT', `/etc/mail/tls/mx1.pem')dnl
define(`confSERVER_KEY', `/etc/mail/tls/mx1.key')dnl
define(`confSERVER_SSL_OPTIONS', `+SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
define(`confAUTH_OPTIONS', `A p y')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
define(`confPRIVACY_FLAGS', `goaway')dnl
define(`confSMTP_LOGIN_MSG', `$j ESMTP')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access')dnl
DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl
DAEMON_OPTIONS(`Port=submission, Name=MSA, M=Ea')dnl
DAEMON_OPTIONS(`Port=smtps, Name=TLS, M=Eas')dnl
MAILER(`smtp')dnl
"""
ACCESS = "Connect:127.0.0.1 RELAY\nConnect:10.20.0 RELAY # office\nspam.example REJECT\n"


def reading(
    extra: str = "",
    *,
    without: str = "",
    access: str | None = ACCESS,
    files: dict[str, str] | None = None,
    version: str | None = None,
) -> Reading:
    lines = SOUND.splitlines(keepends=True)
    kept = [line for line in lines if not without or without not in line]
    texts = {"/etc/mail/sendmail.mc": ConfigText("sendmail.mc", "".join(kept) + extra)}
    others = dict(files or {}) | ({"/etc/mail/access": access} if access is not None else {})
    texts |= {path: ConfigText(path, text) for path, text in others.items()}
    found = read_sendmail(ConfigTree(texts), "/etc/mail/sendmail.mc", version)
    assert not isinstance(found, Silence)
    return found


def listener(found: Reading, port: int) -> ConfiguredListener:
    (only,) = [listener for listener in found.listeners if listener.port == port]
    return only


def ruled(found: Reading, port: int, question: Question) -> Ruling:
    ruling = listener(found, port).ruling(question)
    assert ruling is not None
    return ruling


def test_sound_configuration_has_every_answer_right() -> None:
    found = reading(version="8.18.1")
    assert found.program.problems == ()
    assert [each.port for each in found.listeners] == [25, 587, 465]
    for port, question, answer in (
        (25, Question.RELAY, "no"),
        (25, Question.STARTTLS, "yes"),
        (25, Question.TLS_WORKS, "yes"),
        (25, Question.OLD_TLS, "no"),
        (25, Question.BARE_NEWLINE, "no"),
        (25, Question.VRFY, "no"),
        (25, Question.VERSION_SHOWN, "no"),
        (25, Question.LOCAL_WITHOUT_LOGIN, "yes"),
        (587, Question.LOCAL_WITHOUT_LOGIN, "no"),
        (587, Question.TLS_REQUIRED, "yes"),
        (587, Question.AUTH, "yes"),
        (587, Question.AUTH_IN_CLEAR, "no"),
        (465, Question.IMPLICIT_TLS, "yes"),
    ):
        assert ruled(found, port, question).answer == answer, question
    assert found.secret_files == ("/etc/mail/tls/mx1.key",)
    assert [each.prefix for each in found.networks] == ["127.0.0.1/32", "10.20.0.0/24"]


@pytest.mark.parametrize(
    ("extra", "access", "answer", "place"),
    [
        ("FEATURE(`promiscuous_relay')dnl\n", ACCESS, "yes", "sendmail.mc:20"),
        ("FEATURE(promiscuous_relay)dnl\n", ACCESS, "yes", "sendmail.mc:20"),
        ("FEATURE(`relay_local_from')\n", ACCESS, "yes", "sendmail.mc:20"),
        ("FEATURE(`relay_based_on_MX')\n", ACCESS, "yes", "sendmail.mc:20"),
        ("FEATURE(`loose_relay_check')\n", ACCESS, "yes", "sendmail.mc:20"),
        ("dnl FEATURE(`promiscuous_relay')\n", ACCESS, "no", None),
        ("# FEATURE(`promiscuous_relay')\n", ACCESS, "no", None),
        ("`FEATURE(promiscuous_relay)'\n", ACCESS, "no", None),
        ("", None, "undecided", "sendmail.mc:15"),
        ("", "Connect:0 RELAY\nConnect: RELAY\n", "yes", "/etc/mail/access:2"),
        ("", "To:com RELAY\n", "yes", "/etc/mail/access:1"),
        ("", "To:example.com RELAY\n", "no", None),
        ("", "Connect:localhost RELAY\n", "no", None),
        ("", "From:example.com RELAY\n", "no", None),
        ("FEATURE(`relay_mail_from')\n", "From:example.com RELAY\n", "yes", "/etc/mail/access:1"),
        ("RELAY_DOMAIN(`example.org')\n", "", "no", None),
        ("RELAY_DOMAIN(`org')\n", "", "yes", "sendmail.mc:20"),
    ],
)
def test_relay_is_decided_by_features_and_access_map(
    extra: str, access: str | None, answer: str, place: str | None
) -> None:
    relay = ruled(reading(extra, access=access), 25, Question.RELAY)
    assert relay.answer == answer
    assert place is None or str(relay.lines[0].place) == place


def test_passwords_for_other_servers_are_named_for_their_permissions() -> None:
    found = reading("FEATURE(`authinfo', `hash -o /etc/mail/logins')\nFEATURE(`authinfo')\n")
    assert found.secret_files == ("/etc/mail/tls/mx1.key", "/etc/mail/authinfo")


def test_file_of_relay_domains_is_read() -> None:
    found = reading(files={"/etc/mail/relay-domains": "# ours\nexample.org\n192.0.2\n"})
    assert "192.0.2.0/24" in [each.prefix for each in found.networks]
    assert ruled(found, 25, Question.RELAY).answer == "no"


def test_submission_without_login_is_there_by_itself() -> None:
    found = reading(without="no_default_msa").program.problems
    assert [problem.kind for problem in found] == ["ignored"]
    alone = reading(without="DAEMON_OPTIONS")
    assert [each.port for each in alone.listeners] == [25]
    both = "".join(line for line in SOUND.splitlines(True) if "DAEMON" not in line)
    tree = ConfigTree({"/m": ConfigText("m", both.replace("FEATURE(`no_default_msa')", ""))})
    found_too = read_sendmail(tree, "/m", None)
    assert not isinstance(found_too, Silence)
    assert [each.port for each in found_too.listeners] == [25, 587]
    assert ruled(found_too, 587, Question.LOCAL_WITHOUT_LOGIN).answer == "yes"


@pytest.mark.parametrize(
    ("without", "extra", "port", "question", "answer"),
    [
        (
            "M=Ea'",
            "DAEMON_OPTIONS(`Port=587, Name=MSA, M=E')\n",
            587,
            Question.LOCAL_WITHOUT_LOGIN,
            "yes",
        ),
        ("M=Eas", "DAEMON_OPTIONS(`P=465, N=X, M=Ea')\n", 465, Question.IMPLICIT_TLS, "no"),
        ("Name=MTA", "DAEMON_OPTIONS(`Port=25, M=S')\n", 25, Question.STARTTLS, "no"),
        ("Name=MTA", "DAEMON_OPTIONS(`Port=25, M=A')\n", 25, Question.AUTH, "no"),
        ("confSERVER_CERT", "", 25, Question.STARTTLS, "no"),
        ("confSERVER_CERT", "", 465, Question.TLS_WORKS, "no"),
        (
            "confAUTH_OPTIONS",
            "define(`confAUTH_OPTIONS', `A')\n",
            25,
            Question.AUTH_IN_CLEAR,
            "yes",
        ),
        (
            "confAUTH_OPTIONS",
            "define(`confAUTH_OPTIONS', `A')\n",
            465,
            Question.AUTH_IN_CLEAR,
            "no",
        ),
        ("confAUTH_OPTIONS", "define(`confAUTH_OPTIONS', `A')\n", 587, Question.TLS_REQUIRED, "no"),
        (
            "confAUTH_MECH",
            "define(`confAUTH_MECHANISMS', `CRAM-MD5')\n",
            25,
            Question.AUTH_IN_CLEAR,
            "no",
        ),
        ("confSERVER_SSL", "", 25, Question.OLD_TLS, "undecided"),
        ("xxx", "define(`confCIPHER_LIST', `ALL:aNULL')\n", 25, Question.WEAK_CIPHERS, "yes"),
        ("confPRIVACY", "", 25, Question.VRFY, "yes"),
        (
            "confPRIVACY",
            "define(`confPRIVACY_FLAGS', `authwarnings,novrfy')\n",
            25,
            Question.VRFY,
            "no",
        ),
        ("confSMTP_LOGIN", "", 25, Question.VERSION_SHOWN, "yes"),
        (
            "confAUTH_",
            "define(`confAUTH_MECHANISMS', `ANONYMOUS')\n",
            25,
            Question.AUTH_PROVES_NOTHING,
            "yes",
        ),
    ],
)
def test_daemon_is_judged_as_sendmail_would_act(
    without: str, extra: str, port: int, question: Question, answer: str
) -> None:
    assert ruled(reading(extra, without=without), port, question).answer == answer


@pytest.mark.parametrize(("version", "answer"), [("8.17.1", "yes"), ("8.18.1", "no"), (None, None)])
def test_bare_newline_follows_the_version(version: str | None, answer: str | None) -> None:
    found = ruled(reading(version=version), 25, Question.BARE_NEWLINE).answer
    assert found == (answer or "undecided")


def test_hosts_of_own_domains_are_neighbours() -> None:
    ruling = reading("FEATURE(`relay_entire_domain')\n").program.ruling(Question.TRUSTS_NEIGHBOURS)
    assert ruling is not None
    assert (ruling.answer, ruling.lines[0].place.line) == ("yes", 20)


@pytest.mark.parametrize(
    ("extra", "message", "line", "column"),
    [
        ("  define(`confX', `y\n", "define(", 20, 3),
        ("FEATURE(`promiscous_relay')\n", "no feature", 20, 1),
        ("`open\n", "a quote", 20, 1),
        ("DAEMON_OPTIONS(`Port=smpt')\n", "the port 'smpt'", 20, 1),
        ("include(`/etc/mail/sendmail.mc')\n", "without end", 20, 1),
    ],
)
def test_problem_is_told_with_its_place(extra: str, message: str, line: int, column: int) -> None:
    found = [p for p in reading(extra).program.problems if message in p.message]
    assert [(p.fatal, p.place.line, p.place.column) for p in found] == [(True, line, column)]
    assert found[0].expected


def test_included_files_are_read_and_named_where_missing() -> None:
    files = {"/etc/mail/site.m4": "FEATURE(`promiscuous_relay')\n"}
    found = reading("include(`/etc/mail/site.m4')\ninclude(`/etc/mail/other.m4')\n", files=files)
    assert str(ruled(found, 25, Question.RELAY).lines[0].place) == "/etc/mail/site.m4:1"
    assert "other.m4" in found.program.unread[0]
    alone = reading("include(`/etc/mail/other.m4')\n")
    assert ruled(alone, 25, Question.RELAY).answer == "undecided"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("define(`a', `b, `c' d')dnl x", [("define", ("a", "b, `c' d"))]),
        ("X(a, (b, c), `d)')", [("X", ("a", "(b, c)", "d)"))]),
        ("define(`a',\n  `b')\nmdnl(c)", [("define", ("a", "b")), ("mdnl", ("c",))]),
        ("define(`a', dnl more\n`b')", [("define", ("a", "b"))]),
        ("X ()", []),
        ("X()", [("X", ("",))]),
    ],
)
def test_calls_are_read_as_by_m4(text: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    found = [(c.name, c.arguments) for c in calls(text, "x") if isinstance(c, Call)]
    assert found == expected


def test_last_definition_counts_until_it_is_taken_back() -> None:
    twice = "define(`confAUTH_OPTIONS', `A')\ndefine(`confAUTH_OPTIONS', `p')\n"
    assert ruled(reading(twice), 25, Question.AUTH_IN_CLEAR).answer == "no"
    undone = "undefine(`confAUTH_OPTIONS')\n"
    assert ruled(reading(undone), 25, Question.AUTH_IN_CLEAR).answer == "yes"


@given(st.text(alphabet="`'(),dnl#FEATUR \n", max_size=80))
def test_any_text_is_calls_or_problems(text: str) -> None:
    assert all(each.line if isinstance(each, Call) else each.expected for each in calls(text, "x"))
