"""Documents over HTTPS, and the collector of MTA-STS policies (RFC 8461 section 3.3)."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from typing import ClassVar

import httpx
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from msgspec import Struct

from audits.collect.collector import Origin
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.https import MtaStsPolicy
from audits.facts.snapshot import Snapshot
from audits.parse.mta_sts import Policy, sts_policy
from audits.settings import Settings, TrustSettings
from audits.subject import Domain, Subject, endpoint

MAX_BODY_BYTES = 65_536
_MAX_HEADER_TEXT = 200
HTTPS_PORT = 443
_PATH = "/.well-known/mta-sts.txt"
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "mailproof"}


class Document(Struct, frozen=True):
    """What an HTTP server sent. body: at most MAX_BODY_BYTES of it; truncated: more came."""

    status: int | None
    location: str | None
    content_type: str | None
    body: bytes
    truncated: bool


class NoAnswer(Struct, frozen=True):
    """Somebody refused, or presented a certificate that does not do: an observation."""

    failure: str


class Outcome(Struct, frozen=True):
    """What came of a request. address: the last one that was dialled, None where none was."""

    address: str | None
    result: Document | NoAnswer | Silence


class _Request(Struct, frozen=True):
    """What is asked for. body: XML that is sent along; None for a GET."""

    host: str
    path: str
    accept: str
    body: bytes | None = None
    port: int = HTTPS_PORT

    @property
    def headers(self) -> dict[str, str]:
        authority = self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"
        sent = {"Host": authority, "Accept": self.accept, **_HEADERS}
        return sent if self.body is None else sent | {"Content-Type": "text/xml; charset=utf-8"}


class HttpsFetcher:
    """Asks for documents over HTTPS, bounded in time and size.

    A name is resolved by our resolver and dialled by address, its certificate verified for the
    name against the system's roots and `trust`. Redirects are not followed. Of the settings,
    `limits.https_s` bounds the whole, `limits.connect_s` each connection, and `redirect` may send
    port 443 of an address elsewhere.
    """

    def __init__(self, resolver: Resolver, settings: Settings) -> None:
        self._resolver = resolver
        self._limits = settings.limits
        self._trust = settings.trust
        self._redirect = settings.redirect
        self._context: ssl.SSLContext | None = None

    async def get(self, host: str, path: str, accept: str) -> Outcome:
        """The document at that path, from the first address that gives an answer."""
        return await self._within_limit(_Request(host, path, accept))

    async def post(
        self, host: str, path: str, accept: str, body: bytes, port: int = HTTPS_PORT
    ) -> Outcome:
        """What the first address that gives an answer makes of an XML document."""
        return await self._within_limit(_Request(host, path, accept, body, port))

    async def _within_limit(self, request: _Request) -> Outcome:
        try:
            async with asyncio.timeout(self._limits.https_s):
                return await self._fetch(request)
        except TimeoutError:
            detail = f"nothing from {request.host} within {self._limits.https_s:g} s"
            return Outcome(None, Silence(Reason.TIMEOUT, detail))

    async def _fetch(self, request: _Request) -> Outcome:
        """IPv4 first; AAAA is asked for only where no address of the other kind gave an answer."""
        replies: list[Reply | Silence] = []
        outcome: Outcome | None = None
        for rdtype in ("A", "AAAA"):
            reply = await self._resolver.ask(request.host, rdtype)
            replies.append(reply)
            for address in _addresses(reply):
                dialled, port = self._target(address, request.port)
                outcome = Outcome(dialled, await self._ask(request, dialled, port))
                if isinstance(outcome.result, Document):
                    return outcome
            if isinstance(reply, Reply) and reply.answer.rcode == "NXDOMAIN":
                break  # of any type (RFC 2308 section 5)
        return outcome or Outcome(None, _no_address(request.host, replies))

    def _target(self, address: str, port: int) -> tuple[str, int]:
        """Address and port to dial."""
        own = endpoint(address, port)
        target, _, dialled = self._redirect.get(own, own).rpartition(":")
        return target.removeprefix("[").removesuffix("]"), int(dialled)

    async def _ask(
        self, request: _Request, address: str, port: int
    ) -> Document | NoAnswer | Silence:
        try:
            return await self._exchange(request, address, port)
        except httpx.HTTPError as error:
            return _meaning(error, endpoint(address, port))
        except OSError as error:  # the file of private roots
            return Silence(Reason.INTERNAL, f"{self._trust.ca_file}: {error.strerror or error}")

    async def _exchange(self, asked: _Request, address: str, port: int) -> Document:
        transport = httpx.AsyncHTTPTransport(
            verify=await self._trusted(), trust_env=False, retries=0
        )
        timeout = httpx.Timeout(self._limits.https_s, connect=self._limits.connect_s)
        request = httpx.Request(
            "GET" if asked.body is None else "POST",
            httpx.URL(scheme="https", host=address, port=port, path=asked.path),
            headers=asked.headers,
            content=asked.body,
            # The name goes into SNI, and the certificate is verified for it.
            extensions={"sni_hostname": asked.host, "timeout": timeout.as_dict()},
        )
        async with transport:
            answer = await transport.handle_async_request(request)
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    break
            await answer.aclose()
        return Document(
            status=answer.status_code,
            location=_header(answer, "location"),
            content_type=_header(answer, "content-type"),
            body=bytes(body[:MAX_BODY_BYTES]),
            truncated=len(body) > MAX_BODY_BYTES,
        )

    async def _trusted(self) -> ssl.SSLContext:
        """Reading all roots takes a while, which others on the loop would be timed with."""
        if self._context is None:
            self._context = await asyncio.to_thread(trust_context, self._trust)
        return self._context


class MtaStsFetch:
    """The MTA-STS policy of a domain that announces one.

    Redirects are not followed, as RFC 8461 section 3.3 demands.
    """

    name: ClassVar[str] = "mta-sts"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({MtaStsPolicy})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MtaStsTxt})

    def __init__(
        self,
        resolver: Resolver,
        origin: Origin,
        wanted: frozenset[type[Fact]],
        settings: Settings,
    ) -> None:
        self._https = HttpsFetcher(resolver, settings)
        self._origin = origin
        self._wanted = wanted

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        if MtaStsPolicy not in self._wanted:
            return []
        found = _reason_not_to_fetch(subject, seen) or await self._policy(subject)
        provenance = self._origin.live(self.name)
        return [observation(MtaStsPolicy, subject, found, provenance)]

    async def _policy(self, domain: Domain) -> MtaStsPolicy | Silence:
        outcome = await self._https.get(f"mta-sts.{domain}", _PATH, "text/plain")
        return _fact(domain, outcome.address, outcome.result)


def _addresses(reply: Reply | Silence) -> tuple[str, ...]:
    rdatas = reply.rdatas if isinstance(reply, Reply) else ()
    return tuple(rdata.address for rdata in rdatas if isinstance(rdata, A | AAAA))


def _no_address(host: str, replies: Sequence[Reply | Silence]) -> NoAnswer | Silence:
    """Why there is nobody to ask."""
    for reply in replies:
        if isinstance(reply, Silence):
            return reply
    absent = any(isinstance(r, Reply) and r.answer.rcode == "NXDOMAIN" for r in replies)
    return NoAnswer(f"{host} {'does not exist' if absent else 'has no address'}")


def trust_context(trust: TrustSettings) -> ssl.SSLContext:
    """What verifies a policy host: names of the SAN only (RFC 8461 section 3.3, RFC 6125).

    Raises OSError (which ssl.SSLError is) where the file of private roots can't be read.
    """
    context = ssl.create_default_context()
    context.hostname_checks_common_name = False
    # Senders verify as OpenSSL does by itself; Python 3.13 and later add these on their own.
    context.verify_flags &= ~(ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
    if trust.ca_file is not None:
        context.load_verify_locations(trust.ca_file)
    return context


def _reason_not_to_fetch(domain: Domain, seen: Snapshot) -> Silence | None:
    """Without a TXT record there is no policy to look for (RFC 8461 section 3.1)."""
    match seen.get(MtaStsTxt, domain):
        case Observed(fact):
            if fact.records:
                return None
            return Silence(Reason.ABSENT, f"no MTA-STS record at _mta-sts.{domain}")
        case Unobserved(_, _, reason, detail):
            return Silence(reason, detail)
        case None:
            return Silence(Reason.NOT_COLLECTED, f"_mta-sts.{domain} was not asked for")


def _meaning(error: httpx.HTTPError, dialled: str) -> NoAnswer | Silence:
    """Which layer failed, by the error underneath."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return NoAnswer(f"certificate of {dialled}: {cause.verify_message}")
            case ssl.SSLError():
                return NoAnswer(f"TLS with {dialled}: {cause.reason or cause}")
            case ConnectionRefusedError():
                return NoAnswer(f"{dialled}: connection refused")
            case ConnectionError():
                return Silence(Reason.DISCONNECTED, f"{dialled}: {cause.strerror or cause}")
            case OSError() if cause.errno is not None:
                return Silence(Reason.UNREACHABLE, f"{dialled}: {cause.strerror or cause}")
    if isinstance(error, httpx.TimeoutException):
        return Silence(Reason.TIMEOUT, f"{dialled}: no answer in time")
    if isinstance(error, httpx.NetworkError):
        return Silence(Reason.UNREACHABLE, f"{dialled}: {error}")
    return Silence(Reason.HTTP, f"{dialled}: {error}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, OSError) and str(error) == "All connection attempts failed":
            # anyio's summary of several attempts; ours are one address each.
            yield from _causes(error.__cause__)
            return
        error = error.__cause__ or error.__context__


def _header(answer: httpx.Response, name: str) -> str | None:
    value = answer.headers.get(name)
    return None if value is None else str(value)[:_MAX_HEADER_TEXT]


def _fact(
    domain: Domain, address: str | None, outcome: Document | NoAnswer | Silence
) -> MtaStsPolicy | Silence:
    """The fact that an outcome makes; a policy is read only where the server says 200."""
    if isinstance(outcome, Silence):
        return outcome
    failure = outcome.failure if isinstance(outcome, NoAnswer) else None
    document = outcome if isinstance(outcome, Document) else _NOTHING
    body = document.body.decode(errors="replace")
    policy = sts_policy(body) if document.status == 200 else _NO_POLICY
    return MtaStsPolicy(
        subject=domain,
        url=f"https://mta-sts.{domain}{_PATH}",
        address=address,
        failure=failure,
        status=document.status,
        location=document.location,
        content_type=document.content_type,
        body=body,
        body_bytes=len(document.body),
        truncated=document.truncated,
        version=policy.version,
        mode=policy.mode,
        mx=policy.mx,
        max_age_s=policy.max_age_s,
        malformed=policy.malformed,
    )


_NOTHING = Document(None, None, None, b"", False)
_NO_POLICY = Policy(None, None, (), None, None)
