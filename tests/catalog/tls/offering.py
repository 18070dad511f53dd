"""What a service makes of hellos, for tests of audits: every forbidden thing refused unless said.

A well-kept service is asked what the audits ask by default, through the real planning of hellos.
"""

from collections.abc import Callable
from typing import Any

from audits.facts.fact import Reason, Silence
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import (
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SUPPORTED_VERSIONS,
    ClientHello,
    ServerAnswer,
    TlsAsk,
    TlsOffer,
    TlsOffers,
    Version,
)
from audits.parse.tls_inquiry import next_hellos
from audits.parse.tls_names import HYBRIDS, SUITES, SUITES_BEFORE_13
from audits.parse.tls_policy import (
    DENIED,
    MODERN_GROUPS,
    WEAK_SCHEMES,
    allowed_suites,
    curves_outside,
    denied_suites,
    dhe_suites,
    suites_13_outside,
    suites_without_forward_secrecy,
    versions_below,
)
from tests.catalog.wire import MX

GOOD = 0xC030
ALLOWED = allowed_suites("rfc9325")[0]
CODES = {name: code for code, name in SUITES.items()}
BROKEN_OFF = Silence(Reason.DISCONNECTED, "the server closed the connection instead of an answer")
Server = Callable[[ClientHello], TlsOffer]


def ask(allow: str = "rfc9325", minimum: Version = Version.TLS12) -> TlsAsk:
    """What the baseline asks, or another list and minimum."""
    allowed, tolerated = allowed_suites(allow)
    return TlsAsk(
        versions=versions_below(minimum),
        suites=(
            denied_suites(DENIED) & SUITES_BEFORE_13,
            suites_without_forward_secrecy(),
            dhe_suites(),
            SUITES_BEFORE_13 - allowed - tolerated,
            tolerated,
        ),
        suites13=suites_13_outside(allowed),
        schemes=WEAK_SCHEMES,
        groups=curves_outside(MODERN_GROUPS),
        hybrids=HYBRIDS,
        features=True,
    )


def answer(
    suite: int | str = GOOD, version: Version = Version.TLS12, **fields: Any
) -> ServerAnswer:
    """What a good server chooses in TLS 1.2, unless said."""
    whole: dict[str, Any] = {
        "retry": False,
        "group": 29,
        "dh_bits": None,
        "scheme": 0x0804,
        "compression": 0,
        "extensions": (RENEGOTIATION_INFO, EXTENDED_MASTER_SECRET),
    }
    code = CODES[suite] if isinstance(suite, str) else suite
    return ServerAnswer(version=version, suite=code, **(whole | fields))


def hybrid(group: int = 4588) -> ServerAnswer:
    """A HelloRetryRequest for a group."""
    extensions = (SUPPORTED_VERSIONS, KEY_SHARE)
    return answer(
        0x1302, Version.TLS13, retry=True, group=group, scheme=None, extensions=extensions
    )


def accepted(hello: ClientHello, what: ServerAnswer) -> TlsOffer:
    return TlsOffer(hello, "accepted", what, None, None)


def refused(hello: ClientHello, alert: int = 40) -> TlsOffer:
    return TlsOffer(hello, "refused", None, alert, None)


def unanswered(hello: ClientHello, silence: Silence = BROKEN_OFF) -> TlsOffer:
    return TlsOffer(hello, "inconclusive", None, None, silence)


def well_kept(hello: ClientHello) -> TlsOffer:
    """TLS 1.2 and 1.3 with what the baseline allows, X25519MLKEM768 among it."""
    if hello.highest is Version.TLS13:
        fits = 0x1302 in hello.suites and 4588 in hello.groups
        return accepted(hello, hybrid()) if fits else refused(hello)
    if hello.highest is not Version.TLS12:
        return refused(hello, 70)
    fits = ALLOWED & set(hello.suites) and 0x0804 in hello.schemes
    return accepted(hello, answer()) if fits else refused(hello)


def choosing(wanted: ServerAnswer, otherwise: Server = well_kept) -> Server:
    """A server that chooses this wherever it is offered, and is well kept otherwise."""

    def server(hello: ClientHello) -> TlsOffer:
        offered = hello.asks_for(wanted.version) and wanted.suite in hello.suites
        if wanted.scheme is not None and hello.schemes:
            offered = offered and wanted.scheme in hello.schemes
        return accepted(hello, wanted) if offered else otherwise(hello)

    return server


def offers(
    server: Server = well_kept,
    asked: TlsAsk | None = None,
    current: str | None = "TLSv1.3",
    at: Any = MX,
) -> TlsOffers:
    """All hellos that are planned, answered by a server."""
    asked = ask() if asked is None else asked
    sent: list[TlsOffer] = []
    while hellos := next_hellos(asked, sent, current):
        sent += map(server, hellos)
    return TlsOffers(at, tuple(sent))


def shaken(version: str | None = "TLSv1.3", at: Any = MX) -> TlsHandshake:
    """The handshake of a current client."""
    error = None if version else "alert handshake_failure"
    return TlsHandshake(at, version is not None, error, version, "x" if version else None, "", 0.1)
