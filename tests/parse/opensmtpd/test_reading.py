"""What an OpenSMTPD does by smtpd.conf: rules, TLS and logins of each listener, what is wrong."""

import pytest

from audits.facts.mta import Question
from tests.parse.opensmtpd.configs import OLD, SOUND, listener, reading, ruled

RULES = '{}\naction "l" maildir\naction "r" relay\nlisten on all\n'


def relayed(*rules: str, extra: str = "", files: dict[str, str] | None = None) -> str:
    text = RULES.format(extra) + "\n".join(rules) + "\n"
    found = reading(text, files)
    assert found.program.problems == (), found.program.problems
    return ruled(found, 25, Question.RELAY).answer


@pytest.mark.parametrize("text", [SOUND, OLD])
def test_sound_configuration_has_every_answer_right(text: str) -> None:
    found = reading(text)
    assert found.program.problems == ()
    assert ruled(found, 25, Question.RELAY).answer == "no"
    assert ruled(found, 25, Question.LOCAL_WITHOUT_LOGIN).answer == "yes"
    assert ruled(found, 25, Question.STARTTLS).answer == "yes"
    assert ruled(found, 587, Question.TLS_REQUIRED).answer == "yes"
    assert ruled(found, 587, Question.TLS_WORKS).answer == "yes"
    assert ruled(found, 587, Question.AUTH).answer == "yes"
    assert ruled(found, 587, Question.AUTH_IN_CLEAR).answer == "no"
    assert ruled(found, 587, Question.LOCAL_WITHOUT_LOGIN).answer == "no"
    assert found.secret_files == ("/etc/ssl/private/mx1.key", "/etc/mail/logins")


@pytest.mark.parametrize(
    ("rules", "answer"),
    [
        (['match from any for any action "r"'], "yes"),
        (['match from src 0.0.0.0/0 for any action "r"'], "yes"),
        (["match from src { 10.0.0.0/8, 128.0.0.0/1 } for any action r"], "yes"),
        (['match from mail-from "@example.net" for any action "r"'], "yes"),
        (['match from any mail-from "@example.net" for any action "r"'], "yes"),
        (['match from any helo "mx.example.net" for any action "r"'], "yes"),
        (['match from rdns "mx.example.net" for any action "r"'], "yes"),
        (["match !from local for any action r"], "yes"),
        (["match !from src 10.0.0.0/8 for any action r"], "yes"),
        (["match from any !for local action r"], "yes"),
        (['match from any !for domain "example.net" action "r"'], "yes"),
        (['match from any for domain "*" action "r"'], "yes"),
        (['match from any for domain regex ".*" action "r"'], "yes"),
        (["match from any !auth for any action r"], "yes"),
        (['match from any for rcpt-to "@" action r'], "yes"),
        (["match for any action r"], "no"),
        (["match from local for any action r"], "no"),
        (["match auth from any for any action r"], "no"),
        (["match from auth for any action r"], "no"),
        (["match from src 10.0.0.0/8 for any action r"], "no"),
        (["match from any for domain { a.example, b.example } action r"], "no"),
        (['match from any for domain regex "^mx\\.example\\.net$" action r'], "no"),
        (["match from any for any action l", "match from any for any action r"], "no"),
        (["match from any reject", "match from any for any action r"], "yes"),
        (["match from any for any reject", "match from any for any action r"], "no"),
        (["match !auth from any for any reject", "match from any for any action r"], "no"),
        (
            ['match from any mail-from "@x" for any reject', "match from any for any action r"],
            "yes",
        ),
        (["match tls from any for any action r"], "no"),
        (["match !tls from any for any action r"], "yes"),
        (["match tag X from any for any action r"], "no"),
        ([], "no"),
    ],
)
def test_first_rule_that_matches_decides(rules: list[str], answer: str) -> None:
    assert relayed(*rules) == answer


def test_tables_decide_with_what_stands_in_them() -> None:
    rule = "match from src <relays> for any action r"
    wide = {"/etc/relays": "# ours\n10.0.0.0/8\n0.0.0.0/0\n"}
    assert relayed(rule, extra="table relays { 10.0.0.0/8 }") == "no"
    assert relayed(rule, extra="table relays { 0.0.0.0/0 }") == "yes"
    assert relayed(rule, extra="table relays file:/etc/relays", files=wide) == "yes"
    assert relayed(rule, extra="table relays file:/etc/relays") == "undecided"


def test_reject_by_a_table_that_nobody_supplied_leaves_open_what_follows() -> None:
    rules = ["match from src <bad> for any reject", "match from any for any action r"]
    assert relayed(*rules, extra="table bad file:/etc/bad") == "undecided"


def test_networks_that_rules_trust_are_told() -> None:
    table = "table relays file:/etc/relays"
    text = RULES.format(table) + "match from src <relays> for any action r\n"
    found = reading(text, {"/etc/relays": "10.20.0.0/16\n"})
    assert [(each.prefix, str(each.line.place)) for each in found.networks if each.line] == [
        ("10.20.0.0/16", "smtpd.conf:5")
    ]
    assert reading(text).networks_open == "table relays was not supplied"


def test_lines_that_decide_are_the_rule_its_table_and_its_action() -> None:
    text = RULES.format("table t { 0.0.0.0/0 }") + "match from src <t> for any action r\n"
    relay = ruled(reading(text), 25, Question.RELAY)
    assert [line.place.line for line in relay.lines] == [5, 1, 3]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("accept from any for any relay", "yes"),
        ("accept from source 0.0.0.0/0 for any relay", "yes"),
        ('accept from any sender "@example.net" for any relay via "smtp://a.example"', "yes"),
        ("accept from any for ! domain example.net relay", "yes"),
        ("accept from ! source <office> for any relay", "yes"),
        ("accept for any relay", "no"),
        ("accept from local for any relay", "no"),
        ("accept from source <office> for any relay", "no"),
        ('accept from any for domain "example.net" relay backup', "no"),
        ("accept from any for any deliver to mbox", "no"),
        ("reject from any for any\naccept from any for any relay", "no"),
    ],
)
def test_rule_of_the_old_grammar_decides(rule: str, answer: str) -> None:
    found = reading(f"table office {{ 10.0.0.0/8 }}\nlisten on all\n{rule}\n")
    assert found.program.problems == ()
    assert ruled(found, 25, Question.RELAY).answer == answer


def test_rules_of_the_old_grammar_stop_a_new_version() -> None:
    found = reading("accept from any for any relay\n", version="6.8.0p2")
    assert [p.fatal for p in found.program.problems] == [True]
    assert "`accept`" in found.program.problems[0].message


@pytest.mark.parametrize(
    ("line", "port", "question", "answer"),
    [
        ("listen on eth0 port 587 tls pki x auth-optional <u>", 587, Question.TLS_REQUIRED, "no"),
        ("listen on eth0 port 587 tls pki x auth-optional <u>", 587, Question.AUTH, "yes"),
        (
            "listen on eth0 port 587 tls pki x auth-optional <u>",
            587,
            Question.LOCAL_WITHOUT_LOGIN,
            "yes",
        ),
        ("listen on eth0 port 587 tls pki x auth", 587, Question.TLS_REQUIRED, "yes"),
        ("listen on eth0 port submission tls-require pki x auth", 587, Question.AUTH, "yes"),
        ("listen on eth0 smtps pki x", 465, Question.IMPLICIT_TLS, "yes"),
        ("listen on eth0 smtps pki x", 465, Question.STARTTLS, "no"),
        ("listen on eth0", 25, Question.STARTTLS, "no"),
        ("listen on eth0 tls pki y", 25, Question.TLS_WORKS, "no"),
        ('listen on eth0 tls pki x protocols "TLSv1.2,TLSv1.3"', 25, Question.OLD_TLS, "no"),
        ('listen on eth0 tls pki x protocols "legacy"', 25, Question.OLD_TLS, "yes"),
        ('listen on eth0 tls pki x protocols "TLSv1.2"', 25, Question.TLS_1_3, "no"),
        ('listen on eth0 tls pki x ciphers "ALL:aNULL"', 25, Question.WEAK_CIPHERS, "yes"),
        ("listen on eth0 tls pki x auth-optional senders <u>", 25, Question.SENDER_OF_OTHERS, "no"),
    ],
)
def test_listener_is_judged_as_smtpd_would_act(
    line: str, port: int, question: Question, answer: str
) -> None:
    extra = 'pki x cert "/c"\npki x key "/k"\ntable u { u = p }\n' + line
    text = RULES.replace("listen on all\n", "").format(extra)
    found = reading(text + 'match from any for domain example.net action "l"\n')
    assert ruled(found, port, question).answer == answer


def test_first_versions_speak_old_tls() -> None:
    assert ruled(reading(SOUND, version="6.8.0p2"), 25, Question.OLD_TLS).answer == "yes"
    assert ruled(reading(SOUND, version="7.4.0"), 25, Question.OLD_TLS).answer == "no"


def test_filters_of_a_listener_come_before_its_rules() -> None:
    rule = "match from any for any action r"
    text = RULES.replace("all\n", 'all filter "f"\n') + f"{rule}\n"
    for line, answer in (
        ('filter f phase rcpt-to match !auth reject "550 no"', "no"),
        ('filter f phase connect match !rdns disconnect "550 no"', "yes"),
        ("filter f phase connect match !src <t> junk\ntable t { 10.0.0.1 }", "yes"),
        ('filter f phase connect match src <t> disconnect "550 no"\ntable t file:/t', "undecided"),
        ('filter f proc-exec "filter-rspamd"', "yes"),
    ):
        assert ruled(reading(text.format(line)), 25, Question.RELAY).answer == answer


@pytest.mark.parametrize(
    ("text", "addresses", "loopback"),
    [
        ("listen on all\n", (), False),
        ("listen on 0.0.0.0\n", (), False),
        ("listen on 192.0.2.7\n", ("192.0.2.7",), False),
        ("listen on localhost\n", ("127.0.0.1", "::1"), True),
        ("listen on lo0\n", ("127.0.0.1", "::1"), True),
        ("listen on egress\n", (), False),
        ("", ("127.0.0.1", "::1"), True),
    ],
)
def test_addresses_of_a_listener_are_told(
    text: str, addresses: tuple[str, ...], loopback: bool
) -> None:
    only = listener(reading(text), 25)
    assert (only.addresses, only.loopback) == (addresses, loopback)


def test_socket_is_no_listener() -> None:
    assert reading("listen on socket\n").listeners == ()


def test_macros_includes_and_joined_lines_are_read() -> None:
    files = {"/etc/mail/rules.conf": 'action r relay\nmatch from any \\\n for any action "r" # x\n'}
    found = reading(
        'lan = "all port 2525"\nlisten on $lan\ninclude "/etc/mail/rules.conf"\n', files
    )
    relay = ruled(found, 2525, Question.RELAY)
    assert relay.answer == "yes"
    assert str(relay.lines[0].place) == "/etc/mail/rules.conf:2"


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("foo\n", "'foo'", 1),
        ("listen on $nope\n", "'$nope'", 11),
        ("listen on lo port x\n", "'x'", 19),
        ("listen on lo tls smtps\n", "`smtps` after another", 18),
        ("listen on lo auth\n", "without TLS", 1),
        ("listen on lo tls pki nope\n", "pki nope is not declared", 1),
        ("listen on lo tls\n", "without `pki`", 1),
        ('match from any for any action "nope"\n', "'nope'", 31),
        ("action l maildir\naction l maildir\n", "second action", 8),
        ("action l maildir\nmatch from any from any for any action l\n", "after another", 16),
        ("action l maildir\nmatch from src <nope> action l\n", "table nope is not declared", 1),
        ('action l maildir\nmatch for domain "a action l\n', "'\"a action l'", 18),
        ('include "/etc/smtpd.conf"\n', "includes itself", 9),
        ("table a { 1.2.3.4,\n", "may not stand in `table`", 19),
    ],
)
def test_problem_is_told_with_its_place(text: str, message: str, column: int) -> None:
    found = [p for p in reading(text, version="7.4.0").program.problems if message in p.message]
    assert found, reading(text).program.problems
    assert found[0].fatal
    assert found[0].expected
    assert (found[0].place.line, found[0].place.column) == (text.count("\n"), column)


def test_file_that_nobody_supplied_is_named() -> None:
    found = reading('listen on all\ninclude "/etc/mail/other.conf"\n')
    assert "other.conf" in found.program.unread[0]
    assert ruled(found, 25, Question.RELAY).answer == "undecided"


def test_secrets_are_left_out() -> None:
    found = reading(
        "srs key geheim\nqueue encryption geheim\nsrs geheim\n"
        "table logins { alice = geheim }\ntable logins { alice = geheim\n"
        'action "r" relay host smtp+tls://alice:geheim@relay.example.net\n'
        "match from any for any action r\n"
    )
    assert "geheim" not in f"{found}"
    assert len(found.program.problems) == 2


def test_passwords_for_a_relay_are_named_for_their_permissions() -> None:
    text = (
        "table secrets file:/etc/mail/secrets\n"
        'action "r" relay host smtp+tls://me@relay.example.net auth <secrets>\n'
    )
    assert reading(text).secret_files == ("/etc/mail/secrets",)


def test_relaying_in_clear_is_no_tls_when_sending() -> None:
    for host, answer in (("smtp+notls", "no"), ("smtp+tls", "yes"), ("smtp", "yes")):
        text = f'action "r" relay host {host}://relay.example.net\n'
        ruling = reading(text).program.ruling(Question.OUTBOUND_TLS)
        assert ruling is not None
        assert ruling.answer == answer
