"""Tells an answer that a validating resolver refuses from one that nobody gives."""

import asyncio

from audits.collect.live.resolver import Reply, Resolver
from audits.facts.fact import Reason, Silence

# An answer, and why it is bogus; None where the resolver gives it, or nobody does.
Validated = tuple[Reply | Silence, str | None]


async def ask_validated(
    resolver: Resolver, name: str, rdtype: str, *, dnssec: bool = False
) -> Validated:
    """The answer, and why it is bogus; None where the resolver gives it, or nobody does.

    After SERVFAIL the question is asked once more with checking disabled (RFC 4035 section 3.2.2):
    what is answered then was held back as bogus. Where there is a second resolver, it is asked the
    same, and what only one of the two refuses is a Silence with reason UNVALIDATED.
    """
    own = _ask(resolver, name, rdtype, dnssec=dnssec)
    if resolver.second is None:
        return await own
    other = _ask(resolver.second, name, rdtype, dnssec=dnssec)
    return _agreed(*await asyncio.gather(own, other), f"{rdtype} {name}")


async def _ask(resolver: Resolver, name: str, rdtype: str, *, dnssec: bool) -> Validated:
    reply = await resolver.ask(name, rdtype, dnssec=dnssec)
    if isinstance(reply, Reply) or reply.reason is not Reason.SERVFAIL:
        return reply, None
    unchecked = await resolver.ask(name, rdtype, dnssec=dnssec, checking_disabled=True)
    if isinstance(unchecked, Silence):
        return reply, None
    return unchecked, reply.detail


def _agreed(one: Validated, other: Validated, what: str) -> Validated:
    """What two resolvers say together; the silence of the second takes nothing from an answer."""
    refused, refused_too = _refusal(one), _refusal(other)
    if refused and refused_too:
        return one if one[1] is not None else other
    if not refused and (not refused_too or isinstance(one[0], Silence)):
        return one
    said = f"{_words(one, 'the first')}; {_words(other, 'the second')}"
    return Silence(Reason.UNVALIDATED, f"the two resolvers disagree on {what}: {said}"), None


def _refusal(validated: Validated) -> str | None:
    """In which words a resolver gave SERVFAIL; None where it did not."""
    reply, bogus = validated
    if isinstance(reply, Silence) and reply.reason is Reason.SERVFAIL:
        return reply.detail
    return bogus


def _words(validated: Validated, who: str) -> str:
    reply, bogus = validated
    return bogus or (reply.detail if isinstance(reply, Silence) else f"{who} answers")
