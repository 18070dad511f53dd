"""What an auditor looks up: waivers, the method in force, certificates, what does not apply."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from audits.evaluate.policy import Rule, in_force
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.evaluate.waiver import Waiver
from audits.facts.dns import ResolverReport
from audits.facts.tcp import Egress
from audits.facts.tls import Certificate, CertificateChain
from audits.report.anchor import Named, slug
from audits.report.finding import Link, reference
from audits.report.material import Material
from audits.report.prose import Prose, prose
from audits.report.sanitise import visible, visible_lines
from audits.report.words import OUTCOMES, counted, day, number

_NAMES: Final = 20
_REASONS: Final = 40
_SOON_DAYS: Final = 30


Standing = Literal["lapsed", "early", "unused", "expiring", "in-force"]


class Covered(Struct, frozen=True):
    """One failure that a waiver covers."""

    subject: Named
    message: str
    severity: Severity


class WaiverLine(Struct, frozen=True):
    """One waiver. standing: as one word; state: in words; alert: it needs somebody to act.

    covers: the failures it covers, at most twenty; covered: how many they are in all.
    """

    id: str
    audit: str
    scope: str
    reason: str
    risk: str
    owner: str
    approved: str
    expires: str
    ticket: str | None
    where: str
    standing: Standing
    state: str
    alert: bool
    anchor: str
    covers: tuple[Covered, ...]
    covered: int
    more: int


class RuleLine(Struct, frozen=True):
    """An audit as a rule of the policy sets it. scope: in words. parameters: `name = value`."""

    scope: str
    severity: Severity
    parameters: tuple[str, ...]
    where: str


class MethodLine(Struct, frozen=True):
    """One audit in force. to: what it is aimed at. outcomes: counts in words."""

    audit: str
    title: str
    to: str
    rules: tuple[RuleLine, ...]
    references: tuple[Link, ...]
    limits: Prose
    outcomes: str


class CertificateLine(Struct, frozen=True):
    """One certificate and the services that presented it. days_left: negative once past.

    trust: what the verification said. state: pass, fail or unknown as to its dates.
    """

    names: tuple[str, ...]
    issuer: str
    not_before: str
    not_after: str
    days_left: int
    left: str
    expired: bool
    key: str
    trust: str
    trusted: bool
    fingerprint: str
    services: tuple[str, ...]
    more: int


class ErrorLine(Struct, frozen=True):
    """An audit that broke. message: the last line of its traceback."""

    audit: str
    subject: Named
    message: str
    traceback: str


class Inapplicable(Struct, frozen=True):
    """A reason why audits did not apply, how often, and which audits gave it."""

    reason: str
    results: int
    audits: tuple[str, ...]


def waiver_lines(material: Material) -> tuple[WaiverLine, ...]:
    """Every waiver, those that need somebody to act first."""
    covered: dict[str, list[Result]] = {}
    for result in material.results:
        if result.waiver is not None:
            covered.setdefault(result.waiver.id, []).append(result)
    lines = [_waiver(w, covered.get(w.id, []), material) for w in material.waivers]
    return tuple(sorted(lines, key=lambda line: (not line.alert, line.expires, line.id)))


def waiver_state(waiver: Waiver, covers: int, material: Material) -> tuple[Standing, str]:
    """How it stands on the day that dates are judged for, as one word and in words."""
    today = material.snapshot.header.as_of.date()
    if waiver.expires < today:
        return "lapsed", f"lapsed {counted((today - waiver.expires).days, 'day')} ago"
    if waiver.approved_on > today:
        return "early", f"begins on {waiver.approved_on.isoformat()}"
    if not covers:
        return "unused", "unused: it covers no failure"
    left = (waiver.expires - today).days
    return (
        "expiring" if left <= _SOON_DAYS else "in-force",
        f"in force, {counted(left, 'day')} left",
    )


def _waiver(waiver: Waiver, covered: Sequence[Result], material: Material) -> WaiverLine:
    standing, state = waiver_state(waiver, len(covered), material)
    return WaiverLine(
        id=visible(waiver.id),
        audit=visible(waiver.audit),
        scope=visible(waiver.scope.text),
        reason=visible(waiver.reason, 2000),
        risk=visible(waiver.risk, 2000),
        owner=visible(waiver.owner),
        approved=f"{visible(waiver.approved_by)}, {waiver.approved_on.isoformat()}",
        expires=waiver.expires.isoformat(),
        ticket=visible(waiver.ticket) if waiver.ticket else None,
        where=visible(waiver.where),
        standing=standing,
        state=state,
        alert=standing != "in-force",
        anchor=f"waiver-{slug(waiver.id)}",
        covered=len(covered),
        covers=tuple(
            Covered(material.named(r.subject), visible(r.violations[0].message), r.severity)
            for r in covered[:_NAMES]
        ),
        more=max(len(covered) - _NAMES, 0),
    )


def method_lines(material: Material) -> tuple[MethodLine, ...]:
    """Every audit in force with its parameters, by id."""
    outcomes: dict[str, Counter[Outcome]] = {}
    for result in material.results:
        outcomes.setdefault(result.audit, Counter())[result.outcome] += 1
    lines = []
    for name in material.policy.audit_ids():
        audit = material.audits[name]
        counts = outcomes.get(name, Counter[Outcome]())
        lines.append(
            MethodLine(
                name,
                visible(audit.documentation.title),
                ", ".join(audit.to),
                tuple(_rule(rule, material) for rule in _governing(material.policy.rules, name)),
                tuple(reference(str(r)) for r in audit.references),
                prose(audit.documentation.limits),
                ", ".join(f"{number(counts[o])} {w}" for o, w in OUTCOMES.items() if counts[o])
                or "no results",
            )
        )
    return tuple(lines)


def switched_off(material: Material) -> tuple[str, ...]:
    """Rules that switch an audit off, with the place that says so."""
    return tuple(
        visible(f"{rule.audit} for {rule.scope.text if rule.scope else 'everybody'} ({rule.where})")
        for rule in material.policy.rules
        if not rule.enabled
    )


def _governing(rules: Sequence[Rule], audit: str) -> list[Rule]:
    """The rules of an audit that can still govern somebody: none before one that is for all."""
    kept: list[Rule] = []
    for rule in rules:
        if rule.audit == audit:
            kept = [rule] if rule.scope is None else [*kept, rule]
    return [rule for rule in kept if rule.enabled]


def _rule(rule: Rule, material: Material) -> RuleLine:
    audit = material.audits[rule.audit]
    return RuleLine(
        visible(rule.scope.text) if rule.scope else "everybody",
        rule.severity or audit.severity,
        tuple(f"{name} = {_value(value)}" for name, value in in_force(audit, rule).items()),
        visible(rule.where),
    )


def _value(value: Any) -> str:
    """A parameter's value as a policy file would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case str() | int() | float():
            return visible(str(value))
        case tuple() | list() | frozenset():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{_value(k)}: {_value(v)}' for k, v in value.items())}}}"
        case _:
            return visible(str(value))


def certificate_lines(material: Material) -> tuple[CertificateLine, ...]:
    """Leaf certificates, each once, the next to expire first."""
    chains: dict[str, list[CertificateChain]] = {}
    for chain in material.snapshot.facts(CertificateChain):
        if chain.certificates:
            chains.setdefault(chain.certificates[0].sha256, []).append(chain)
    lines = [_certificate(found, material) for found in chains.values()]
    return tuple(sorted(lines, key=lambda line: (line.days_left, line.fingerprint)))


def _certificate(chains: Sequence[CertificateChain], material: Material) -> CertificateLine:
    leaf = chains[0].certificates[0]
    days = (leaf.not_after - material.snapshot.header.as_of).days
    trust = chains[0].verification
    return CertificateLine(
        names=tuple(visible(n, 200) for n in (leaf.dns_names or (leaf.subject,))[:_NAMES]),
        issuer=visible(leaf.issuer, 200),
        not_before=day(leaf.not_before),
        not_after=day(leaf.not_after),
        days_left=days,
        left=f"expired {counted(-days, 'day')} ago" if days < 0 else f"{counted(days, 'day')} left",
        expired=days < 0,
        key=_key(leaf),
        trust=visible(trust.message) if trust is not None else "not verified",
        trusted=trust is not None and trust.code == 0,
        fingerprint=visible(leaf.sha256),
        services=tuple(visible(str(chain.subject)) for chain in chains[:_NAMES]),
        more=max(len(chains) - _NAMES, 0),
    )


def _key(leaf: Certificate) -> str:
    size = leaf.curve if leaf.curve else f"{leaf.key_bits} bits"
    return visible(f"{leaf.key_type.upper()} {size}, {leaf.signature_algorithm}")


def error_lines(material: Material) -> tuple[ErrorLine, ...]:
    """Audits that broke, with what they said."""
    return tuple(
        ErrorLine(
            r.audit,
            material.named(r.subject),
            visible((r.note or "").strip().rpartition("\n")[2]),
            visible_lines((r.note or "").strip()),
        )
        for r in material.results
        if r.outcome is Outcome.ERROR
    )


def inapplicable(material: Material) -> tuple[Inapplicable, ...]:
    """Reasons for NOT_APPLICABLE, the most frequent first; the rare ones in one last line."""
    counts: Counter[str] = Counter()
    audits: dict[str, set[str]] = {}
    for result in material.results:
        if result.outcome is Outcome.NOT_APPLICABLE:
            reason = result.note or "no reason was given"
            counts[reason] += 1
            audits.setdefault(reason, set()).add(result.audit)
    ordered = sorted(counts, key=lambda reason: (-counts[reason], reason))
    lines = [
        Inapplicable(visible(reason, 200), counts[reason], tuple(sorted(audits[reason])))
        for reason in ordered[:_REASONS]
    ]
    rest = ordered[_REASONS:]
    if rest:
        ids = tuple(sorted({audit for reason in rest for audit in audits[reason]}))
        total = sum(counts[reason] for reason in rest)
        lines.append(Inapplicable(f"{counted(len(rest), 'other reason')}", total, ids))
    return tuple(lines)


def vantage_lines(material: Material) -> tuple[str, ...]:
    """What the run could see from where it stood: the resolver, and the way out on port 25."""
    lines: list[str] = []
    resolver = material.snapshot.fact(ResolverReport, material.snapshot.vantage)
    if resolver is not None:
        servers = ", ".join(map(visible, resolver.servers)) or "the system's"
        lines.append(f"Resolver {servers}: {visible(resolver.finding)}")
    egress = material.snapshot.fact(Egress, material.snapshot.vantage)
    if egress is not None:
        reached = ", ".join(visible(str(s)) for s in egress.reached)
        tried = counted(egress.tried, "address", "addresses")
        lines.append(
            f"Port 25: reached {reached} ({tried} tried)."
            if reached
            else f"Port 25: nobody was reached ({tried} tried)."
        )
    return tuple(lines)
