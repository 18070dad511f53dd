"""The lab, built once per test session; skipped with the reason where it can't be built."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab, running_lab
from tests.lab.network import tool
from tests.lab.servers.exim import HEAVY
from tests.lab.servers.opensmtpd import CURRENT
from tests.lab.servers.unpacked import program

# `required`, as `.ci/run` has it: where the lab can't be built, its tests fail instead of skipping.
LAB = os.environ.get("MAILPROOF_LAB", "")

_PACKAGES = {
    "ip": "iproute2",
    "ss": "iproute2",
    "nft": "nftables",
    "knotd": "knot",
    "keymgr": "knot",
    "kdig": "knot-dnsutils",
    "unbound": "unbound",
    "openssl": "openssl",
    "postfix": "postfix",
    "dovecot": "dovecot-core",
    "opendkim": "opendkim",
    "saslpasswd2": "sasl2-bin",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}

_DOVECOT = {
    "imap-login": "dovecot-imapd",
    "lmtp": "dovecot-lmtpd",
    "submission-login": "dovecot-submissiond",
}


def missing() -> str | None:
    """Why the lab can't be built on this machine, as a sentence; None where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "the lab needs root, for network namespaces and ports below 1024"
    absent = {package for name, package in _PACKAGES.items() if tool(name) is None}
    if not any(Path("/usr/lib").glob("*/sasl2/libplain.so*")):
        absent.add("libsasl2-modules")
    for part, package in _DOVECOT.items():
        if not Path("/usr/lib/dovecot", part).exists():
            absent.add(package)
    if absent:
        return f"the lab needs the Debian packages {', '.join(sorted(absent))}"
    unpacked = (program("usr/sbin/exim4"), program(HEAVY), program(f"{CURRENT}/smtpd"))
    if not all(path.exists() for path in unpacked):
        return "the lab needs Exim and OpenSMTPD: see tests/lab/servers/fetch.sh"
    return None


@pytest.fixture(scope="session")
def buildable() -> None:
    """Skips where the lab can't be built, or fails where that is required."""
    reason = missing()
    if reason and LAB == "required":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab(buildable: None) -> Iterator[Lab]:
    with running_lab() as running:
        yield running


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Path:
    """A fleet repository that describes the lab."""
    return lab.write_fleet(tmp_path / "fleet")
