"""The collectors of DMARC report destinations and of BIMI against a server on loopback."""

import asyncio
from collections.abc import Mapping

from audits.collect.collector import Collector, Origin
from audits.collect.live.bimi import BimiLookup
from audits.collect.live.dmarc import DmarcReportMailboxes, dmarc_walk
from audits.collect.live.resolver import Resolver
from audits.facts.bimi import BimiTxt
from audits.facts.dmarc import DmarcDestination, DmarcDestinations
from audits.facts.dns import DmarcWalk
from audits.facts.fact import AnyObservation, Observed, Reason, Unobserved
from audits.settings import ResolverSettings
from audits.subject import Domain
from tests.build import AS_OF, domain, silent, snapshot
from tests.servers.dns import Behaviour, ScriptedDns

SILENT = Behaviour(silent=True)
ORIGIN = Origin("here", lambda: AS_OF)
D = Domain("d.example")
ZONE = """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 NS ns
d 300 MX 10 mx.d
_dmarc.d 300 TXT "{record}"
esp 300 MX 10 mx.esp
esp 300 MX 5 MX0.esp
*._report._dmarc.esp 300 TXT "v=DMARC1"
d.example._report._dmarc.esp2 300 TXT "hello"
d.example._report._dmarc.esp2 300 TXT "v=DMARC1;"
default._bimi.d 300 TXT "v=BIMI1; l=https://d.example/logo.svg"
default._bimi.d 300 TXT "unrelated"
"""

Script = Mapping[str | tuple[str, str], Behaviour]


def _ask(
    record: str, script: Script | None = None, *, of: str = "mail"
) -> tuple[AnyObservation, list[str]]:
    """What the collector returns for d.example, and the names it asked for beyond the walk's."""

    async def main() -> tuple[AnyObservation, list[str]]:
        zones = {"example.": ZONE.format(record=record)}
        async with ScriptedDns(zones, script) as server, Resolver(server.settings) as resolver:
            walk = await dmarc_walk(resolver, D.name)
            assert isinstance(walk, DmarcWalk)
            server.asked.clear()
            seen = snapshot(domain(D.name), walk)
            made: Collector = (
                DmarcReportMailboxes(resolver, ORIGIN)
                if of == "mail"
                else BimiLookup(resolver, ORIGIN)
            )
            (observation,) = await made.collect(D, seen)
            return observation, sorted(f"{a.name} {a.rdtype}" for a in server.asked)

    return asyncio.run(main())


def _destinations(record: str, script: Script | None = None) -> tuple[DmarcDestination, ...]:
    observation, _ = _ask(record, script)
    assert isinstance(observation, Observed), observation
    assert isinstance(observation.fact, DmarcDestinations)
    return observation.fact.destinations


def test_own_mailbox_costs_one_query() -> None:
    observation, asked = _ask("v=DMARC1; p=none; rua=mailto:r@d.example,mailto:s@D.example.")
    assert asked == ["d.example MX"]
    assert isinstance(observation, Observed)
    assert isinstance(observation.fact, DmarcDestinations)
    (own,) = observation.fact.destinations
    assert [uri.uri for uri in own.uris] == ["mailto:r@d.example", "mailto:s@D.example."]
    assert (own.organizational, own.authorisation) == ("d.example", None)
    assert own.mx is not None
    assert own.mx.exchanges == ("mx.d.example",)


def test_mailbox_below_the_own_domain_is_no_external_one() -> None:
    (below,) = _destinations("v=DMARC1; p=none; rua=mailto:r@reports.d.example")
    assert (below.organizational, below.authorisation) == ("d.example", None)
    assert below.mx is not None
    assert below.mx.answer.rcode == "NXDOMAIN"


def test_external_mailbox_is_asked_whether_it_takes_reports() -> None:
    (esp,) = _destinations("v=DMARC1; p=none; ruf=mailto:r@esp.example")
    assert esp.uris[0].tag == "ruf"
    assert esp.organizational == "esp.example"
    assert esp.mx is not None
    assert esp.mx.exchanges == ("mx.esp.example", "mx0.esp.example")
    assert esp.authorisation is not None
    assert esp.authorisation.answer.name == "d.example._report._dmarc.esp.example"
    assert len(esp.authorisation.records) == 1


def test_foreign_text_beside_an_authorisation_is_no_record() -> None:
    (esp,) = _destinations("v=DMARC1; p=none; rua=mailto:r@esp2.example")
    assert esp.authorisation is not None
    assert (len(esp.authorisation.texts), len(esp.authorisation.records)) == (2, 1)


def test_silence_of_a_destination_stays_with_it() -> None:
    script = {("esp.example", "MX"): Behaviour(rcode="SERVFAIL"), "_dmarc.esp.example": SILENT}
    esp, own = _destinations(
        "v=DMARC1; p=none; rua=mailto:r@esp.example,mailto:r@d.example", script
    )
    assert (esp.organizational, esp.mx) == (None, None)
    assert esp.authorisation is not None
    assert {silence.reason for silence in esp.silences} == {Reason.SERVFAIL, Reason.DNS_TIMEOUT}
    assert own.silences == ()


def test_what_is_no_domain_name_is_not_asked_for() -> None:
    observation, asked = _ask("v=DMARC1; p=none; rua=mailto:root@localhost")
    assert asked == []
    assert isinstance(observation, Observed)


def test_many_destinations_are_cut_off() -> None:
    many = ",".join(f"mailto:r@x{number}.y" for number in range(13))
    assert len(_destinations(f"v=DMARC1; p=none; rua={many}")) == 10


def test_no_record_is_absent_and_a_silent_walk_says_so() -> None:
    observation, asked = _ask("v=dmarc1")
    assert isinstance(observation, Unobserved)
    assert (observation.reason, asked) == (Reason.ABSENT, [])

    async def collect(*seen: Unobserved) -> AnyObservation:
        async with Resolver(ResolverSettings(addresses=("127.0.0.1",), port=9)) as resolver:
            mailboxes = DmarcReportMailboxes(resolver, ORIGIN)
            (observation,) = await mailboxes.collect(D, snapshot(*seen))
            return observation

    quiet = asyncio.run(collect(silent(DmarcWalk, D, Reason.SERVFAIL)))
    assert isinstance(quiet, Unobserved)
    assert quiet.reason is Reason.SERVFAIL
    unasked = asyncio.run(collect())
    assert isinstance(unasked, Unobserved)
    assert unasked.reason is Reason.NOT_COLLECTED


def test_bimi_record_is_told_from_other_text() -> None:
    observation, asked = _ask("v=DMARC1; p=none", of="bimi")
    assert isinstance(observation, Observed)
    assert isinstance(observation.fact, BimiTxt)
    assert (len(observation.fact.texts), len(observation.fact.records)) == (2, 1)
    assert asked == ["default._bimi.d.example TXT"]


def test_silent_bimi_look_up_is_unobserved() -> None:
    script = {"default._bimi.d.example": Behaviour(rcode="SERVFAIL")}
    observation, _ = _ask("v=DMARC1; p=none", script, of="bimi")
    assert isinstance(observation, Unobserved)
    assert observation.reason is Reason.SERVFAIL
