"""Runs the stub resolver against scripted servers on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from dns.rdtypes.IN.A import A

from audits.collect.live.resolver import Reply, Resolver
from audits.facts.fact import Silence
from audits.settings import ResolverSettings
from tests.servers.dns import Behaviour, ScriptedDns

ZONE = """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 NS ns
@ 300 MX 10 mx1
mx1 300 A 192.0.2.1
mx2 300 CNAME mx1
far 300 CNAME mx1.other.example.
dangling 300 CNAME nowhere
loop1 300 CNAME loop2
loop2 300 CNAME loop1
brief 1 A 192.0.2.9
big 300 TXT "{long}" "{long}" "{long}" "{long}" "{long}" "{long}"
*.wild 300 A 192.0.2.7
""".format(long="x" * 250)
OTHER = """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
mx1 300 A 192.0.2.2
"""
ZONES = {"d.example.": ZONE, "other.example.": OTHER}

Script = Mapping[str | tuple[str, str], Behaviour]


@asynccontextmanager
async def resolving(
    *servers: ScriptedDns, timeout_s: float = 2.0, tries: int = 2, outstanding: int = 256
) -> AsyncIterator[Resolver]:
    """A resolver that asks these servers, which share a port."""
    settings = ResolverSettings(
        addresses=tuple(server.address for server in servers),
        port=servers[0].port,
        timeout_s=timeout_s,
        tries=tries,
        bogus_name="bogus.d.example",
    )
    async with Resolver(settings, outstanding=outstanding) as resolver:
        yield resolver


def run(
    test: Callable[[Resolver, ScriptedDns], Awaitable[None]],
    script: Script | None = None,
    timeout_s: float = 2.0,
    outstanding: int = 256,
) -> None:
    """Runs a test against one scripted server that has ZONES."""

    async def main() -> None:
        async with (
            ScriptedDns(ZONES, script) as server,
            resolving(server, timeout_s=timeout_s, outstanding=outstanding) as resolver,
        ):
            await test(resolver, server)

    asyncio.run(main())


async def answered(resolver: Resolver, name: str, rdtype: str) -> Reply:
    """What was asked for, which must have been answered."""
    reply = await resolver.ask(name, rdtype)
    assert isinstance(reply, Reply), reply
    return reply


async def unanswered(resolver: Resolver, name: str, rdtype: str) -> Silence:
    """Why nothing was answered, which must be so."""
    silence = await resolver.ask(name, rdtype)
    assert isinstance(silence, Silence), silence
    return silence


async def addresses(resolver: Resolver, name: str) -> list[str]:
    """The A records of a name."""
    reply = await answered(resolver, name, "A")
    return [rdata.address for rdata in reply.rdatas if isinstance(rdata, A)]
