"""The collector of automatic configuration for mail programs."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from dns.rdtypes.IN.SRV import SRV

from audits.collect.collector import Origin
from audits.collect.live.https import HTTPS_PORT, Document, HttpsFetcher, NoAnswer, Outcome
from audits.collect.live.resolver import Resolver
from audits.errors import ParseError
from audits.facts.autoconfig import AutoconfigDocument, ClientAutoconfig
from audits.facts.declared import DeclaredDomain
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    kind_of,
)
from audits.facts.snapshot import Snapshot
from audits.parse import autodiscover
from audits.parse.autoconfig import autoconfig
from audits.parse.autodiscover import Discovery
from audits.parse.dns_message import name_text
from audits.settings import Settings
from audits.subject import Domain, Subject

_ACCEPT = "application/xml, text/xml"


class AutoconfigFetch:
    """What a mail program would be told that sets up an address of a domain with senders.

    The addresses are those that Thunderbird asks first, then those of Autodiscover: the domain's
    own, and what its SRV record names. No name of a person is sent along, and no password.
    """

    name: ClassVar[str] = "autoconfig"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({ClientAutoconfig})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin, settings: Settings) -> None:
        self._resolver = resolver
        self._https = HttpsFetcher(resolver, settings)
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        declared = seen.fact(DeclaredDomain, subject)
        if declared is None or not declared.sends:
            kind, why = kind_of(ClientAutoconfig), "the domain sends no mail"
            provenance = self._origin.live(self.name)
            return [Unobserved(kind, subject, Reason.SKIPPED, why, provenance)]
        found = await asyncio.gather(
            self._document(f"autoconfig.{subject}", "/mail/config-v1.1.xml"),
            self._document(subject.name, "/.well-known/autoconfig/mail/config-v1.1.xml"),
            self._discovered(subject, f"autodiscover.{subject}"),
        )
        # One question more is for domains alone that are known to have mail programs.
        elsewhere = await self._named_by_srv(subject) if declared.submission else ()
        fact = ClientAutoconfig(subject, (*found, *elsewhere))
        return [Observed(fact, self._origin.live(self.name))]

    async def _document(self, host: str, path: str) -> AutoconfigDocument:
        outcome = await self._https.get(host, path, _ACCEPT)
        return _told(f"https://{host}{path}", outcome, _configured)

    async def _named_by_srv(self, domain: Domain) -> Sequence[AutoconfigDocument]:
        """What the first target of the domain's SRV record says ([MS-OXDISCO])."""
        name = f"_autodiscover._tcp.{domain}"
        reply = await self._resolver.ask(name, "SRV")
        if isinstance(reply, Silence):
            return (AutoconfigDocument(name, None, None, None, None, (), None, reply),)
        records = [record for record in reply.rdatas if isinstance(record, SRV)]
        first = min(records, key=lambda each: (each.priority, -each.weight), default=None)
        if first is None:
            return ()
        host = name_text(first.target)
        own = (f"autodiscover.{domain}", HTTPS_PORT)
        if host == "." or (host, first.port) == own:
            return ()
        return (await self._discovered(domain, host, first.port),)

    async def _discovered(
        self, domain: Domain, host: str, port: int = HTTPS_PORT
    ) -> AutoconfigDocument:
        question = autodiscover.request(domain.name)
        outcome = await self._https.post(host, autodiscover.PATH, _ACCEPT, question, port)
        at = host if port == HTTPS_PORT else f"{host}:{port}"
        return _told(f"https://{at}{autodiscover.PATH}", outcome, autodiscover.discovery)


def _configured(body: bytes) -> Discovery:
    return Discovery(autoconfig(body).servers, None)


def _told(url: str, outcome: Outcome, read: Callable[[bytes], Discovery]) -> AutoconfigDocument:
    """What was found at one address; nothing is read of what is not a document."""
    result = outcome.result
    document = result if isinstance(result, Document) else None
    found, malformed = Discovery((), None), None
    if document is not None and document.status == 200:
        try:
            found = read(document.body) if not document.truncated else found
            malformed = "it is too long" if document.truncated else None
        except ParseError as error:
            malformed = str(error)
    return AutoconfigDocument(
        url=url,
        address=outcome.address,
        failure=result.failure if isinstance(result, NoAnswer) else None,
        status=document.status if document else None,
        location=found.elsewhere or (document.location if document else None),
        servers=found.servers,
        malformed=malformed,
        silence=result if isinstance(result, Silence) else None,
    )
