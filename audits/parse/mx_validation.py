"""What senders make of the certificate of an MX host, by what is published for it."""

from typing import Literal, assert_never

from msgspec import Struct

from audits.facts.dane import TlsaSet
from audits.facts.dns import ResolverReport
from audits.facts.fact import Observation, Observed, Reason, Silence
from audits.facts.https import MtaStsDomains
from audits.facts.tls import CertificateChain
from audits.parse.tlsa import DANE_EE, has_data_of, usable

# What a policy may take for granted; `auto` goes by what is published.
Validation = Literal["auto", "pkix", "dane", "none"]


class Validated(Struct, frozen=True):
    """By what senders verify a certificate, and why, in a clause.

    by: pkix (public roots, name and dates; RFC 8461 section 4.2), dane-ta (a TLSA record of usage
    2, with name and dates; RFC 7672 section 3.1.2), dane-ee (usage 3, the key alone; section
    3.1.1), nothing, or unknown. silence: what leaves it unknown.
    """

    by: Literal["pkix", "dane-ta", "dane-ee", "nothing", "unknown"]
    why: str
    silence: Silence | None = None


def validated(
    asked: Validation,
    sts: Observation[MtaStsDomains],
    tlsa: Observation[TlsaSet],
    resolver: Observation[ResolverReport],
    chain: CertificateChain,
) -> Validated:
    """How senders verify what an MX host presents. `sts` is of the same host as `tlsa`."""
    match asked:
        case "pkix":
            return Validated("pkix", "the policy asks for public trust")
        case "none":
            return Validated("nothing", "the policy asks for no validation of MX hosts")
        case "dane":
            return _by_dane(tlsa, resolver, chain)
        case "auto":
            return _automatic(sts, tlsa, resolver, chain)
        case _:
            assert_never(asked)


def _automatic(
    sts: Observation[MtaStsDomains],
    tlsa: Observation[TlsaSet],
    resolver: Observation[ResolverReport],
    chain: CertificateChain,
) -> Validated:
    """MTA-STS first: senders without DANE verify under it, whatever TLSA records say."""
    if not isinstance(sts, Observed):
        return _unknown(sts.reason, sts.detail)
    if sts.fact.domains:
        return Validated("pkix", f"{_listed(sts.fact.domains)} published MTA-STS")
    if sts.fact.silence is not None:
        return _unknown(sts.fact.silence.reason, sts.fact.silence.detail)
    return _by_dane(tlsa, resolver, chain)


def _by_dane(
    tlsa: Observation[TlsaSet], resolver: Observation[ResolverReport], chain: CertificateChain
) -> Validated:
    nothing = Validated("nothing", "neither MTA-STS nor a usable TLSA record asks senders to")
    if not isinstance(tlsa, Observed):
        if tlsa.reason.nothing_there:
            return nothing
        return _unknown(tlsa.reason, tlsa.detail)
    records = [record for _, record in usable(tlsa.fact.records)]
    if not records or tlsa.fact.bogus is not None:
        return nothing
    if not isinstance(resolver, Observed):
        return _unknown(resolver.reason, resolver.detail)
    if resolver.fact.distrust is not None:
        return _unknown(resolver.fact.distrust.reason, resolver.fact.distrust.detail)
    if not tlsa.fact.secure:
        return nothing
    leaf = chain.leaf
    for record in records:
        if record.usage == DANE_EE and leaf is not None and has_data_of(record, leaf):
            return Validated("dane-ee", f"senders take its key by TLSA {record.parameters}")
    return Validated("dane-ta", f"senders verify it by TLSA {records[0].parameters}")


def _unknown(reason: Reason, detail: str) -> Validated:
    return Validated("unknown", detail, Silence(reason, detail))


def _listed(domains: tuple[str, ...]) -> str:
    more = len(domains) - 1
    return f"{domains[0]} and {more} more have" if more else f"{domains[0]} has"
