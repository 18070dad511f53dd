"""What the resolver of a run is worth, asked before anything else."""

import asyncio

from audits.collect.collector import Origin
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.dns import ResolverReport
from audits.facts.fact import Observed, Reason, Silence
from audits.settings import ResolverSettings
from audits.subject import Vantage


async def preflight(resolver: Resolver, origin: Origin) -> Observed[ResolverReport]:
    """Whether the resolver answers, and whether it validates (RFC 4035 section 3.2.3).

    What the second one is worth stands at the end of the finding.
    """
    settings = resolver.settings
    bogus_name = settings.bogus_name
    questions = [(settings.signed_name, "SOA")]
    questions += [(bogus_name, "A")] if bogus_name else []
    signed, *others = await asyncio.gather(*(resolver.ask(*each) for each in questions))
    bogus = others[0] if others else None
    finding = _finding(settings, signed, bogus)
    if resolver.second is not None:
        other = (await preflight(resolver.second, origin)).fact
        finding += f"; the second one, {', '.join(other.servers)}: {other.finding}"
    report = ResolverReport(
        subject=Vantage(origin.vantage),
        servers=resolver.servers,
        signed=signed.answer if isinstance(signed, Reply) else None,
        bogus=bogus.answer if isinstance(bogus, Reply) else None,
        finding=finding,
    )
    return Observed(report, origin.live("resolver"))


def _finding(
    settings: ResolverSettings, signed: Reply | Silence, bogus: Reply | Silence | None
) -> str:
    """One clause on what the pre-flight met."""
    if isinstance(signed, Silence):
        return signed.detail
    declared = " although it is declared to" if settings.validating else ""
    name = "the root" if settings.signed_name == "." else settings.signed_name
    if not signed.answer.authenticated:
        return f"does not validate{declared}: its answer for {name} came without AD"
    if isinstance(bogus, Reply):
        return f"does not validate{declared}: answers for {settings.bogus_name}, which is bogus"
    if isinstance(bogus, Silence) and bogus.reason is not Reason.SERVFAIL:
        return f"validates {name}; the bogus name is not decided: {bogus.detail}"
    also = f" and refuses {settings.bogus_name}" if bogus is not None else ""
    return f"validates {name}{also}"
