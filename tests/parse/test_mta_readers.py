"""Whatever stands in the files of a mail program, its reader gives a reading with problems.

MAILPROOF_EXAMPLES says how many examples each program's law is tried on.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.collect.configured import READERS, USUAL_PLACE
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from tests.parse.readings import held

EXAMPLES = int(os.environ.get("MAILPROOF_EXAMPLES", "200"))
law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What each language is made of, to get past the first word of a line.
PIECES = {
    Mta.DOVECOT: """ssl yes no required = { } # \\ " ' < $ ! , / passdb service submission-login
        imap-login inet_listener submission imap port 587 465 99999 protocol local remote 10.0.0.0/8
        0.0.0.0/0 local_name protocols auth_mechanisms plain anonymous driver static args
        nopassword=y proxy=y
        allow_nets=1.2.3.4 scheme=PLAIN !include !include_try /etc/dovecot/*.conf other.conf
        ssl_cert ssl_key $ssl_cert </etc/x disable_plaintext_auth auth_allow_cleartext 2.4.1
        dovecot_config_version ssl_server cert_file ssl_min_protocol TLSv1 login_trusted_networks
        ssl_cipher_list ALL:!aNULL auth_failure_delay 0 anvil unix_listener anvil-auth-penalty mode
        service/imap-login/inet_listener/imap/port login_greeting listen 127.0.0.1 ::1""",
    Mta.OPENSMTPD: """listen on lo all socket port 587 x tls tls-require smtps secure verify auth
        auth-optional pki cert key certificate table t <t> { } , = ! # \\ " $m m match from for any
        local domain src 0.0.0.0/0 10.0.0.0/8 rdns mail-from helo regex .* rcpt-to tag action relay
        maildir reject accept deliver to source sender include "/etc/smtpd.conf" "/etc/other.conf"
        filter phase connect disconnect chain proc-exec smtp ciphers ALL:aNULL protocols legacy
        hostname senders masquerade host smtp+notls://x file:/etc/other.conf srs queue 1.2.3""",
    Mta.SENDMAIL: """define( FEATURE( DAEMON_OPTIONS( ` ' ) , dnl # divert(-1) undefine( include(
        /etc/mail/sendmail.mc /etc/mail/access ifdef( confAUTH_OPTIONS confAUTH_MECHANISMS PLAIN A p
        promiscuous_relay access_db no_default_msa relay_mail_from relay_entire_domain Port=smtp
        Port=99999 Name=MSA M=Eas Addr=127.0.0.1 Family=inet6 RELAY_DOMAIN( 10.20 com IPv6:2001:db8
        confSERVER_CERT confSERVER_KEY confSERVER_SSL_OPTIONS +SSL_OP_NO_TLSv1 TRUST_AUTH_MECH(
        confCIPHER_LIST confPRIVACY_FLAGS goaway RELAY Connect: To: From:x 300.1 ::""",
}
OTHERS = {
    Mta.DOVECOT: ("/etc/dovecot/other.conf", "/etc/dovecot/conf.d/10-auth.conf"),
    Mta.OPENSMTPD: ("/etc/other.conf",),
    Mta.SENDMAIL: ("/etc/mail/access", "/etc/mail/relay-domains"),
}
VERSIONS = st.sampled_from(
    [None, "2.3.13", "2.4.1", "6.0.2p1", "6.8.0p2", "7.8.0p0", "8.17.1", "x"]
)


def texts(mta: Mta) -> st.SearchStrategy[str]:
    piece = st.sampled_from(PIECES[mta].split())
    blank = st.sampled_from([" ", " ", "\n", "", "\t", "\r\n", "\\\n"])
    words = st.lists(st.one_of(piece, blank, st.text(max_size=3)), max_size=60)
    return st.one_of(words.map("".join), words.map(" ".join), st.text(max_size=200))


@pytest.mark.parametrize("mta", PIECES)
def test_any_text_gives_a_reading(mta: Mta) -> None:
    @law
    @given(texts(mta), texts(mta), VERSIONS)
    def holds(first: str, other: str, version: str | None) -> None:
        files = {USUAL_PLACE[mta]: ConfigText("first", first)}
        files |= {path: ConfigText(path, other) for path in OTHERS[mta]}
        held(READERS[mta](ConfigTree(files), USUAL_PLACE[mta], version))

    holds()


@pytest.mark.parametrize(
    ("mta", "text"),
    [
        (Mta.DOVECOT, "passdb {\n" * 20_000),
        (Mta.DOVECOT, "a = x\n" + "a = $a $a\n" * 2_000),
        (Mta.DOVECOT, "local 203.0.113.1 {\n}\n" * 5_000),
        (Mta.DOVECOT, "protocol imap {\n}\n" * 4_000 + "local 203.0.113.1 {\n ssl = no\n}\n" * 600),
        (Mta.DOVECOT, "a = b\n" * 100_000),
        (Mta.DOVECOT, "!include dovecot.conf\n" * 1_000),
        (Mta.OPENSMTPD, "{" * 20_000),
        (Mta.OPENSMTPD, 'a = "' + "x " * 4_000 + '"\n' + "listen on $a\n" * 1_000),
        (Mta.OPENSMTPD, 'include "/etc/smtpd.conf"\n' * 1_000),
        (Mta.OPENSMTPD, "match from any for any reject\n" * 5_000),
        (Mta.SENDMAIL, "FEATURE(" * 20_000),
        (Mta.SENDMAIL, "`" * 20_000),
        (Mta.SENDMAIL, "include(`/etc/mail/sendmail.mc')" * 1_000),
        (Mta.SENDMAIL, "DAEMON_OPTIONS(`P=25')" * 5_000),
    ],
)
def test_text_without_measure_is_read_in_bounded_time(mta: Mta, text: str) -> None:
    found = READERS[mta](
        ConfigTree({USUAL_PLACE[mta]: ConfigText("x", text)}), USUAL_PLACE[mta], None
    )
    assert isinstance(found, Reading)
