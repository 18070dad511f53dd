"""The files that configurations name beside tables: keys, certificates, maps with passwords."""

import pytest

from audits.collect.configured import READERS
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree, Reading


def read(mta: Mta, place: str, **texts: str) -> Reading:
    """What a program's files say; texts: by path, the first of which is where it begins."""
    paths = {path: ConfigText(path, text) for path, text in texts.items()}
    found = READERS[mta](ConfigTree(paths), place, None)
    assert isinstance(found, Reading)
    return found


def postfix(main: str, master: str = "smtp inet n - n - - smtpd\n") -> Reading:
    texts = {"/etc/postfix/main.cf": main, "/etc/postfix/master.cf": master}
    return read(Mta.POSTFIX, "/etc/postfix", **texts)


@pytest.mark.parametrize(
    ("main", "secrets", "certificates"),
    [
        ("smtpd_tls_cert_file = /a.pem\n", ("/a.pem",), ("/a.pem",)),
        (
            "smtpd_tls_cert_file = /a.pem\nsmtpd_tls_key_file = /a.key\n"
            "smtpd_tls_eccert_file = /b.pem\nsmtpd_tls_eckey_file = /b.key\n",
            ("/a.key", "/b.key"),
            ("/a.pem", "/b.pem"),
        ),
        (
            "smtpd_tls_chain_files = /a.key, /a.pem /b.pem\nsmtpd_tls_cert_file = /old.pem\n",
            ("/a.key", "/a.pem", "/b.pem"),
            ("/a.key", "/a.pem", "/b.pem"),
        ),
        ("smtpd_tls_cert_file = none\n", (), ()),
        ("smtp_tls_key_file = /client.key\n", ("/client.key",), ()),
        ("smtp_sasl_password_maps = proxy:hash:/etc/pw, texthash:/etc/more\n",
         ("/etc/pw", "/etc/more"), ()),
        ("virtual_mailbox_maps = proxy:mysql:/etc/postfix/users.cf, hash:/etc/postfix/u\n",
         ("/etc/postfix/users.cf",), ()),
        ("smtpd_tls_cert_file = /a.pem\ntls_server_sni_maps = hash:/etc/postfix/sni\n",
         ("/a.pem", "/etc/postfix/sni"), ()),
    ],
)  # fmt: skip
def test_files_of_postfix(
    main: str, secrets: tuple[str, ...], certificates: tuple[str, ...]
) -> None:
    found = postfix(main)
    assert found.secret_files == secrets
    assert found.certificate_files == certificates


def test_files_of_one_postfix_service_count_too() -> None:
    master = (
        "smtp inet n - n - - smtpd\n"
        "submission inet n - n - - smtpd\n"
        "  -o smtpd_tls_cert_file=/own.pem -o smtpd_tls_key_file=/own.key\n"
        "  -o smtpd_sender_login_maps=pgsql:/etc/postfix/logins.cf\n"
    )
    found = postfix("smtpd_tls_cert_file = /a.pem\nsmtpd_tls_key_file = /a.key\n", master)
    assert found.secret_files == ("/a.key", "/own.key", "/etc/postfix/logins.cf")
    assert found.certificate_files == ("/a.pem", "/own.pem")


@pytest.mark.parametrize(
    ("text", "secrets", "certificates"),
    [
        ("tls_certificate = /a.pem\n", ("/a.pem",), ("/a.pem",)),
        ("tls_certificate = /a.pem : /b.pem\ntls_privatekey = /a.key : /b.key\n",
         ("/a.key", "/b.key"), ("/a.pem", "/b.pem")),
        ("tls_certificate = /tls/${tls_in_sni}.pem\ntls_privatekey = /a.key\n", ("/a.key",), ()),
        (
            "begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n"
            "  server_condition = ${if eq{$auth3}{${lookup{$auth2}lsearch{/etc/exim4/passwd}}}}\n",
            ("/etc/exim4/passwd",), (),
        ),
    ],
)  # fmt: skip
def test_files_of_exim(text: str, secrets: tuple[str, ...], certificates: tuple[str, ...]) -> None:
    found = read(Mta.EXIM, "/etc/exim4/exim4.conf", **{"/etc/exim4/exim4.conf": text})
    assert found.secret_files == secrets
    assert found.certificate_files == certificates


def test_files_of_dovecot() -> None:
    text = (
        "ssl_cert = </a.pem\nssl_key = </a.key\n"
        "local_name mx2.example.net {\n  ssl_cert = </b.pem\n  ssl_key = </b.key\n}\n"
    )
    found = read(Mta.DOVECOT, "/etc/dovecot/dovecot.conf", **{"/etc/dovecot/dovecot.conf": text})
    assert found.secret_files == ("/a.key", "/b.key")
    assert found.certificate_files == ("/a.pem", "/b.pem")


def test_files_of_dovecot_are_not_told_where_one_that_it_includes_is_missing() -> None:
    text = "ssl_cert = </a.pem\n!include more.conf\n"
    found = read(Mta.DOVECOT, "/etc/dovecot/dovecot.conf", **{"/etc/dovecot/dovecot.conf": text})
    assert found.certificate_files == ()


def test_files_of_opensmtpd() -> None:
    text = (
        'pki mx1 cert "/a.pem"\npki mx1 key "/a.key"\n'
        'filter "dkim" proc-exec "filter-dkimsign -d example.net -s s1 -k /etc/mail/dkim.key"\n'
        "listen on all tls pki mx1\n"
    )
    found = read(Mta.OPENSMTPD, "/etc/smtpd.conf", **{"/etc/smtpd.conf": text})
    assert found.secret_files == ("/a.key", "/etc/mail/dkim.key")
    assert found.certificate_files == ("/a.pem",)


def test_files_of_sendmail() -> None:
    text = "define(`confSERVER_CERT', `/a.pem')dnl\ndefine(`confSERVER_KEY', `/a.key')dnl\n"
    found = read(Mta.SENDMAIL, "/etc/mail/sendmail.mc", **{"/etc/mail/sendmail.mc": text})
    assert found.secret_files == ("/a.key",)
    assert found.certificate_files == ("/a.pem",)
