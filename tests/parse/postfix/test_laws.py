"""What holds for any text at all: an answer or a ParseError, and a whole configuration is read.

MAILPROOF_EXAMPLES says how many examples each law is tried on.
"""

import contextlib
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.mta import ConfigLine
from audits.facts.place import Place
from audits.parse.cipher_list import is_weak
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.postfix.expansion import expand, references
from audits.parse.postfix.main_cf import parse_main_cf
from audits.parse.postfix.master_cf import parse_master_cf
from audits.parse.postfix.reading import read_postfix
from audits.parse.postfix.table import read_table
from audits.parse.postfix.tls import protocols, unknown_protocols

law = settings(
    max_examples=int(os.environ.get("MAILPROOF_EXAMPLES", "100")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

_OF_POSTFIX = (
    "mynetworks relay_domains smtpd_relay_restrictions smtpd_recipient_restrictions"
    " smtpd_client_restrictions smtpd_restriction_classes smtpd_tls_security_level"
    " smtpd_tls_protocols smtpd_tls_mandatory_protocols smtpd_tls_ciphers tls_medium_cipherlist"
    " smtpd_tls_chain_files smtpd_sasl_auth_enable smtpd_sender_login_maps virtual_alias_maps"
    " virtual_mailbox_domains compatibility_level mynetworks_style smtpd_delay_reject"
    " smtpd_discard_ehlo_keyword_address_maps multi_instance_directories ours inet_interfaces"
    " allow_untrusted_routing smtp_tls_policy_maps smtpd_banner smtpd_sasl_exceptions_networks"
)
_OTHERS = (
    "= = = , , \n \n \n  \n\t # $ ${ } { } ( ) ? : :: ! == <level yes no may encrypt none permit"
    " reject warn_if_reject reject_unauth_destination check_client_access check_sender_access"
    " permit_mx_backup permit_tls_all_clientcerts ours static:OK static:all inline:{a=b} hash:/t"
    " cidr:/t pcre:/t texthash:/t proxy:hash:/t 0.0.0.0/0 ::/0 [::]/0 !10.0.0.0/8 300.1.1.1 /t /n"
    " >=TLSv1.2 !SSLv3 TLSv1.3 >=0303 ALL:@SECLEVEL=0 medium org .org 3.6 9999999999 smtp inet"
    " unix pass n y - smtpd postscreen -o -v 465 587 [::1]:25 example.net é \0 \r"
)
_NAMES, _WORDS = _OF_POSTFIX.split(), _OTHERS.split(" ")
_PIECES = st.sampled_from([*_NAMES, *_WORDS])
_SEPARATORS = st.sampled_from(["", " ", " ", " = ", "\n"])
_SCRAPS = st.lists(st.tuples(_PIECES, _SEPARATORS), max_size=40).map(
    lambda pairs: "".join(piece + blank for piece, blank in pairs)
)
_TEXTS = st.one_of(st.text(max_size=80), _SCRAPS)
_LINES = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.lists(_PIECES, max_size=8).map(" ".join)), max_size=8
).map(lambda pairs: "".join(f"{name} = {value}\n" for name, value in pairs))
_SERVICE = "smtp inet n - y - - smtpd\n"
_MASTERS = st.one_of(_TEXTS, _SCRAPS.map(lambda scraps: f"{_SERVICE} -o {{{scraps}}}\n"))
_AT = ConfigLine(Place("main.cf", 1), "")


def tree(main: str, master: str = _SERVICE, table: str = "") -> ConfigTree:
    texts = {"/etc/postfix/main.cf": main, "/etc/postfix/master.cf": master, "/t": table}
    return ConfigTree({path: ConfigText(path, text) for path, text in texts.items()})


@law
@given(st.one_of(_TEXTS, _LINES), _MASTERS, _TEXTS, st.sampled_from([None, "3.4.0", "3.9.1", "x"]))
def test_any_configuration_is_read(main: str, master: str, table: str, version: str | None) -> None:
    found = read_postfix(tree(main, master, table), "/etc/postfix", version)
    assert isinstance(found, Reading)
    for problem in found.program.problems:
        text = {"main": main, "master": master}[problem.place.file.split("/")[-1].split(".")[0]]
        lines = text.split("\n")
        assert 1 <= problem.place.line <= len(lines)
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1


@law
@given(_TEXTS)
def test_any_main_cf_is_parameters_or_a_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert all(entry.name for entry in parse_main_cf(text, "main.cf"))


@law
@given(_MASTERS)
def test_any_master_cf_is_services_or_a_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert all(service.command for service in parse_master_cf(text, "master.cf"))


@law
@given(_TEXTS)
def test_any_value_is_expanded_or_a_parse_error(text: str) -> None:
    assert all(references(text))
    with contextlib.suppress(ParseError):
        assert isinstance(expand(text, {"ours": "b$org", "org": "x"}.get), str)


@law
@given(_TEXTS, _TEXTS)
def test_any_table_is_read_or_told_why_not(name: str, text: str) -> None:
    for kind in ("hash", "cidr", "pcre", name):
        table = read_table(f"{kind}:/t", tree("", table=text), _AT)
        assert table.unread is None or table.unread


@law
@given(_TEXTS)
def test_any_list_of_protocols_or_ciphers_is_read(text: str) -> None:
    assert protocols(text) <= {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
    assert all(unknown_protocols(text))
    assert is_weak(text) in (True, False)
