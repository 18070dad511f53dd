"""Which hellos are sent: few to a service that is well kept, and never one twice."""

import pytest

from audits.facts.tls_offer import ClientHello, ServerAnswer, TlsAsk, TlsOffer, Version
from audits.parse.tls_inquiry import (
    enumeration,
    next_hellos,
    schemes_of_key,
    suites_of_key,
)
from audits.parse.tls_names import HYBRIDS, key_exchange, suite_name
from tests.catalog.tls.offering import (
    answer,
    ask,
    choosing,
    offers,
    refused,
    unanswered,
    well_kept,
)


def test_well_kept_service_costs_five_connections() -> None:
    assert len(offers().offers) == 5


def test_service_without_tls_1_3_is_asked_for_ssl_2_instead_of_groups() -> None:
    sent = offers(current="TLSv1.2").offers
    assert len(sent) == 5
    assert [o.hello.highest for o in sent].count(Version.SSL2) == 1
    assert Version.TLS13 not in [o.hello.highest for o in sent]


def test_nothing_is_sent_when_nothing_is_asked() -> None:
    assert next_hellos(TlsAsk(), (), "TLSv1.3") == ()


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (TlsAsk(versions=frozenset({Version.SSL3})), 1),
        (TlsAsk(hybrids=HYBRIDS), 1),
        (TlsAsk(features=True), 1),
        (TlsAsk(suites=(frozenset({0x000A}),)), 1),
        (TlsAsk(suites13=frozenset({0x1305})), 1),
    ],
)
def test_each_question_costs_one_connection(asked: TlsAsk, count: int) -> None:
    assert len(offers(asked=asked).offers) == count


def test_several_hellos_of_one_moment_are_different_and_all_needed() -> None:
    hellos = next_hellos(ask(), (), "TLSv1.3", most=5)
    assert len(set(hellos)) == 5
    one_by_one = [offer.hello for offer in offers().offers]
    assert set(hellos) == set(one_by_one)


def test_each_accepted_suite_closes_every_set_that_it_is_in() -> None:
    static = answer("TLS_RSA_WITH_AES_256_GCM_SHA384", group=None, scheme=None)
    sent = offers(choosing(static)).offers
    first, second, *_ = sent
    assert first.answer == static
    assert second.outcome == "refused"
    assert static.suite not in second.hello.suites
    assert len(sent) == 5


def test_gravest_suites_are_offered_first() -> None:
    first = offers().offers[0].hello.suites
    assert "NULL" in suite_name(first[0])
    assert suite_name(first[-1]).startswith("TLS_ECDHE")
    assert len(first) <= 140


def test_no_hello_comes_twice_where_nobody_answers() -> None:
    sent = [o.hello for o in offers(unanswered).offers]
    assert len(sent) == len(set(sent))
    assert next_hellos(ask(), [unanswered(h) for h in sent], "TLSv1.3") == ()


def test_enumeration_finds_every_suite_version_and_group() -> None:
    taken = {
        Version.TLS12: {0xC030, 0xC02F, 0x009C, 0x002F},
        Version.TLS10: {0x002F, 0x0035},
        Version.TLS13: {0x1301, 0x1302},
    }

    def server(hello: ClientHello) -> TlsOffer:
        if hello.highest not in taken or Version.SSL2 is hello.highest:
            return refused(hello, 70)
        suites = [s for s in hello.suites if s in taken[hello.highest]]
        groups = [g for g in hello.groups if g in (29, 23)]
        if not suites or not groups:
            return refused(hello)
        what: ServerAnswer = answer(suites[0], hello.highest, group=groups[0], scheme=None)
        return TlsOffer(hello, "accepted", what, None, None)

    sent: list[TlsOffer] = []
    while (hello := enumeration(sent, "TLSv1.3")) is not None:
        sent.append(server(hello))
        assert len(sent) < 60
    found = {(o.answer.version, o.answer.suite) for o in sent if o.answer is not None}
    assert found == {(version, suite) for version, suites in taken.items() for suite in suites}
    assert {o.answer.group for o in sent if o.answer is not None} == {29, 23}
    assert len({o.hello for o in sent}) == len(sent)


def test_enumeration_of_a_well_kept_service_ends() -> None:
    sent: list[TlsOffer] = []
    while (hello := enumeration(sent, "TLSv1.3")) is not None:
        sent.append(well_kept(hello))
        assert len(sent) < 60


def test_suites_of_the_two_types_of_key_have_none_in_common() -> None:
    elliptic, rsa = suites_of_key("ecdsa"), suites_of_key("rsa")
    assert elliptic
    assert rsa
    assert not elliptic & rsa
    assert {key_exchange(code) for code in elliptic} == {"ECDHE_ECDSA"}
    assert not set(schemes_of_key("ecdsa")) & set(schemes_of_key("rsa"))
