"""Paths of DKIM keys in the configurations of signers."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.dkim_signer import (
    KEY_TABLE_PATHS,
    OPENDKIM_KEYS,
    RSPAMD_PATHS,
    key_table_files,
    opendkim_files,
    rspamd_files,
)

SECRET = "MIICXQIBAAKBgQDCaWlQ"
OPENDKIM = """\
# KeyFile /etc/commented.private
Domain          example.net
KeyFile         /etc/dkimkeys/example.net.private
keytable        refile:/etc/opendkim/key.table
LDAPBindPassword hunter2
"""
KEY_TABLE = f"""\
# example.net:old:/etc/opendkim/old.private
mail._domainkey.example.net example.net:mail:/etc/opendkim/keys/example.net/mail.private
inline example.org:mail:{SECRET}
others %:mail:/etc/opendkim/keys/%/mail.private
"""
RSPAMD = """\
# path = "/etc/rspamd/commented.key";
selector = "mail";
password = "hunter2";
path = "/var/lib/rspamd/dkim/$domain.$selector.key";
domain {
  example.net {
    selectors [
      { path: '/etc/rspamd/dkim/example.net.key', selector: "s1" }
    ]
  }
}
selector_map = "/etc/rspamd/selectors.map";
"""


def printed(script: tuple[str, ...], text: str, folder: Path) -> str:
    """What sed(1) prints of a file with that text."""
    if shutil.which("sed") is None:
        pytest.skip("needs sed")
    (folder / "file").write_text(text)
    words = [word for line in script for word in ("-e", line)]
    ended = subprocess.run(
        ["sed", "-n", *words, "--", str(folder / "file")],
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def test_opendkim_names_keys_and_tables(tmp_path: Path) -> None:
    text = printed(OPENDKIM_KEYS, OPENDKIM, tmp_path)
    assert "hunter2" not in text
    assert opendkim_files(f"Welcome!\n{text}") == (
        ("/etc/dkimkeys/example.net.private",),
        ("/etc/opendkim/key.table",),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("file:/etc/t", ((), ("/etc/t",))),
        ("/etc/t", ((), ("/etc/t",))),
        ("csl:a=example.net:s:/k1.key,b=example.org:s:/k2.key", (("/k1.key", "/k2.key"), ())),
        ("ldap://ldap.example.net/", ((), ())),
    ],
)
def test_key_table_of_each_kind(value: str, expected: object) -> None:
    assert opendkim_files(f"KeyTable\t{value}\n") == expected


def test_key_table_names_keys_and_no_key_is_printed_of_it(tmp_path: Path) -> None:
    text = printed(KEY_TABLE_PATHS, KEY_TABLE, tmp_path)
    assert SECRET not in text
    assert key_table_files(text) == (
        "/etc/opendkim/keys/example.net/mail.private",
        "/etc/opendkim/keys/*/mail.private",
    )


def test_rspamd_names_keys_for_each_domain(tmp_path: Path) -> None:
    text = printed(RSPAMD_PATHS, RSPAMD, tmp_path)
    assert "hunter2" not in text
    assert rspamd_files(text) == (
        "/var/lib/rspamd/dkim/*.*.key",
        "/etc/rspamd/dkim/example.net.key",
    )


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    opendkim_files(text)
    assert all(path.startswith("/") for path in (*key_table_files(text), *rspamd_files(text)))
