"""What services say of themselves, at a glance."""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from audits.facts.fact import Fact, Observed, Provenance
from audits.facts.smtp import EhloInTls, EhloReply, Keyword
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import ClientHello, ServerAnswer, TlsOffer, TlsOffers, Version
from audits.report.service import ServiceRow, service_rows
from audits.subject import MailHost, Service
from tests.build import reply, roles
from tests.report import fleet

AT = datetime(2026, 11, 23, tzinfo=UTC)
MX = Service("mx.example.net", "192.0.2.1", 25)


def rows(*facts: Fact, services: Iterable[Service] = (MX,)) -> tuple[ServiceRow, ...]:
    stated = replace(roles(MX.host), services=tuple(services))
    seen = [Observed(fact, Provenance("c", "office", AT, "live")) for fact in (stated, *facts)]
    return service_rows(MailHost(MX.host), Snapshot(Header(SCHEMA, "r", "office", AT, "0"), seen))


def ehlo(*keywords: Keyword) -> EhloReply:
    return EhloReply(MX, "audit.example", reply(250, "hi"), keywords)


def offered(version: Version, group: int) -> TlsOffer:
    hello = ClientHello(version, version, (0x1301,), (group,), ())
    answer = ServerAnswer(version, 0x1301, False, group, None, None, 0, ())
    return TlsOffer(hello, "accepted", answer, None, None)


def test_what_is_announced_inside_tls_outranks_what_is_announced_in_clear() -> None:
    inside = EhloInTls(
        MX,
        "audit.example",
        reply(250, "hi"),
        (Keyword("SIZE", ("10240000",)), Keyword("AUTH", ("PLAIN", "LOGIN")), Keyword("XODD", ())),
    )
    (row,) = rows(ehlo(Keyword("CHUNKING", ())), inside)
    assert (row.announced, row.login, row.clear) == (("SIZE 10240000",), ("PLAIN", "LOGIN"), False)


def test_what_is_announced_in_clear_alone_says_so() -> None:
    (row,) = rows(ehlo(Keyword("CHUNKING", ()), Keyword("8BITMIME", ())))
    assert (row.announced, row.clear, row.tls) == (("8BITMIME", "CHUNKING"), True, "")


def test_groups_are_those_chosen_in_the_version_of_the_handshake() -> None:
    handshake = TlsHandshake(MX, True, None, "TLSv1.3", "TLS_AES_128_GCM_SHA256", MX.host, 0.01)
    offers = TlsOffers(MX, (offered(Version.TLS12, 24), offered(Version.TLS13, 4588)))
    (row,) = rows(handshake, offers)
    assert (row.tls, row.groups) == ("TLSv1.3 TLS_AES_128_GCM_SHA256", "X25519MLKEM768")


def test_failed_handshake_says_how_it_ended() -> None:
    (row,) = rows(TlsHandshake(MX, False, "alert 40", None, None, MX.host, 0.01))
    assert row.tls == "alert 40"


def test_service_of_which_nothing_was_seen_has_no_row() -> None:
    assert rows() == ()


def test_what_a_server_says_is_cut_and_written_out() -> None:
    hostile = tuple(f"\x1b[2J\u202e{place}{'A' * 500}" for place in range(500))
    (row,) = rows(ehlo(Keyword("SIZE", hostile), Keyword("AUTH", hostile)))
    said = "".join((*row.announced, *row.login))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert len(said) < 2000


def test_host_with_many_services_shows_a_dozen() -> None:
    many = [Service(MX.host, f"192.0.2.{last}", 25) for last in range(1, 200)]
    seen = [EhloReply(each, "audit.example", reply(250, "hi"), ()) for each in many]
    assert len(rows(*seen, services=many)) == 12


def test_sheets_of_hosts_have_them_and_those_of_domains_have_none() -> None:
    made = fleet.whole()
    assert any(sheet.services for sheet in made.host_sheets)
    assert not any(sheet.services for sheet in made.domain_sheets)
