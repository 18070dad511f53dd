"""SRV records lead mail programs to implicit TLS first, and to hosts of ours that there are.

## Rationale
A program takes the lowest priority number first. Where a service that begins in clear stands before
or beside the one with TLS, an attacker on the path has a choice to make for the user. A target that
is nobody's any more can be had by anybody, with the passwords that come to it. A target may not be
an alias, and programs differ in what they do about one.

## Remediation
Give implicit TLS the lower number, name the host that has the address, and withdraw what is not
offered with the target `.`:

    _submissions._tcp   3600  IN  SRV  0 1 465 submit.example.net.
    _submission._tcp    3600  IN  SRV  10 1 587 submit.example.net.
    _imap._tcp          3600  IN  SRV  0 0 0 .

## Limits
POP3 is not looked up. Hosts of providers are named with `allowed_provider_suffixes`.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.declared import FleetScope
from audits.facts.srv import ClientServices, SrvService

_PAIRS = (("_submissions", "_submission"), ("_imaps", "_imap"))


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(8314, "4"), Rfc(2782)),
)
def evaluate(
    srv: ClientServices, scope: FleetScope, *, allowed_provider_suffixes: tuple[str, ...] = ()
) -> Verdict:
    """allowed_provider_suffixes: domains whose hosts may be targets too."""
    violations = []
    for secure_label, clear_label in _PAIRS:
        _, secure = srv.service(secure_label)
        place, clear = srv.service(clear_label)
        if secure.offered and clear.offered:
            first, other = secure.offered[0].priority, clear.offered[0].priority
            if first >= other:
                message = f"{clear_label} (priority {other}) is not after {secure_label} ({first})"
                violations.append(Violation(message, _cited(srv, place, clear)))
    for place, service in enumerate(srv.services):
        for i, record in enumerate(service.records):
            at = (cite(srv, f"/services/{place}/records/{i}/target"),)
            if record.target == ".":
                continue
            if record.port == SMTP:
                violations.append(Violation(f"{service.name} leads to port {SMTP}", at))
            if not scope.lists(record.target) and not _within(
                record.target, allowed_provider_suffixes
            ):
                message = f"{service.name} leads to {record.target}, which is not in the inventory"
                violations.append(Violation(message, at))
    violations += _unfit(srv)
    if violations:
        return Fail(tuple(violations))
    for place, service in enumerate(srv.services):
        if service.silence is not None:
            return undecided(srv, f"/services/{place}/name", service.silence)
    for place, target in enumerate(srv.targets):
        if target.silence is not None:
            return undecided(srv, f"/targets/{place}/name", target.silence)
    published = [(i, service) for i, service in enumerate(srv.services) if service.records]
    if not published:
        return NotApplicable("the domain publishes no SRV records for mail programs")
    return Pass(tuple(e for i, service in published for e in _cited(srv, i, service)))


def _unfit(srv: ClientServices) -> Iterator[Violation]:
    """Targets that are aliases, which RFC 2782 forbids, or that lead nowhere."""
    for place, target in enumerate(srv.targets):
        if target.alias_chain:
            message = f"the target {target.name} is an alias of {target.alias_chain[-1]}"
            yield Violation(message, (cite(srv, f"/targets/{place}/alias_chain"),))
        if not target.addresses and target.silence is None:
            message = f"the target {target.name} has no address"
            yield Violation(message, (cite(srv, f"/targets/{place}/addresses"),))


def _cited(srv: ClientServices, place: int, service: SrvService) -> tuple[Evidence, ...]:
    records = range(len(service.records))
    return tuple(cite(srv, f"/services/{place}/records/{i}/target") for i in records)


def _within(target: str, suffixes: tuple[str, ...]) -> bool:
    return any(target == suffix or target.endswith(f".{suffix}") for suffix in suffixes)
