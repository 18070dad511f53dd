"""The TLSA look-up of every MX host gets a secure answer, or securely none.

## Rationale
A sender that does DANE and gets a bogus answer for the TLSA records of an MX host must not deliver
there: mail waits, and is returned at last, though everything works for all other senders. That
happens at hosts that never had TLSA records, too, where the proof of their absence is broken. TLSA
records in an unsigned zone protect nothing and look as if they did.

## Remediation
See what a validating resolver says, and what it says with checking disabled:

    kdig +dnssec _25._tcp.mx1.example.net TLSA
    kdig +dnssec +cdflag _25._tcp.mx1.example.net TLSA

Sign the zone again, and update or replace a name server that denies `_25._tcp` without proof. Where
TLSA records lie in an unsigned zone, sign it and give its DS record to the parent, or delete them.

## Limits
One resolver is asked. Where nobody answers, with checking disabled neither, the outcome is unknown,
although senders that do DANE wait there, too.
"""

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
from audits.facts.dns import MxSet, ResolverReport
from audits.facts.dnssec import HostSecurity


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(7672, "2.1.2"), Rfc(7672, "2.2")),
    frameworks=(Doc("BSI TR-03108-P", "DANE_SERVER"), Doc("Internet.nl", "dane-exists")),
)
def evaluate(
    mx: MxSet,
    each: EachMx[TlsaSet],
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
    violations = tuple(v for tlsa in each if (v := _violation(tlsa)) is not None)
    if violations:
        return Fail(violations)
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
        return Violation(f"the TLSA records at {tlsa.name} are in no secure zone", seen)
    return None
