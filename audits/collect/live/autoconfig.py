"""The collector of automatic configuration for mail programs."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.https import Document, HttpsFetcher, NoAnswer
from audits.collect.live.resolver import Resolver
from audits.errors import ParseError
from audits.facts.autoconfig import AutoconfigDocument, ClientAutoconfig, ClientServer
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
from audits.parse.autoconfig import autoconfig
from audits.settings import Settings
from audits.subject import Domain, Subject

_ACCEPT = "application/xml, text/xml"


class AutoconfigFetch:
    """What a mail program would be told that sets up an address of a domain with senders.

    The addresses are those that Thunderbird asks first; no name of a person is sent along.
    """

    name: ClassVar[str] = "autoconfig"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({ClientAutoconfig})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin, settings: Settings) -> None:
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
        )
        fact = ClientAutoconfig(subject, tuple(found))
        return [Observed(fact, self._origin.live(self.name))]

    async def _document(self, host: str, path: str) -> AutoconfigDocument:
        outcome = await self._https.get(host, path, _ACCEPT)
        result = outcome.result
        document = result if isinstance(result, Document) else None
        servers, malformed = _read(document)
        return AutoconfigDocument(
            url=f"https://{host}{path}",
            address=outcome.address,
            failure=result.failure if isinstance(result, NoAnswer) else None,
            status=document.status if document else None,
            location=document.location if document else None,
            servers=servers,
            malformed=malformed,
            silence=result if isinstance(result, Silence) else None,
        )


def _read(document: Document | None) -> tuple[tuple[ClientServer, ...], str | None]:
    """The servers, and what keeps them from being read; nothing of what is not a document."""
    if document is None or document.status != 200:
        return (), None
    if document.truncated:
        return (), "it is too long"
    try:
        return autoconfig(document.body).servers, None
    except ParseError as error:
        return (), str(error)
