"""What real servers accept in TLS is found, and nothing else, in few connections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from audits.demo.certificates import Authority, Credentials
from tests.lab.lab import Certificate, Lab, Machine, running_lab, trusted
from tests.lab.matrix import dovecot, postfix
from tests.lab.servers.dovecot import DovecotSettings
from tests.lab.servers.exim import EximSettings
from tests.lab.servers.opensmtpd import OpenSmtpdSettings
from tests.lab.servers.server import Software
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

MAX_CONNECTIONS = 12
VERSION, V13 = "tls-version-current", "tls-v13-accepted"
DENIED, ALLOWED = "tls-ciphers-not-forbidden", "tls-ciphers-allowed"
EXCHANGE, HASH = "tls-key-exchange-strong", "tls-signature-hash-strong"
FEATURES, EMS = "tls-legacy-features-off", "tls-ems-negotiated"
AUDITS = {VERSION, V13, DENIED, ALLOWED, EXCHANGE, HASH, FEATURES, EMS}
# Debian's OpenSSL 3.0 and GnuTLS 3.7 have no hybrids, which is told for information.
HYBRID = "tls-pq-hybrid-accepted"


def rsa_key(authority: Authority, host: str) -> Credentials:
    return authority.issue(host, key=rsa.generate_private_key(65537, 2048))


@dataclass(frozen=True)
class Row:
    """A host, and the audits of TLS that fail on each of its ports; all others pass.

    port: the one that is looked at. absent: audits that do not apply. left_open: unknown, since
    the details of what is wrong took every connection.
    """

    label: str
    servers: tuple[Software, ...]
    fails: frozenset[str]
    certificate: Certificate = trusted
    port: int = 25
    absent: frozenset[str] = frozenset()
    left_open: frozenset[str] = frozenset()


def suites(ciphers: str, **main: str) -> tuple[Software, ...]:
    """A good Postfix but for its list of suites and these settings."""
    return postfix({"tls_medium_cipherlist": ciphers, **main})


# What Postfix 3.7 has where nothing is set
_STOCK: Mapping[str, str] = {
    "smtpd_tls_protocols": ">=TLSv1",
    "smtpd_tls_mandatory_protocols": ">=TLSv1",
    "smtpd_tls_exclude_ciphers": "",
}
_STOCK_SUITES = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH"
_NO_13 = dict.fromkeys(
    ("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"), ">=TLSv1.2, <=TLSv1.2"
)
_ONLY_13 = dict.fromkeys(("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"), ">=TLSv1.3")
_TLS_11 = dict.fromkeys(("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"), ">=TLSv1.1")
_AEAD = "ECDHE+AESGCM"

ROWS = (
    Row("good", postfix(), frozenset()),
    Row(
        "stock",
        suites(_STOCK_SUITES, **_STOCK),
        frozenset({VERSION, DENIED, ALLOWED, EXCHANGE, HASH}),
    ),
    Row(
        "certified",
        suites(_STOCK_SUITES, **{**_STOCK, "smtpd_tls_exclude_ciphers": "aNULL"}),
        frozenset({VERSION, ALLOWED, HASH}),
    ),
    Row("cbc", suites("ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=2"), frozenset({ALLOWED})),
    Row("sha1", suites(f"{_AEAD}:@SECLEVEL=0"), frozenset({HASH})),
    Row("tls11", suites("ECDHE+AES:@SECLEVEL=0", **_TLS_11), frozenset({VERSION, ALLOWED, HASH})),
    Row(
        "null",
        suites(f"{_AEAD}:eNULL:!aNULL:@SECLEVEL=0", smtpd_tls_exclude_ciphers=""),
        frozenset({DENIED, ALLOWED, HASH}),
    ),
    Row(
        "anonymous",
        suites(f"{_AEAD}:AECDH-AES256-SHA:@SECLEVEL=0", smtpd_tls_exclude_ciphers=""),
        frozenset({DENIED, ALLOWED, HASH}),
    ),
    Row(
        "static",
        suites(f"{_AEAD}:AES256-GCM-SHA384:@SECLEVEL=2"),
        frozenset({ALLOWED, EXCHANGE}),
        rsa_key,
    ),
    Row(
        "dhe",
        suites(f"{_AEAD}:DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=2"),
        frozenset({ALLOWED}),
        rsa_key,
        left_open=frozenset({FEATURES}),
    ),
    Row(
        "curve",
        suites(f"{_AEAD}:@SECLEVEL=2", tls_eecdh_auto_curves="secp224r1 prime256v1"),
        frozenset({EXCHANGE}),
    ),
    Row("no-13", suites(f"{_AEAD}:@SECLEVEL=2", **_NO_13), frozenset({V13})),
    Row(
        "only-13",
        suites(f"{_AEAD}:@SECLEVEL=2", **_ONLY_13),
        frozenset(),
        absent=frozenset({EMS}),
    ),
    Row(
        "exim-stock",
        (EximSettings({"tls_require_ciphers": "NORMAL"}),),
        frozenset({VERSION, ALLOWED, HASH}),
    ),
    Row("exim-good", (EximSettings(),), frozenset()),
    Row("smtpd-stock", (OpenSmtpdSettings(options=()),), frozenset({ALLOWED})),
    Row("smtpd-good", (OpenSmtpdSettings(),), frozenset()),
    Row("dovecot", dovecot(DovecotSettings()), frozenset(), port=465),
    Row(
        "dovecot-cbc",
        dovecot(DovecotSettings({"ssl_cipher_list": "ECDHE+AESGCM:ECDHE+AES"})),
        frozenset({ALLOWED}),
        port=587,
    ),
)
MACHINES = tuple(
    Machine(row.label, number, f"{row.label}.example.org", row.servers, row.certificate)
    for number, row in enumerate(ROWS, start=30)
)
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)


@pytest.fixture(scope="module")
def servers(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "t") as running:
        yield running


@pytest.fixture(scope="module")
def run(servers: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over all of them, as it is by default."""
    return perform(servers, servers.write_fleet(tmp_path_factory.mktemp("tls") / "fleet"))


def of(run: Run, row: Row, outcome: str) -> dict[str, list[str]]:
    """The audits with that outcome, each with its messages."""
    return {
        result["audit"]: [violation["message"] for violation in result["violations"]]
        for result in run.about(f"mx1.{row.label}.example.org", *AUDITS, port=row.port)
        if result["outcome"] == outcome
    }


@each_row
def test_each_fault_is_found_and_no_other(run: Run, row: Row) -> None:
    assert of(run, row, "unknown").keys() == row.left_open
    failed = of(run, row, "fail")
    assert failed.keys() == row.fails, failed
    assert of(run, row, "not-applicable").keys() == row.absent
    assert of(run, row, "pass").keys() == AUDITS - row.fails - row.absent - row.left_open


@each_row
def test_no_hybrid_is_found_where_the_library_has_none(run: Run, row: Row) -> None:
    assert run.outcomes(f"mx1.{row.label}.example.org", HYBRID, port=row.port) == {"fail"}


@each_row
def test_no_service_is_asked_too_often(servers: Lab, run: Run, row: Row) -> None:
    assert run.results
    for server in servers.servers[row.label]:
        visits = server.connections(str(servers.auditor.ipv4))
        assert max(visits.values()) <= MAX_CONNECTIONS, visits
        assert server.annoyance() == []


@pytest.mark.parametrize(
    "row", [row for row in ROWS if not row.fails and not row.absent], ids=lambda row: row.label
)
def test_renegotiation_is_tried_and_refused(run: Run, row: Row) -> None:
    (result,) = run.about(f"mx1.{row.label}.example.org", FEATURES, port=row.port)
    quotes = " ".join(evidence["quote"] for evidence in result["evidence"])
    assert "0 renegotiations accepted, then " in quotes
    assert "without early data" in quotes
