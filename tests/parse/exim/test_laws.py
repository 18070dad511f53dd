"""What holds for any text at all: a reading with problems, and never anything else.

MAILPROOF_EXAMPLES says how many examples each law is tried on.
"""

import os

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.exim.expansion import expand, matches, truth
from audits.parse.exim.reading import read_exim
from audits.parse.exim.source import items
from tests.parse.exim.configs import PLACE, SOUND, source
from tests.parse.readings import held

law = settings(
    max_examples=int(os.environ.get("MAILPROOF_EXAMPLES", "100")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

_LINES = """begin acl|begin routers|begin authenticators|begin transports|begin rewrite|a:|b:|accept
acl_smtp_rcpt = a|acl_smtp_connect = b|acl_smtp_rcpt = accept|deny|require|warn|endpass|!
hosts = +a : *|domains = !+a|condition = ${if|eq{$domain}{x}{y}fail}|}|acl = a|acl = b|acl =
set acl_m1 = $acl_m1$acl_m1|hostlist a = +a : 10.0.0.0/8|domainlist a = +b : +b|recipients = *@*
domainlist b = +a : @ : *.com|.ifdef A|.else|.endif|A = A|B == AAAA|.include /etc/exim4/exim4.conf
.include_if_exists /etc/table|\\|#|driver = redirect|data = ${sg{$local_part}{%}{@}}|driver = smtp
public_name = X|server_condition = |server_advertise_condition = ${if|tls_on_connect_ports = 25
local_interfaces = <; ::1 ; 1.2.3.4.99999|local_interfaces = 1.2.3.4.0 : [::1]:99|hide |no_x|"
daemon_smtp_ports = 0 : 99999999 : x|driver = plaintext|driver = dnslookup|driver = accept
verify = recipient|authenticated = *|encrypted = *|senders = x : @a|local_parts = ^.*[@%!/|]
hosts = net-lsearch;/etc/table|domains = partial-lsearch;/etc/table|hosts = /etc/table|!acl = b
tls_require_ciphers = NORMAL:-VERS-ALL|openssl_options = +no_tlsv1 -all|tls_advertise_hosts = !a
percent_hack_domains = *|host_reject_connection = !a|auth_advertise_hosts = ${if def:tls_in_cipher}
hosts_try_dane = *|dnssec_request_domains = *|tls_certificate = /c|acl_smtp_vrfy = a""".replace(
    "\n", "|"
).split("|")
_ITEMS = (
    "* +a +b !+a @ @[] @mx_any *.com *.org ^.*$ ^(a+)+$ 10.0.0.0/8 0.0.0.0/0 ::::1 <; <, < \\N $"
    " !10.0.0.1 300.1.1.1/99 : :: , ; ! lsearch;/etc/table net24-lsearch;/etc/table /etc/table"
    " wildlsearch;/etc/table partial()lsearch;/etc/table dsearch;/x ${lookup{x}lsearch{/y}} *@* x@y"
    " example.net domain-of-others.com $domain $acl_m1 :all: :sysadmin: \0 é"
)
_CONDITIONS = (
    "hosts domains local_parts senders sender_domains recipients authenticated encrypted condition"
    " acl verify !hosts !domains !condition !acl !verify dnslists spam set control message"
    " add_header logwrite ratelimit delay endpass"
)
_EXPRESSIONS = (
    "${if |${sg{|${extract{|${lc:|${lookup |${tr{|${length_9:|{|}|{{|}}|and|or|!|eq|match|def:|fail"
    "|$x|$1|$|\\|\\N|> |<|=|0|99999999999|inlist|bool{|forany{"
)
_SOURCE = (
    ".ifdef .ifndef .elifdef .else .endif .include .include_if_exists"
    " A = == AB B B== \\ /x # : <; hide no_ \n \r \f \0"
)

_ITEM = st.sampled_from(_ITEMS.split(" "))
_CONDITION = st.sampled_from(_CONDITIONS.split())
_PARTS = st.sampled_from(_EXPRESSIONS.split("|"))
_WORDS = st.sampled_from(_SOURCE.split(" "))
_TEXTS = st.text(max_size=400) | st.lists(st.sampled_from(_LINES), max_size=40).map("\n".join)
_LISTS = st.lists(_ITEM | st.text(max_size=3), max_size=8).map(" ".join) | st.lists(
    _ITEM, max_size=6
).map(" : ".join)
_VALUES = _LISTS | st.lists(_PARTS, max_size=20).map("".join)
_STATEMENTS = st.tuples(
    st.sampled_from(["accept", "deny", "require", "warn", "defer", "drop", "discard"]),
    st.lists(st.tuples(_CONDITION, _VALUES), max_size=4),
).map(lambda said: f"  {said[0]}" + "".join(f" {name} = {value}\n" for name, value in said[1]))
_ACLS = st.lists(_STATEMENTS, max_size=6).map("\n".join)
_OF_DEBIAN = (
    "dc_relay_nets dc_relay_domains dc_other_hostnames dc_local_interfaces dc_smarthost"
    " dc_eximconfig_configtype dc_readhost dc_use_split_config dc_x x"
)
_SETTINGS = st.lists(
    st.tuples(
        st.sampled_from(_OF_DEBIAN.split(" ")),
        _LISTS,
    ),
    max_size=6,
).map(lambda pairs: "".join(f"{name}='{value}'\n" for name, value in pairs))
_VERSIONS = st.sampled_from([None, "4.80", "4.96-15+deb12u4", "4.97.1", "x"])
# One port shows as much as three, in a third of the time.
_SHORT = SOUND.replace("25 : 465 : 587", "587")
_RCPT = _SHORT.index("acl_check_rcpt:\n") + len("acl_check_rcpt:\n")


def _read(text: str, table: str, version: str | None) -> Reading:
    files = {PLACE: ConfigText("exim4.conf", text), "/etc/table": ConfigText("table", table)}
    return held(read_exim(ConfigTree(files), PLACE, version))


@law
@given(_TEXTS, _TEXTS, _VERSIONS)
def test_any_text_is_a_reading(text: str, table: str, version: str | None) -> None:
    _read(text, table, version)


@law
@given(st.data())
def test_sound_text_with_anything_in_it_is_a_reading(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(_SHORT)))
    upto = data.draw(st.integers(at, min(len(_SHORT), at + 40)))
    _read(_SHORT[:at] + data.draw(_TEXTS) + _SHORT[upto:], "", None)


@law
@given(_SETTINGS, _TEXTS, _TEXTS, st.booleans())
def test_any_settings_of_debian_are_a_reading(
    said: str, piece: str, macros: str, split: bool
) -> None:
    folder = "/etc/exim4"
    files = {
        f"{folder}/update-exim4.conf.conf": f"dc_use_split_config='{str(split).lower()}'\n{said}",
        f"{folder}/exim4.conf.template": piece,
        f"{folder}/exim4.conf.localmacros": macros,
        f"{folder}/conf.d/main/01": piece,
    }
    tree = ConfigTree({path: ConfigText(path, text) for path, text in files.items()})
    found = read_exim(tree, PLACE, "4.96-15+deb12u4")
    assert isinstance(found, Reading)
    assert all(problem.place.line >= 1 for problem in found.program.problems)


@law
@given(_ACLS, _LISTS, _LISTS, _LISTS)
def test_any_acl_and_lists_are_a_reading(acl: str, hosts: str, domains: str, table: str) -> None:
    lists = f"hostlist a = {hosts}\ndomainlist a = {domains}\nlocalpartlist a = {domains}\n"
    found = _read(f"{lists}{_SHORT[:_RCPT]}{acl}\n{_SHORT[_RCPT:]}", table, "4.97.1")
    assert found.listeners


@law
@given(st.text(max_size=300) | st.lists(_WORDS, max_size=60).map(" ".join))
@example("A = aaaaaaaaaa\nB == " + "A" * 3000 + "\nC == " + "B" * 3000)
def test_any_text_gives_lines_or_problems(text: str) -> None:
    found = source(text, {"/x": text})
    for line in found.lines:
        assert line.text
        assert line.place.line >= 1
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in found.problems)


@law
@given(st.text(max_size=200) | st.lists(_PARTS, max_size=60).map("".join))
def test_any_text_is_expanded_or_left_open(text: str) -> None:
    found = expand(text, {"x": "a b", "domain": "a.b"}.get)
    assert found.text is None or isinstance(found.text, str)
    assert truth(text) in (True, False, None)


@law
@given(_LISTS | st.text(max_size=100), st.text(max_size=100))
def test_any_list_is_items_and_any_expression_is_tried_or_not(text: str, other: str) -> None:
    assert all(isinstance(item, str) for item in items(text))
    assert matches(other, text) in (True, False, None)
