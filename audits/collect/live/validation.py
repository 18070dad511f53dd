"""Tells an answer that a validating resolver refuses from one that nobody gives."""

from audits.collect.live.resolver import Reply, Resolver
from audits.facts.fact import Reason, Silence


async def ask_validated(
    resolver: Resolver, name: str, rdtype: str, *, dnssec: bool = False
) -> tuple[Reply | Silence, str | None]:
    """The answer, and why it is bogus; None where the resolver gives it, or nobody does.

    After SERVFAIL the question is asked once more with checking disabled (RFC 4035 section 3.2.2):
    what is answered then was held back as bogus.
    """
    reply = await resolver.ask(name, rdtype, dnssec=dnssec)
    if isinstance(reply, Reply) or reply.reason is not Reason.SERVFAIL:
        return reply, None
    unchecked = await resolver.ask(name, rdtype, dnssec=dnssec, checking_disabled=True)
    if isinstance(unchecked, Silence):
        return reply, None
    return unchecked, reply.detail
