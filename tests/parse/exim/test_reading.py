"""A whole Exim configuration is read, and answers what the daemon would do."""

import time

import pytest

from audits.facts.fact import Silence
from audits.facts.mta import Mta, Question
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.exim.defaults import build_of, takes_bare_newlines
from audits.parse.exim.reading import read_exim
from tests.misconfigurations import cases
from tests.parse.exim.configs import PLACE, SOUND, listener, reading, ruled

PRIORITIES = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"
CIPHERS = f"tls_require_ciphers = {PRIORITIES}"


def acl(*lines: str) -> Reading:
    """A configuration with these lines as its ACL for RCPT."""
    start, end = SOUND.index("acl_check_rcpt:\n"), SOUND.index("begin routers")
    body = "".join(f"  {line}\n" for line in lines)
    text = f"{SOUND[:start]}acl_check_rcpt:\n{body}\n{SOUND[end:]}"
    return reading(text=text)


def test_no_file_is_a_silence() -> None:
    assert isinstance(read_exim(ConfigTree({}), PLACE, None), Silence)


def test_listeners_are_those_of_the_ports_and_interfaces() -> None:
    found = reading({"daemon_smtp_ports = 25 : 465 : 587": "daemon_smtp_ports = smtp : 587"})
    assert [(each.name, each.port, each.addresses) for each in found.listeners] == [
        ("port 25", 25, ()),
        ("port 587", 587, ()),
    ]
    found = reading(
        {
            "daemon_smtp_ports = 25 : 465 : 587": "daemon_smtp_ports = 25\n"
            "local_interfaces = <; 127.0.0.1 ; 192.0.2.1.587 ; [::1]:26"
        }
    )
    assert [(each.port, each.addresses, each.loopback) for each in found.listeners] == [
        (25, ("127.0.0.1",), True),
        (587, ("192.0.2.1",), False),
        (26, ("::1",), True),
    ]


def test_default_listener_has_no_line() -> None:
    found = reading(text="primary_hostname = mx1.example.net\n")
    (only,) = found.listeners
    assert (only.port, only.line) == (25, None)


def test_unset_acl_refuses_every_recipient() -> None:
    found = reading(text="primary_hostname = mx1.example.net\n")
    for question in (Question.RELAY, Question.LOCAL_WITHOUT_LOGIN):
        ruling = ruled(found, 25, question)
        assert ruling.answer == "no"
        assert "acl_smtp_rcpt is not set" in ruling.why


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("accept",), "yes"),
        (("deny",), "no"),
        ((), "no"),
        (("accept hosts = *",), "yes"),
        (("accept hosts = !192.0.2.66",), "yes"),
        (("accept hosts = !192.0.2.66 : 10.0.0.0/8",), "no"),
        (("accept hosts = :",), "no"),
        (("accept hosts = <; ::/0",), "yes"),
        (("accept !hosts = 10.0.0.0/8",), "yes"),
        (("accept hosts = partner.example.com : *.example.com",), "no"),
        (("accept hosts = lsearch;/etc/hosts.relay",), "undecided"),
        (("accept authenticated = *",), "no"),
        (("accept !authenticated = *",), "yes"),
        (("accept encrypted = *",), "yes"),
        (("deny !encrypted = *", "accept"), "yes"),
        (("accept senders = *@example.net",), "yes"),
        (("accept senders =",), "no"),
        (("accept local_parts = postmaster",), "yes"),
        (("accept domains = +local_domains",), "no"),
        (("accept domains = *.com",), "yes"),
        (("accept domains = *.example.com",), "no"),
        (("accept domains = *.lan",), "no"),
        (("accept domains = @mx_any",), "yes"),
        (("accept domains = cdb;/etc/exim4/domains.cdb",), "undecided"),
        (("require domains = +local_domains", "accept"), "no"),
        (("require !domains = +local_domains", "accept"), "yes"),
        (("deny !domains = +local_domains", "accept"), "no"),
        (("drop !domains = +local_domains", "accept"), "no"),
        (("defer !domains = +local_domains", "accept"), "no"),
        (("discard",), "no"),
        (("warn", "deny"), "no"),
        (("accept domains = +local_domains", "endpass", "verify = recipient", "accept"), "yes"),
        (("accept endpass", "domains = +local_domains", "accept"), "no"),
        (("deny dnslists = zen.example", "accept"), "yes"),
        (("accept dnslists = allowed.example", "deny"), "yes"),
        (("deny condition = ${lookup{x}lsearch{/x}}", "accept"), "undecided"),
        (("accept condition = ${lookup{x}lsearch{/x}}",), "undecided"),
        (("accept condition = false",), "no"),
        (("accept condition = ${if eq{$sender_helo_name}{secret}}",), "yes"),
        (("accept condition = ${if eq{$received_port}{26}}",), "no"),
        (("accept verify = certificate",), "no"),
        (("require verify = recipient", "accept"), "yes"),
        (("accept acl = other",), "no"),
        (("warn set acl_m_ok = yes", "accept condition = $acl_m_ok"), "yes"),
        (("warn hosts = 10.0.0.1", "set acl_m_ok = yes", "deny"), "no"),
        (("accept recipients = *@example.com",), "no"),
        (("accept ratelimit = 10 / 1h",), "yes"),
    ],
)
def test_stranger_is_relayed_for_as_the_statements_say(lines: tuple[str, ...], answer: str) -> None:
    ruling = ruled(acl(*lines), 25, Question.RELAY)
    assert (ruling.answer, bool(ruling.why)) == (answer, True)


def test_acl_that_is_not_there_refuses_and_is_a_problem() -> None:
    found = reading({"acl_smtp_rcpt = acl_check_rcpt": "acl_smtp_rcpt = elsewhere"})
    assert ruled(found, 25, Question.RELAY).answer == "no"
    assert any("not there" in p.message and p.fatal for p in found.program.problems)


def test_acl_may_stand_in_its_option() -> None:
    found = reading({"acl_smtp_rcpt = acl_check_rcpt": "acl_smtp_rcpt = accept"})
    assert ruled(found, 25, Question.RELAY).answer == "yes"


def test_refusal_before_rcpt_counts() -> None:
    text = SOUND.replace("acl_check_rcpt:\n", "acl_check_rcpt:\n  accept\n").replace(
        "acl_smtp_mail = acl_check_mail", "acl_smtp_mail = deny"
    )
    assert ruled(reading(text=text), 25, Question.RELAY).answer == "no"


def test_own_acl_for_other_ports_counts_there_alone() -> None:
    found = acl("accept condition = ${if eq{$received_port}{587}}")
    assert [ruled(found, port, Question.RELAY).answer for port in (25, 465, 587)] == [
        *("no", "no", "yes")
    ]


@pytest.mark.parametrize(
    ("router", "answer"),
    [
        ("data = ${sg{$local_part}{%}{@}}", "yes"),
        ("data = ${extract{1}{%}{$local_part}}@${extract{2}{%}{$local_part}}", "yes"),
        ("data = ${lookup{$local_part}lsearch{/etc/aliases}}", "no"),
        ("data = alice@example.net", "no"),
    ],
)
def test_router_that_takes_domains_out_of_mailboxes_relays(router: str, answer: str) -> None:
    added = f"begin routers\n\npercent:\n  driver = redirect\n  {router}\n"
    found = reading({"begin routers\n": added, " : ^.*[@%!/|]": ""})
    assert ruled(found, 25, Question.RELAY).answer == answer
    guarded = reading({"begin routers\n": added})
    assert ruled(guarded, 25, Question.RELAY).answer == "no"


def test_percent_hack_domains_relay_too() -> None:
    found = reading(
        {
            "keep_environment =\n": "keep_environment =\npercent_hack_domains = *\n",
            " : ^.*[@%!/|]": "",
        }
    )
    assert ruled(found, 25, Question.RELAY).answer == "yes"


def test_acceptance_that_no_router_follows_sends_a_bounce_to_whom_a_stranger_names() -> None:
    text = SOUND.replace("acl_check_rcpt:\n", "acl_check_rcpt:\n  accept\n")
    start, end = text.index("remote:\n"), text.index("mailbox:\n")
    ruling = ruled(reading(text=text[:start] + text[end:]), 25, Question.RELAY)
    assert ruling.answer == "yes"
    assert "bounce" in ruling.why


def test_include_that_was_not_supplied_leaves_defaults_open() -> None:
    found = reading(text=".include /etc/exim4/rest\nprimary_hostname = mx1.example.net\n")
    assert ruled(found, 25, Question.RELAY).answer == "undecided"
    assert found.program.unread == ("/etc/exim4/rest was not supplied",)
    assert found.networks_open is not None


def test_trusted_networks_are_those_that_may_relay() -> None:
    found = reading({"127.0.0.1 : ::::1": "127.0.0.1 : ::::1 : !10.0.0.66 : 10.0.0.0/24"})
    assert [each.prefix for each in found.networks] == ["127.0.0.1/32", "::1/128", "10.0.0.0/24"]
    assert found.networks_open is None
    named = reading({"127.0.0.1 : ::::1": "relay.example.com"})
    assert "relay.example.com" in str(named.networks_open)


def test_each_port_may_have_an_acl_of_its_own() -> None:
    found = reading(
        {
            "acl_smtp_rcpt = acl_check_rcpt": "acl_smtp_rcpt = "
            "${if ={587}{$interface_port} {acl_submission}{acl_check_rcpt}}",
            "acl_check_rcpt:\n": "acl_submission:\n  accept hosts = 10.7.0.0/24\nacl_check_rcpt:\n",
        }
    )
    assert [each.prefix for each in found.networks] == ["127.0.0.1/32", "::1/128", "10.7.0.0/24"]
    assert ruled(found, 587, Question.RELAY).answer == "no"
    assert "acl_submission" in ruled(found, 587, Question.RELAY).why
    assert ruled(found, 25, Question.LOCAL_WITHOUT_LOGIN).answer == "yes"


def test_acl_that_a_lookup_chooses_leaves_everything_open() -> None:
    found = reading(
        {"acl_smtp_rcpt = acl_check_rcpt": "acl_smtp_rcpt = ${lookup{x}lsearch{/etc/acls}}"}
    )
    assert ruled(found, 25, Question.RELAY).answer == "undecided"
    assert found.networks_open is not None


@pytest.mark.parametrize(
    ("replace", "port", "question", "answer"),
    [
        ({}, 25, Question.STARTTLS, "yes"),
        ({}, 465, Question.STARTTLS, "no"),
        ({}, 465, Question.IMPLICIT_TLS, "yes"),
        ({}, 587, Question.TLS_REQUIRED, "yes"),
        ({}, 25, Question.TLS_REQUIRED, "no"),
        ({}, 587, Question.AUTH, "yes"),
        ({}, 587, Question.AUTH_IN_CLEAR, "no"),
        ({}, 587, Question.LOCAL_WITHOUT_LOGIN, "no"),
        ({}, 25, Question.LOCAL_WITHOUT_LOGIN, "yes"),
        ({}, 587, Question.SENDER_OF_OTHERS, "no"),
        ({}, 25, Question.OLD_TLS, "no"),
        ({}, 25, Question.TLS_1_3, "yes"),
        ({":-VERS-TLS1.1": ""}, 25, Question.OLD_TLS, "yes"),
        ({":-VERS-TLS1.1": ":-VERS-TLS1.1:-VERS-TLS1.3"}, 25, Question.TLS_1_3, "no"),
        ({PRIORITIES: "NONE:+VERS-TLS1.2"}, 25, Question.OLD_TLS, "no"),
        ({PRIORITIES: "@SYSTEM"}, 25, Question.OLD_TLS, "undecided"),
        ({PRIORITIES: ""}, 25, Question.OLD_TLS, "undecided"),
        (
            {PRIORITIES: "NORMAL:+ARCFOUR-128"},
            25,
            Question.WEAK_CIPHERS,
            "yes",
        ),
        (
            {CIPHERS: "openssl_options = +no_tlsv1"},
            25,
            Question.OLD_TLS,
            "undecided",
        ),
        (
            {CIPHERS: "openssl_options = +no_tlsv1 +no_tlsv1_1"},
            25,
            Question.OLD_TLS,
            "no",
        ),
        ({"tls_certificate = /etc/exim4/mx1.crt\n": ""}, 25, Question.TLS_WORKS, "yes"),
        (
            {"keep_environment =": "smtp_enforce_sync = no\nkeep_environment ="},
            25,
            Question.EARLY_PIPELINING,
            "yes",
        ),
        ({"keep_environment =": "acl_smtp_vrfy = acl_check_rcpt"}, 25, Question.VRFY, "yes"),
        ({}, 25, Question.VRFY, "no"),
        ({}, 25, Question.VERSION_SHOWN, "no"),
        (
            {
                "keep_environment =": "acl_smtp_auth = acl_auth",
                "begin acl\n": "begin acl\nacl_auth:\n  deny !encrypted = *\n  accept\n",
                "${if eq{$tls_in_cipher}{}{}{*}}": "*",
            },
            587,
            Question.AUTH_IN_CLEAR,
            "no",
        ),
    ],
)
def test_listener_is_ruled_on(
    replace: dict[str, str], port: int, question: Question, answer: str
) -> None:
    assert ruled(reading(replace), port, question).answer == answer


def test_user_may_send_as_another_without_a_rule() -> None:
    start = SOUND.index("  deny    authenticated = *\n")
    end = SOUND.index("  accept\n", start)
    found = reading(text=SOUND[:start] + SOUND[end:])
    assert ruled(found, 587, Question.SENDER_OF_OTHERS).answer == "yes"


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("true", "yes"),
        ("1", "yes"),
        ("yes", "yes"),
        ("${if eq{$auth3}{}{no}{yes}}", "yes"),
        ("${if eq{$auth3}{geheim}}", "no"),
        ("${if crypteq{$auth3}{${lookup{$auth2}lsearch{/x}}}}", "no"),
        ("${lookup{somebody}lsearch{/x}{yes}{no}}", "undecided"),
    ],
)
def test_login_proves_what_its_condition_asks(condition: str, answer: str) -> None:
    old = "${if and{{eq{$auth2}{alice@example.net}}{eq{$auth3}{correct horse}}}}"
    found = reading({old: condition})
    ruling = ruled(found, 587, Question.AUTH_PROVES_NOTHING)
    assert ruling.answer == answer
    assert "geheim" not in str(ruling)


@pytest.mark.parametrize(
    ("version", "holds"),
    [
        ("4.97.1", False),
        ("4.98", False),
        ("4.97", None),
        ("4.96", None),
        (None, None),
        ("4.96-15+deb12u3", True),
        ("4.96-15+deb12u4", False),
        ("4.96-15+deb12u10", False),
        ("4.94.2-7+deb11u2", False),
        ("4.95-4ubuntu2.4", True),
        ("4.95-4ubuntu2.5", False),
        ("4.96-99", None),
    ],
)
def test_bare_newlines_go_by_the_version(version: str | None, holds: bool | None) -> None:
    assert takes_bare_newlines(build_of(version))[0] is holds


def test_library_is_told_by_what_exim_prints() -> None:
    assert build_of("Exim version 4.96 #2\nSupport for: IPv6 GnuTLS").library == "GnuTLS"
    assert build_of("4.96-15+deb12u4").library == "GnuTLS"
    assert build_of("4.96").library is None


@pytest.mark.parametrize(
    ("transport", "question", "answer"),
    [
        ("", Question.OUTBOUND_TLS, "yes"),
        ("  hosts_avoid_tls = *\n", Question.OUTBOUND_TLS, "no"),
        ("", Question.OUTBOUND_DANE, "yes"),
        ("  hosts_try_dane =\n", Question.OUTBOUND_DANE, "no"),
        ("", Question.OUTBOUND_MTA_STS, "no"),
    ],
)
def test_mail_that_leaves_is_ruled_on(transport: str, question: Question, answer: str) -> None:
    found = reading({"  driver = smtp\n": f"  driver = smtp\n{transport}"})
    ruling = found.program.ruling(question)
    assert ruling is not None
    assert ruling.answer == answer


def test_secrets_are_left_out_and_key_files_named() -> None:
    found = reading({"keep_environment =": "hide mysql_servers = localhost/db/user/geheim"})
    told = f"{found.program}{found.listeners}"
    assert "geheim" not in told
    assert "correct horse" not in told
    assert found.secret_files == ("/etc/exim4/mx1.key",)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("smtp_banner = a\nsmtp_baner = b\n", 2, 1),
        ("x y\n", 1, 3),
        ("smtp_enforce_sync = maybe\n", 1, 21),
        ("begin acl\na:\n  accept hots = *\n", 3, 10),
        ("begin routers\nr:\n  driver accept\n", 3, 10),
    ],
)
def test_problem_has_line_and_column(text: str, line: int, column: int) -> None:
    problems = reading(text=text).program.problems
    assert (line, column) in [(p.place.line, p.place.column) for p in problems]
    assert all(p.expected for p in problems)


def test_broken_line_leaves_the_rest_to_be_judged() -> None:
    found = reading({"keep_environment =": "what is this"})
    assert ruled(found, 25, Question.RELAY).answer == "no"
    assert any(p.fatal for p in found.program.problems)


def test_generated_file_of_debian_is_read() -> None:
    path = "/var/lib/exim4/config.autogenerated"
    tree = ConfigTree({path: ConfigText(path, "MAIN_PACKAGE_VERSION = 4.96-15+deb12u4\n" + SOUND)})
    found = read_exim(tree, PLACE, "4.96")
    assert isinstance(found, Reading)
    assert found.program.instance == path
    assert ruled(found, 25, Question.BARE_NEWLINE).answer == "no"


def test_split_files_of_debian_are_read_in_their_order() -> None:
    main, rest = SOUND.split("begin acl", 1)
    acl, routers = f"begin acl{rest}".split("begin routers", 1)
    folder = "/etc/exim4"
    settings = "dc_use_split_config='true'\ndc_relay_nets='10.9.0.0/24'\n"
    main = main.replace("127.0.0.1 : ::::1", "MAIN_RELAY_NETS")
    files = {
        f"{folder}/update-exim4.conf.conf": settings,
        f"{folder}/conf.d/main/01_options": main,
        f"{folder}/conf.d/acl/30_rcpt": acl,
        f"{folder}/conf.d/acl/30_rcpt.dpkg-old": "accept\n",
        f"{folder}/conf.d/router/00_header": f"begin routers{routers}",
    }
    tree = ConfigTree({path: ConfigText(path, text) for path, text in files.items()})
    found = read_exim(tree, PLACE, "4.97.1")
    assert isinstance(found, Reading)
    assert found.program.problems == ()
    (own,) = [each for each in found.networks if each.prefix == "10.9.0.0/24"]
    assert str(own.line and own.line.place) == f"{folder}/update-exim4.conf.conf:2"


# --- time ---


@pytest.mark.parametrize(
    "text",
    [
        "AA = xxxxxxxxxx\n"
        + "".join(f"M{n:02}Z == {'AA' * 50}\nAA == M{n:02}Z\n" for n in range(40)),
        "".join(f"domainlist l{n} = +l{n + 1} : +l{n + 1}\n" for n in range(60))
        + "acl_smtp_rcpt = a\nbegin acl\na:\n accept domains = +l0\n",
        "acl_smtp_rcpt = a0\nbegin acl\n"
        + "".join(f"a{n}:\n warn acl = a{n + 1}\n warn acl = a{n + 1}\n" for n in range(40)),
        "acl_smtp_rcpt = a\nbegin acl\na:\n"
        + " accept condition = ${if or{"
        + "{eq{a}{b}}" * 5000
        + "}}\n",
        "acl_smtp_rcpt = a\nbegin acl\na:\n accept local_parts = ^(a+)+$ : ^(.*)*x\n" * 50,
        "acl_smtp_rcpt = a\nbegin acl\na:\n"
        + " warn set acl_m1 = $acl_m1$acl_m1$acl_m1x\n" * 500
        + " accept\n",
        ".include /etc/exim4/exim4.conf\n" * 50,
    ],
    ids=["macros", "lists", "acls", "conditions", "expressions", "variables", "includes"],
)
def test_nothing_makes_reading_long(text: str) -> None:
    begins = time.process_time()
    tree = ConfigTree({PLACE: ConfigText("exim4.conf", text)})
    assert isinstance(read_exim(tree, PLACE, None), Reading)
    assert time.process_time() - begins < 5


def test_long_tables_are_read_once() -> None:
    hosts = "".join(f"10.{n // 250}.{n % 250}.1: yes\n" for n in range(2_000))
    domains = "".join(f"d{n}.example: yes\n" for n in range(2_000))
    begins = time.process_time()
    found = reading(
        {
            "127.0.0.1 : ::::1": "net-lsearch;/etc/exim4/relays",
            "relay_to_domains =": "relay_to_domains = lsearch;/etc/exim4/domains",
        },
        files={"/etc/exim4/relays": hosts, "/etc/exim4/domains": domains},
    )
    assert ruled(found, 587, Question.RELAY).answer == "no"
    assert (len(found.networks), found.networks_open) == (2_000, None)
    assert time.process_time() - begins < 5


def test_every_case_is_read_in_less_than_a_second() -> None:
    begins = time.process_time()
    found = [case.reading() for case in cases("wrong", Mta.EXIM)]
    assert (time.process_time() - begins) / len(found) < 1
    assert all(listener(each, 25).rulings for each in found)
