"""What a Postfix does by its files: relay, TLS and AUTH of each listener, and what is wrong."""

import pytest

from audits.facts.mta import Question
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.postfix.reading import instances
from tests.parse.postfix.configs import MAIN_CF, MASTER_CF, listener, reading, ruled

HIDDEN_LOGIN = "smtpd_sasl_auth_enable = yes\nsmtpd_discard_ehlo_keywords = AUTH\n"
LOGIN_FOR_FEW = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_exceptions_networks = 0.0.0.0/0\n"
KEYWORDS_BY_CLIENT = "smtpd_discard_ehlo_keyword_address_maps = "
NO_TABLE = "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = "


def test_sound_configuration_relays_for_nobody() -> None:
    found = reading()
    relay = ruled(found, 25, Question.RELAY)
    assert (relay.answer, relay.why) == (
        "no",
        "`defer_unauth_destination` refuses mail to domains of others",
    )
    assert ruled(found, 587, Question.RELAY).answer == "no"
    assert ruled(found, 587, Question.LOCAL_WITHOUT_LOGIN).answer == "no"
    assert found.program.problems == ()


@pytest.mark.parametrize(
    ("extra", "files", "why", "lines"),
    [
        ("mynetworks = 127.0.0.0/8, 0.0.0.0/0\n", {}, "trusts 0.0.0.0/0", ["main.cf:8"]),
        ("mynetworks = 127.0.0.0/8\n\n# more\n    [::]/0\n", {}, "trusts ::/0", ["main.cf:11"]),
        ("mynetworks = 0.0.0.0/1 128.0.0.0/1\n", {}, "so everybody", ["main.cf:8"]),
        ("mynetworks = 0.0.0.0/0 !0.0.0.0/0\n", {}, "trusts 0.0.0.0/0", ["main.cf:8"]),
        ("mynetworks = cidr:/nets\n", {"/nets": "0.0.0.0/0 x\n"}, "so everybody", ["/nets:1"]),
        ("mynetworks = /nets\n", {"/nets": "10.0.0.0/8\n0.0.0.0/0\n"}, "so everybody", []),
        ("relay_domains = static:ALL\n", {}, "takes every domain", ["main.cf:9"]),
        ("relay_domains = pcre:/r\n", {"/r": "/.*/ x\n"}, "takes every domain", ["/r:1"]),
        (
            "allow_untrusted_routing = yes\nrelay_domains = customer.example\n",
            {},
            "user%domain@",
            ["main.cf:9", "main.cf:10"],
        ),
        (
            "mydomain = org\nrelay_domains = $config_directory/r $mydomain\n",
            {"/etc/postfix/r": "customer.example\n"},
            "every domain below",
            ["main.cf:9"],
        ),
        (
            "relay_domains = $config_directory/r\n",
            {"/etc/postfix/r": "# all\ncustomer.example\norg\n"},
            "below `org`",
            ["main.cf:9", "/etc/postfix/r:3"],
        ),
        ("relay_domains = org\n", {}, "every domain below", ["main.cf:9"]),
        ("relay_domains = inline:{org=x}\n", {}, "below `org`", ["main.cf:9"]),
        (
            "relay_domains = .org\nparent_domain_matches_subdomains =\n",
            {},
            "every domain below",
            ["main.cf:9"],
        ),
        ("virtual_mailbox_domains = static:x\n", {}, "takes every domain", ["main.cf:9"]),
        ("virtual_alias_maps = static:alice\n", {}, "takes every domain", ["main.cf:9"]),
        (
            NO_TABLE + "check_sender_access hash:/x, reject_unauth_destination\n",
            {"/x": "# ours\nexample.net OK\n"},
            "lets `example.net` through",
            ["main.cf:10", "/x:2"],
        ),
        (
            NO_TABLE + "check_recipient_access hash:/x, reject_unauth_destination\n",
            {"/x": "partner.example OK\n"},
            "lets `partner.example` through",
            ["main.cf:10", "/x:1"],
        ),
        (
            NO_TABLE + "ours, reject_unauth_destination\n"
            "smtpd_restriction_classes = ours\nours = check_helo_access static:OK\n",
            {},
            "lets anything through",
            ["main.cf:12"],
        ),
        (NO_TABLE + "permit_mx_backup, reject_unauth_destination\n", {}, "MX record", []),
        (
            NO_TABLE + "permit_tls_all_clientcerts, reject\n"
            "smtpd_tls_ask_ccert = yes\ntls_append_default_CA = yes\n",
            {},
            "certificate",
            [],
        ),
        (
            NO_TABLE + "permit_mx_backup, reject\npermit_mx_backup_networks = 0.0.0.0/0\n",
            {},
            "MX record",
            [],
        ),
        (NO_TABLE + "warn_if_reject permit, reject_unauth_destination\n", {}, "`permit`", []),
        (
            NO_TABLE + "warn_if_reject check_sender_access static:OK, reject\n",
            {},
            "`check_sender_access static:OK` lets anything",
            [],
        ),
        (
            NO_TABLE + "check_recipient_access inline:{postmaster@=OK}, reject\n",
            {},
            "lets `postmaster@` through",
            [],
        ),
        (
            "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject_unauth_destination\n"
            + NO_TABLE
            + "check_helo_access static:OK, reject\n",
            {},
            "check_helo_access",
            [],
        ),
        (
            NO_TABLE + "check_helo_access static:OK, reject\n"
            "smtpd_data_restrictions = reject_unauth_destination\n",
            {},
            "check_helo_access",
            [],
        ),
        (
            NO_TABLE + "ours, reject\nsmtpd_restriction_classes = ours\nours = permit\n",
            {},
            "`permit`",
            ["main.cf:12"],
        ),
    ],
)
def test_open_relay_is_found_with_the_lines_that_open_it(
    extra: str, files: dict[str, str], why: str, lines: list[str]
) -> None:
    without = "mynetworks" if extra.startswith("mynetworks") else ""
    relay = ruled(reading(extra, without=without, files=files), 25, Question.RELAY)
    assert relay.answer == "yes"
    assert why in relay.why
    assert set(lines) <= {str(line.place) for line in relay.lines}


@pytest.mark.parametrize(
    ("extra", "files"),
    [
        ("mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 10.20.0.0/16\n", {}),
        ("mynetworks = !192.0.2.66 10.0.0.0/8\n", {}),
        ("mynetworks = !0.0.0.0/0 0.0.0.0/0\n", {}),
        ("mynetworks = ![::]/0 [::]/0\n", {}),
        ("smtpd_relay_restrictions = permit_mynetworks\n # all\n reject_unauth_destination\n", {}),
        (NO_TABLE + "reject_unauth_destination, check_sender_access hash:/missing\n", {}),
        (
            NO_TABLE + "check_recipient_access hash:/x, check_client_access hash:/x,\n"
            "  permit_auth_destination, reject_unauth_destination\n",
            {"/x": "spam.example REJECT\nexample.net DUNNO\n"},
        ),
        (
            "smtpd_relay_restrictions = warn_if_reject reject_rbl_client bl.example,\n"
            "  REJECT_UNAUTH_DESTINATION\n",
            {},
        ),
        (NO_TABLE + "permit_tls_all_clientcerts, reject\n", {}),
        (NO_TABLE + "permit_mx_backup, reject\npermit_mx_backup_networks = 10.0.0.0/8\n", {}),
        (NO_TABLE + "permit_dnswl_client list.example, reject_unauth_destination\n", {}),
        ("allow_untrusted_routing = yes\n", {}),
        (
            "allow_untrusted_routing = yes\nrelay_domains = customer.example\n"
            "relay_recipient_maps = hash:/r\n",
            {},
        ),
        ("relay_domains = *\n", {}),
        ("relay_domains = .org\n", {}),
        ("virtual_alias_maps = hash:/v\nrelay_domains = hash:/missing\n", {}),
        (NO_TABLE + "nonsense, check_client_access static:OK, reject\n", {}),
        ("smtpd_sender_restrictions = reject_unauth_destination\n" + NO_TABLE + "reject\n", {}),
        ("smtpd_client_restrictions = permit_mynetworks, reject\n" + NO_TABLE + "reject\n", {}),
        ("relay_domains = hash:/r\n", {"/r": "customer.example OK\n"}),
    ],
)
def test_closed_relay_is_not_accused(extra: str, files: dict[str, str]) -> None:
    without = "mynetworks" if extra.startswith("mynetworks") else ""
    assert ruled(reading(extra, without=without, files=files), 25, Question.RELAY).answer == "no"


@pytest.mark.parametrize(
    ("restrictions", "why"),
    [
        ("check_sender_access hash:/x, reject", "table hash:/x was not supplied"),
        ("check_sender_access ldap:/x.cf, reject", "can't be read from files"),
        ("check_policy_service inet:127.0.0.1:10023, reject", "policy service"),
        ("permit_mynetworks, defer_if_permit", "puts off"),
        (
            "permit_tls_all_clientcerts, reject\n"
            "smtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = /etc/postfix/users.pem",
            "certifies",
        ),
        ("reject_unauth_destination\nrelay_domains = /missing", "/missing was not supplied"),
        ("reject_unauth_destination\nrelay_domains = pcre:/missing", "was not supplied"),
        ("reject_unauth_destination\nvirtual_mailbox_domains = mysql:/x.cf", "can't be read"),
    ],
)
def test_what_files_cannot_tell_is_left_open(restrictions: str, why: str) -> None:
    relay = ruled(reading(NO_TABLE + restrictions + "\n"), 25, Question.RELAY)
    assert relay.answer == "undecided"
    assert why in relay.why


def test_override_of_one_listener_opens_that_one_alone() -> None:
    master = MASTER_CF.replace("permit_sasl_authenticated,reject", "permit")
    found = reading(master=master)
    assert ruled(found, 25, Question.RELAY).answer == "no"
    relay = ruled(found, 587, Question.RELAY)
    assert (relay.answer, [str(line.place) for line in relay.lines]) == ("yes", ["master.cf:5"])


@pytest.mark.parametrize(
    ("extra", "version", "port", "question", "answer"),
    [
        ("", None, 25, Question.STARTTLS, "yes"),
        ("smtpd_tls_security_level = none\n", None, 25, Question.STARTTLS, "no"),
        ("smtpd_tls_security_level =\n", None, 25, Question.STARTTLS, "no"),
        ("smtpd_tls_security_level =\nsmtpd_use_tls = yes\n", None, 25, Question.STARTTLS, "yes"),
        ("smtpd_discard_ehlo_keywords = starttls\n", None, 25, Question.STARTTLS, "no"),
        ("smtpd_tls_chain_files =\n", None, 25, Question.TLS_WORKS, "no"),
        ("smtpd_tls_protocols = !SSLv2, !SSLv3\n", None, 25, Question.OLD_TLS, "yes"),
        ("smtpd_tls_protocols = >=TLSv1.2\n", None, 25, Question.OLD_TLS, "no"),
        ("smtpd_tls_protocols = TLSv1.2 TLSv1.3\n", None, 25, Question.OLD_TLS, "no"),
        ("smtpd_tls_mandatory_protocols = >=TLSv1\n", None, 587, Question.OLD_TLS, "yes"),
        ("smtpd_tls_protocols = !TLSv1.3\n", None, 25, Question.TLS_1_3, "no"),
        ("smtpd_tls_ciphers = low\n", None, 25, Question.WEAK_CIPHERS, "yes"),
        ("tls_medium_cipherlist = ALL:@SECLEVEL=0\n", None, 25, Question.WEAK_CIPHERS, "yes"),
        ("", None, 25, Question.WEAK_CIPHERS, "no"),
        ("smtpd_sasl_auth_enable = yes\n", None, 25, Question.AUTH_IN_CLEAR, "yes"),
        (HIDDEN_LOGIN, None, 25, Question.AUTH_IN_CLEAR, "no"),
        (HIDDEN_LOGIN, None, 25, Question.AUTH, "no"),
        (LOGIN_FOR_FEW, None, 25, Question.AUTH_IN_CLEAR, "yes"),
        (LOGIN_FOR_FEW, None, 25, Question.AUTH, "no"),
        (KEYWORDS_BY_CLIENT + "static:starttls\n", None, 25, Question.STARTTLS, "no"),
        (KEYWORDS_BY_CLIENT + "cidr:/missing\n", None, 25, Question.STARTTLS, "undecided"),
        (KEYWORDS_BY_CLIENT + "inline:{192.0.2.1=starttls}\n", None, 25, Question.STARTTLS, "yes"),
        ("smtpd_tls_protocols = TLSv1.2, !TLSv1.2\n", None, 25, Question.TLS_WORKS, "no"),
        ("smtpd_tls_protocols = TLSv1.9\n", None, 25, Question.TLS_WORKS, "no"),
        ("smtpd_tls_protocols = TLSv1.9\n", None, 587, Question.TLS_WORKS, "yes"),
        ("smtpd_tls_ciphers = strong\n", None, 25, Question.TLS_WORKS, "no"),
        ("smtpd_tls_protocols = >= TLSv1.2\n", None, 25, Question.OLD_TLS, "no"),
        ("smtpd_tls_protocols = >=0303\n", None, 25, Question.OLD_TLS, "no"),
        ("smtpd_tls_protocols = >=0303\n", None, 25, Question.TLS_WORKS, "yes"),
        ("", None, 25, Question.AUTH_IN_CLEAR, "no"),
        ("", None, 587, Question.AUTH_IN_CLEAR, "no"),
        ("smtpd_sasl_security_options =\n", None, 587, Question.AUTH_PROVES_NOTHING, "yes"),
        ("", None, 587, Question.SENDER_OF_OTHERS, "yes"),
        ("", "3.7.11", 25, Question.BARE_NEWLINE, "yes"),
        ("", "3.7.3", 25, Question.BARE_NEWLINE, "yes"),
        ("", "3.9.1", 25, Question.BARE_NEWLINE, "no"),
        ("smtpd_forbid_bare_newline = normalize\n", "3.8.5", 25, Question.BARE_NEWLINE, "no"),
        ("", None, 25, Question.VRFY, "yes"),
        ("smtpd_banner = $myhostname $mail_version\n", None, 25, Question.VERSION_SHOWN, "yes"),
    ],
)
def test_listener_is_judged_as_the_daemon_would_act(
    extra: str, version: str | None, port: int, question: Question, answer: str
) -> None:
    assert ruled(reading(extra, version=version), port, question).answer == answer


def test_users_are_held_to_their_own_senders_where_lists_compare_them() -> None:
    maps = "smtpd_sender_login_maps = hash:/m\n"
    bound = "smtpd_sender_restrictions = reject_sender_login_mismatch\n"
    late = "smtpd_sender_restrictions = permit_sasl_authenticated, reject_sender_login_mismatch\n"
    told = bound.replace("= ", "= warn_if_reject ")
    assert ruled(reading(maps + bound), 587, Question.SENDER_OF_OTHERS).answer == "no"
    assert ruled(reading(maps + told), 587, Question.SENDER_OF_OTHERS).answer == "yes"
    assert ruled(reading(maps + late), 587, Question.SENDER_OF_OTHERS).answer == "yes"


def test_wrapper_mode_is_tls_from_the_start() -> None:
    master = MASTER_CF + "465 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"
    found = reading(master=master + "smtps inet n - n - - smtpd\n")
    first, second = [each for each in found.listeners if each.port == 465]
    answers = [each.ruling(Question.IMPLICIT_TLS).answer for each in (first, second)]  # type: ignore[union-attr]
    assert answers == ["yes", "no"]


@pytest.mark.parametrize(
    ("extra", "master", "place"),
    [
        ("smtpd_relay_restrictions = permit\n", MASTER_CF, ("main.cf", 9, 28)),
        (
            "",
            "smtp inet n - y - - smtpd\n  -o smtpd_relay_restrictions=permit\n",
            ("master.cf", 2, 31),
        ),
    ],
)
def test_lists_that_never_refuse_are_told_where_they_stand(
    extra: str, master: str, place: tuple[str, int, int]
) -> None:
    told = [p for p in reading(extra, master=master).program.problems if p.kind == "missing"]
    at = told[0].place
    assert (at.file, at.line, at.column) == place


def test_postscreen_in_front_is_judged_by_the_service_behind() -> None:
    master = (
        "smtp inet n - y - 1 postscreen\n"
        "smtpd pass - - y - - smtpd\n  -o smtpd_relay_restrictions=permit\n"
    )
    found = reading(master=master)
    assert ruled(found, 25, Question.RELAY).answer == "yes"
    assert ruled(found, 25, Question.STARTTLS).answer == "yes"


@pytest.mark.parametrize(
    ("service", "interfaces", "addresses", "loopback"),
    [
        ("smtp", "all", (), False),
        ("25", "loopback-only", ("127.0.0.1", "::1"), True),
        ("127.0.0.1:25", "all", ("127.0.0.1",), True),
        ("[::1]:smtp", "all", ("::1",), True),
        ("smtp", "192.0.2.1, localhost", ("192.0.2.1", "127.0.0.1", "::1"), False),
    ],
)
def test_addresses_of_a_listener_are_told(
    service: str, interfaces: str, addresses: tuple[str, ...], loopback: bool
) -> None:
    found = reading(f"inet_interfaces = {interfaces}\n", master=f"{service} inet n - y - - smtpd\n")
    only = listener(found, 25)
    assert (only.addresses, only.loopback) == (addresses, loopback)


@pytest.mark.parametrize(
    ("extra", "master", "message", "place", "fatal"),
    [
        ("smtpd_tls_security_level = may # x\n", None, "is no value", "main.cf:9", True),
        ("smtpd_sasl_auth_enable = true\n", None, "is no value", "main.cf:9", True),
        ("smtpd_tls_protocols = TLSv1.2, !TLSv1.2\n", None, "is no value", "main.cf:9", False),
        ("mynetworks = 10.0.0.1/8\n", None, "`10.0.0.0/8`", "main.cf:9", True),
        ("smtpd_tls_ciphers = strong\n", None, "is no value", "main.cf:9", False),
        ("smtpd_tls_auth_onyl = yes\n", None, "no parameter", "main.cf:9", False),
        ("mynetworks = 10.0.0.0/8\n", None, "line 9, which wins", "main.cf:4", False),
        ("smtpd_relay_restrictions = permit, reject\n", None, "refuses", "main.cf:9", True),
        ("myorigin = ${a\n", None, "`myorigin`", "main.cf:9", True),
        ("", MASTER_CF.replace("enable=yes", "enable = yes"), "sets nothing", "master.cf:4", True),
        ("", "smtp inet n\n", "columns", "master.cf:1", True),
        ("broken line\n", None, "broken line", "main.cf:9", True),
        ("", "smtp inet n - y - 1 postscreen\n", "smtpd pass", "master.cf:1", True),
    ],
)
def test_problem_of_the_files_is_told_with_its_place(
    extra: str, master: str | None, message: str, place: str, fatal: bool
) -> None:
    found = reading(extra, master=master or MASTER_CF).program.problems
    told = [(p.message + p.expected, str(p.place), p.fatal) for p in found]
    assert any(message in text and at == place and stops is fatal for text, at, stops in told)


@pytest.mark.parametrize(
    ("extra", "master", "word", "column"),
    [
        ("smtpd_tls_security_level =  may # x\n", None, "is no value", 29),
        ("smtpd_tls_protocols = >=TLSv1.2 !SSLv9\n", None, "is no value", 33),
        ("smtpd_relay_restrictions = permit_mynetwork, reject\n", None, "no restriction", 28),
        ("a word\n", None, "a word", 3),
        ("", MASTER_CF.replace("=encrypt", "=encrypted"), "is no value", 31),
    ],
)
def test_problem_points_at_the_word(extra: str, master: str | None, word: str, column: int) -> None:
    found = reading(extra, master=master or MASTER_CF).program.problems
    assert [p.place.column for p in found if word in p.message] == [column]


def test_restriction_that_does_not_exist_is_told_with_the_nearest() -> None:
    (problem,) = reading("smtpd_relay_restrictions = permit_mynetwork, reject\n").program.problems
    assert (problem.kind, problem.fatal, problem.expected) == (
        "unknown",
        False,
        "`permit_mynetworks`",
    )
    classes = "smtpd_restriction_classes = ours\nours = permit_mynetworks\n"
    lists = "smtpd_relay_restrictions = ours, check_client_access hash:/x, hash:/y, reject\n"
    assert reading(classes + lists).program.problems == ()


def test_names_of_ones_own_are_no_typos() -> None:
    found = reading(
        "mua_recipient_restrictions = permit_sasl_authenticated, reject\n"
        "site = x\nmyorigin = $site\n"
        "smtpd_restriction_classes = greylisted\ngreylisted = reject\n"
        "maildrop_destination_recipient_limit = 1\n"
    )
    assert [p for p in found.program.problems if p.kind == "unknown"] == []


def test_unset_networks_follow_their_style() -> None:
    for style, answer in (("class", "yes"), ("subnet", "yes"), ("host", "no")):
        found = reading(f"mynetworks_style = {style}\n", without="mynetworks")
        ruling = found.program.ruling(Question.TRUSTS_NEIGHBOURS)
        assert ruling is not None
        assert ruling.answer == answer


def test_unset_level_means_the_oldest_defaults() -> None:
    found = reading("", without="compatibility_level")
    relay = ruled(found, 25, Question.RELAY)
    assert relay.answer == "yes"  # smtpd_relay_restrictions is empty below level 1
    assert any(p.kind == "missing" for p in found.program.problems)


def test_secrets_in_a_value_are_left_out() -> None:
    found = reading("smtp_sasl_password_maps = static:user:geheim\n")
    (parameter,) = [p for p in found.program.parameters if p.name == "smtp_sasl_password_maps"]
    assert "geheim" not in f"{parameter}"


def test_key_files_are_named_for_their_permissions() -> None:
    assert reading().secret_files == ("/etc/ssl/mx1.pem",)


def test_blank_that_is_none_to_postfix_parts_no_words() -> None:
    found = reading("smtpd_relay_restrictions = permit_mynetworks,\xa0reject\n")
    assert [p.message for p in found.program.problems if p.kind == "unknown"] == [
        "'\\xa0reject' in smtpd_relay_restrictions is no restriction: smtpd answers 451 there"
    ]


def test_other_instances_are_found_where_they_are_started() -> None:
    folders = "multi_instance_directories = /etc/postfix-out /etc/postfix-off /etc/postfix-gone\n"
    files = {
        "/etc/postfix/main.cf": MAIN_CF + folders,
        "/etc/postfix-out/main.cf": "multi_instance_enable = yes\n",
        "/etc/postfix-off/main.cf": "",
    }
    texts = {path: ConfigText(path, text) for path, text in files.items()}
    assert instances(ConfigTree(texts), "/etc/postfix") == ("/etc/postfix-out",)
    assert reading(folders).program.unread[-1] == (
        "the instance in /etc/postfix-gone: /etc/postfix-gone/main.cf was not supplied"
    )
