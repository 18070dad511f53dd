"""The collector of where reports on TLS would go, against a DNS server on loopback."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.collect.live.tlsrpt import TlsRptMailboxes
from audits.facts.dns import Answer, TlsRptTxt
from audits.facts.fact import AnyObservation, Fact, Observed, Reason, Unobserved, kind_of
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.facts.tlsrpt import TlsRptDestinations
from audits.parse.tlsrpt import tlsrpt_records
from audits.subject import Domain
from tests.servers.dns import Behaviour, ScriptedDns

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
D = Domain("d.example")
ZONES = {
    "example.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
reports 300 MX 10 mx.reports
"""
}
Script = Mapping[str | tuple[str, str], Behaviour]


def txt(*texts: str) -> Observed[Fact]:
    answer = Answer(f"_smtp._tls.{D}", "NOERROR", False, (), 300)
    return Observed(TlsRptTxt(D, answer, texts, tlsrpt_records(texts)), ORIGIN.live("dns-domain"))


def asked(seen: AnyObservation, script: Script | None = None) -> tuple[AnyObservation, list[str]]:
    """What the collector says, and the names that it asked for."""

    async def main() -> tuple[AnyObservation, list[str]]:
        async with ScriptedDns(ZONES, script) as names, Resolver(names.settings) as resolver:
            snapshot = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), [seen])
            (found,) = await TlsRptMailboxes(resolver, ORIGIN).collect(D, snapshot)
            return found, names.names("MX")

    return asyncio.run(main())


def test_each_mail_domain_is_asked_for_once_and_web_addresses_are_not() -> None:
    rua = "mailto:a@Reports.example,mailto:b@reports.example?x=1,https://web.example/t"
    found, names = asked(txt(f"v=TLSRPTv1; rua={rua}"))
    assert isinstance(found, Observed)
    assert isinstance(found.fact, TlsRptDestinations)
    (destination,) = found.fact.destinations
    assert (destination.name, destination.exchanges) == ("reports.example", ("mx.reports.example",))
    assert names == ["reports.example"]


def test_domain_that_does_not_exist_is_a_fact_and_a_silent_one_is_silence() -> None:
    rua = "mailto:a@gone.example,mailto:b@slow.example"
    script: Script = {"slow.example": Behaviour(silent=True)}
    found, _ = asked(txt(f"v=TLSRPTv1; rua={rua}"), script)
    assert isinstance(found, Observed)
    assert isinstance(found.fact, TlsRptDestinations)
    gone, slow = found.fact.destinations
    assert gone.answer is not None
    assert (gone.answer.rcode, gone.exchanges) == ("NXDOMAIN", ())
    assert slow.silence is not None
    assert slow.silence.reason is Reason.DNS_TIMEOUT


def test_nothing_is_asked_where_senders_take_no_record() -> None:
    record = "v=TLSRPTv1; rua=mailto:a@reports.example"
    for seen in (txt(), txt(record, record + ";"), txt("v=TLSRPTv1; rua=x")):
        found, names = asked(seen)
        assert isinstance(found, Unobserved)
        assert found.reason is Reason.ABSENT
        assert names == []


def test_silence_about_the_record_is_passed_on() -> None:
    silent = Unobserved(kind_of(TlsRptTxt), D, Reason.SERVFAIL, "x", ORIGIN.live("dns-domain"))
    found, names = asked(silent)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SERVFAIL
    assert names == []
