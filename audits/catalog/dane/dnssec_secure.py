"""The TLSA look-up of every MX host gets a secure answer, or securely none.

## Rationale
A sender that does DANE and gets a bogus answer for the TLSA records of an MX host, or SERVFAIL,
must not deliver there: mail waits, and is returned at last, though everything works for all other
senders. That happens at hosts that never had TLSA records, too, where the proof of their absence is
broken, or a name server does not know the type. TLSA records in an unsigned zone protect nothing
and look as if they did.

## Remediation
See what a validating resolver says, and what it says with checking disabled:

    kdig +dnssec _25._tcp.mx1.example.net TLSA
    kdig +dnssec +cdflag _25._tcp.mx1.example.net TLSA

Sign the zone again, and update or replace a name server that denies `_25._tcp` without proof. Where
TLSA records lie in an unsigned zone, sign it and give its DS record to the parent, or delete them.

## Limits
What one resolver is told is judged, and may be of this hour; with `resolver: second` what only one
of two refuses is unknown. So is SERVFAIL for a host whose addresses are not secure, since senders
do not ask for its TLSA records, and an answer that does not come in time.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, EachMx, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dane import TlsaSet
from audits.facts.dns import HostAddresses, MxSet, ResolverReport
from audits.facts.dnssec import HostSecurity
from audits.facts.fact import Observation, Observed, Reason, Unobserved
from audits.subject import Subject


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.CRITICAL,
    references=(Rfc(7672, "2.1.2"), Rfc(7672, "2.2")),
    frameworks=(Doc("BSI TR-03108-P", "DANE_SERVER"), Doc("Internet.nl", "dane-exists")),
)
def evaluate(
    mx: MxSet,
    each: EachMx[TlsaSet],
    asked: EachMx[Observation[TlsaSet]],
    hosts: EachMx[Observation[HostAddresses]],
    zones: EachMx[HostSecurity],
    resolver: ResolverReport,
) -> Verdict:
    if not mx.records or not mx.targets:
        return NotApplicable("the domain publishes no MX host")
    if resolver.distrust is not None:
        published = any(tlsa.records for tlsa in each)
        if not published and all(zone.zone.unsigned for zone in zones):
            return NotApplicable("no MX host is in a signed zone, and none has TLSA records")
        return undecided(resolver, "/finding", resolver.distrust)
    violations = [v for tlsa in each if (v := _violation(tlsa)) is not None]
    violations += _withheld(asked, hosts)
    if violations:
        return Fail(tuple(violations))
    secure = [tlsa for tlsa in each if tlsa.secure]
    if not secure:
        return NotApplicable("no MX host is in a signed zone, and none has TLSA records")
    return Pass(tuple(cite(tlsa, "/answer/authenticated") for tlsa in secure))


def _violation(tlsa: TlsaSet) -> Violation | None:
    if tlsa.bogus is not None:
        what = "the TLSA records" if tlsa.records else "the absence of TLSA records"
        return Violation(f"{what} at {tlsa.name}: bogus, {tlsa.bogus}", (cite(tlsa, "/bogus"),))
    if tlsa.records and not tlsa.secure:
        seen = (cite(tlsa, "/answer/authenticated"), cite(tlsa, "/records"))
        message = f"the TLSA records at {tlsa.name} are in no secure zone"
        return Violation(message, seen, Severity.HIGH)
    return None


def _withheld(
    asked: EachMx[Observation[TlsaSet]], hosts: EachMx[Observation[HostAddresses]]
) -> Iterator[Violation]:
    """SERVFAIL where senders look for TLSA records: at hosts with secure addresses."""
    found: dict[Subject, HostAddresses] = {
        host.fact.subject: host.fact for host in hosts if isinstance(host, Observed)
    }
    for tlsa in asked:
        if not isinstance(tlsa, Unobserved) or tlsa.reason is not Reason.SERVFAIL:
            continue
        host = found.get(tlsa.subject)
        if host is not None and all(answer.authenticated for answer in host.answers):
            message = f"TLSA records of {tlsa.subject} can't be had, so senders wait: {tlsa.detail}"
            seen = (cite(host, f"/answers/{i}/authenticated") for i, _ in enumerate(host.answers))
            yield Violation(message, tuple(seen))
