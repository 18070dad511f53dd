"""Audits over a snapshot: the one place where needs are met and verdicts become results."""

import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from msgspec.structs import replace

from audits.evaluate.audit import AsOf, Audit, EachMx, EachService, Need
from audits.evaluate.policy import Policy, Rule, bind
from audits.evaluate.result import Result, Unseen, WaiverUse
from audits.evaluate.target import SMTP, applies
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Outcome,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
)
from audits.evaluate.waiver import Waiver
from audits.evaluate.zone_place import ZonePlaces
from audits.facts.declared import DeclaredDomain, DeclaredHost, HostRoles
from audits.facts.dns import HostAddresses, MxSet
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Provenance,
    Reason,
    Step,
    Unobserved,
    kind_of,
    subject_type,
)
from audits.facts.pointer import pointer_value
from audits.facts.snapshot import Snapshot
from audits.subject import (
    Address,
    Domain,
    MailHost,
    Path,
    Service,
    Subject,
    Vantage,
    sort_key,
)


def evaluate(
    snapshot: Snapshot,
    policy: Policy,
    audits: Mapping[str, Audit],
    waivers: Sequence[Waiver] = (),
    previous: Snapshot | None = None,
) -> Iterator[Result]:
    """One result for each audit in force and each subject of its kind, by subject, then audit.

    previous: what the run before saw, for audits that compare.
    A broken audit gives outcome ERROR with its traceback. Whatever the world was silent about
    gives UNKNOWN. Nothing here reads a clock: `snapshot.header.as_of` is the time. What is cited of
    zones under review has its place in their files.
    """
    places = ZonePlaces.of(snapshot)
    judges = [audits[name] for name in policy.audit_ids()]
    by_audit: dict[str, list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        by_audit[waiver.audit].append(waiver)
    for subject in subjects(snapshot):
        domain, host = _declared(snapshot, subject)
        for judge in judges:
            if judge.subject is not type(subject):
                continue
            rule = policy.rule_for(judge.id, subject, domain, host)
            if rule is None:
                continue
            result = _judge(judge, rule, subject, snapshot, previous)
            if places is not None:
                result = places.on(result, snapshot)
            for waiver in by_audit.get(judge.id, ()):
                if waiver.meant_for(judge.id, subject, domain, host):
                    result = _waive(result, waiver, snapshot)
            yield result


def subjects(snapshot: Snapshot) -> list[Subject]:
    """Every domain, host and service that the run set out to look at or was led to, sorted."""
    found: set[Subject] = {
        observation.key[1] for observation in snapshot.observations(DeclaredDomain)
    }
    found |= {observation.key[1] for observation in snapshot.observations(DeclaredHost)}
    for roles in snapshot.facts(HostRoles):
        found.add(roles.subject)
        found.update(roles.services)
    return sorted(found, key=sort_key)


def used_waivers(results: Iterable[Result]) -> frozenset[str]:
    """Ids of the waivers that covered something."""
    return frozenset(r.waiver.id for r in results if r.waiver is not None)


def _declared(
    snapshot: Snapshot, subject: Subject
) -> tuple[DeclaredDomain | None, DeclaredHost | None]:
    match subject:
        case Domain():
            return snapshot.fact(DeclaredDomain, subject), None
        case MailHost():
            return None, snapshot.fact(DeclaredHost, subject)
        case Service(host, _, _):
            return None, snapshot.fact(DeclaredHost, MailHost(host))
        case _:
            return None, None


@dataclass
class _Gathered:
    """The arguments of an audit, and what stood in the way of gathering them."""

    arguments: list[Any] = field(default_factory=list)
    silent: list[Unobserved] = field(default_factory=list)
    nothing: list[Unobserved] = field(default_factory=list)
    members_silent: list[Unobserved] = field(default_factory=list)


def _judge(
    judge: Audit, rule: Rule, subject: Subject, snapshot: Snapshot, previous: Snapshot | None
) -> Result:
    severity = rule.severity or judge.severity
    if not any(applies(target, subject, snapshot) for target in judge.to):
        why = f"the audit is about {' and '.join(judge.to)}"
        return _result(judge, subject, severity, Outcome.NOT_APPLICABLE, note=why)
    gathered = _gather(judge, subject, snapshot, previous)
    if gathered.silent:
        unseen = _unseen(gathered.silent)
        return _result(judge, subject, severity, Outcome.UNKNOWN, unknown=unseen)
    if gathered.nothing:
        why = gathered.nothing[0].detail
        return _result(judge, subject, severity, Outcome.NOT_APPLICABLE, note=why)
    try:
        verdict = judge.function(*gathered.arguments, **bind(judge, rule))
        _check_evidence(verdict, snapshot)
    except Exception:  # noqa: BLE001 - a broken audit costs its own result and nothing else
        note = traceback.format_exc(limit=-3)
        return _result(judge, subject, severity, Outcome.ERROR, note=note)
    return _conclude(judge, subject, severity, verdict, gathered.members_silent)


def _conclude(
    judge: Audit,
    subject: Subject,
    severity: Severity,
    verdict: Verdict,
    members_silent: list[Unobserved],
) -> Result:
    """FAIL outranks UNKNOWN outranks PASS: a half-seen group can fail, but it can't pass."""
    match verdict:
        case Fail(violations):
            return _failure(judge, subject, severity, violations)
        case Undecided(reason, detail, evidence):
            step = evidence[0].step if evidence else None
            kind = evidence[0].kind if evidence else ""
            about = evidence[0].subject if evidence else subject
            unseen = (Unseen(kind, about, reason, detail), *_unseen(members_silent))
            return _result(
                judge,
                subject,
                severity,
                Outcome.UNKNOWN,
                unknown=unseen,
                evidence=evidence,
                step=step,
            )
        case Pass() | NotApplicable() if members_silent:
            unseen = _unseen(members_silent)
            return _result(judge, subject, severity, Outcome.UNKNOWN, unknown=unseen)
        case Pass(evidence):
            step = evidence[0].step if evidence else None
            return _result(judge, subject, severity, Outcome.PASS, evidence=evidence, step=step)
        case NotApplicable(why):
            return _result(judge, subject, severity, Outcome.NOT_APPLICABLE, note=why)
        case _:
            assert_never(verdict)


def _failure(
    judge: Audit, subject: Subject, severity: Severity, violations: tuple[Violation, ...]
) -> Result:
    ordered = sorted(violations, key=lambda v: -_milder(v.severity, severity).rank)
    gravest = ordered[0]
    return _result(
        judge,
        subject,
        _milder(gravest.severity, severity),
        Outcome.FAIL,
        violations=tuple(replace(v, severity=_milder(v.severity, severity)) for v in ordered),
        step=gravest.evidence[0].step if gravest.evidence else None,
        expected=gravest.expected,
    )


def _milder(own: Severity | None, audit: Severity) -> Severity:
    return audit if own is None or own.rank > audit.rank else own


def _result(
    judge: Audit,
    subject: Subject,
    severity: Severity,
    outcome: Outcome,
    *,
    violations: tuple[Violation, ...] = (),
    evidence: tuple[Evidence, ...] = (),
    step: Step | None = None,
    expected: str | None = None,
    unknown: tuple[Unseen, ...] = (),
    note: str | None = None,
) -> Result:
    frameworks: dict[str, tuple[str, ...]] = {}
    for doc in judge.frameworks:
        frameworks[doc.name] = (*frameworks.get(doc.name, ()), doc.clause)
    return Result(
        audit=judge.id,
        subject=subject,
        outcome=outcome,
        severity=severity,
        violations=violations,
        evidence=evidence,
        step=step or _last_step(judge),
        expected=expected or judge.documentation.title,
        unknown=unknown,
        note=note,
        waiver=None,
        remediation=judge.documentation.remediation if outcome is Outcome.FAIL else None,
        references=tuple(map(str, judge.references)),
        frameworks=frameworks,
    )


def _last_step(judge: Audit) -> Step:
    steps = [need.fact.STEP for need in judge.needs if need.fact is not None]
    return max(steps, key=list(Step).index, default=Step.DNS)


def _unseen(silent: Iterable[Unobserved]) -> tuple[Unseen, ...]:
    """Each silence once: groups of several facts stand on the same look-up of their members."""
    return tuple(dict.fromkeys(Unseen(s.kind, s.subject, s.reason, s.detail) for s in silent))


def _waive(result: Result, waiver: Waiver, snapshot: Snapshot) -> Result:
    """A waiver covers a failure, never what is unknown; one that lapsed leaves a note."""
    if result.outcome is not Outcome.FAIL:
        return result
    if waiver.covers_on(snapshot.header.as_of):
        use = WaiverUse(
            waiver.id,
            waiver.owner,
            waiver.approved_by,
            waiver.expires.isoformat(),
            waiver.reason,
        )
        return replace(result, outcome=Outcome.WAIVED, waiver=use)
    if snapshot.header.as_of.date() < waiver.approved_on:
        note = f"waiver {waiver.id} begins only on {waiver.approved_on.isoformat()}"
    else:
        note = f"waiver {waiver.id} lapsed after {waiver.expires.isoformat()} (UTC)"
    return replace(result, note=note)


def _check_evidence(verdict: Verdict, snapshot: Snapshot) -> None:
    """Every piece of evidence must lead to a fact of this snapshot, and every judgment has some."""
    match verdict:
        case Fail(violations):
            if not violations or not all(v.evidence for v in violations):
                raise LookupError("a failure without evidence")
            evidence = [e for v in violations for e in v.evidence]
        case Pass(cited):
            if not cited:
                raise LookupError("a pass without evidence")
            evidence = list(cited)
        case Undecided(_, _, cited):
            evidence = list(cited)
        case NotApplicable():
            return
        case _:
            assert_never(verdict)
    for piece in evidence:
        fact = snapshot.by_kind(piece.kind, piece.subject)
        if fact is None:
            raise LookupError(f"evidence names {piece.kind} of {piece.subject}, not observed")
        pointer_value(fact, piece.pointer)


def _gather(
    judge: Audit, subject: Subject, snapshot: Snapshot, previous: Snapshot | None
) -> _Gathered:
    gathered = _Gathered()
    for need in judge.needs:
        if need.form is AsOf:
            gathered.arguments.append(AsOf(snapshot.header.as_of))
        elif need.before:
            gathered.arguments.append(_before(need, subject, previous))
        elif need.form is None:
            _gather_one(need, subject, snapshot, gathered)
        else:
            _gather_each(need, subject, snapshot, gathered)
    return gathered


def _before(
    need: Need, subject: Subject, previous: Snapshot | None
) -> Observed[Any] | Unobserved | None:
    assert need.fact is not None
    if previous is None:
        return None
    return previous.get(need.fact, _reach(subject, subject_type(need.fact), previous.vantage))


def _gather_one(need: Need, subject: Subject, snapshot: Snapshot, gathered: _Gathered) -> None:
    assert need.fact is not None
    about = _reach(subject, subject_type(need.fact), snapshot.vantage)
    seen = _seen(snapshot, need.fact, about)
    if need.raw:
        gathered.arguments.append(seen)
    elif isinstance(seen, Observed):
        gathered.arguments.append(seen.fact)
    elif seen.reason.nothing_there:
        gathered.nothing.append(seen)
    else:
        gathered.silent.append(seen)


def _gather_each(need: Need, subject: Subject, snapshot: Snapshot, gathered: _Gathered) -> None:
    assert need.fact is not None
    members, missing = _members(need, subject, snapshot)
    if missing is not None:
        (gathered.nothing if missing.reason.nothing_there else gathered.silent).append(missing)
        return
    seen = [_seen(snapshot, need.fact, member) for member in members]
    form: Any = need.form
    if need.raw:
        gathered.arguments.append(form(tuple(seen)))
        return
    facts = tuple(s.fact for s in seen if isinstance(s, Observed))
    gathered.arguments.append(form(facts))
    silent = [s for s in seen if isinstance(s, Unobserved)]
    gathered.members_silent += [s for s in silent if not s.reason.nothing_there]
    if silent and len(silent) == len(seen) and not gathered.members_silent:
        gathered.nothing.append(silent[0])


def _reach(subject: Subject, wanted: type[Subject], vantage: Vantage) -> Subject:
    if wanted is Vantage:
        return vantage
    match subject:
        case Service(host, _, _) if wanted is MailHost:
            return MailHost(host)
        case Service(_, address, _) if wanted is Address:
            return Address(address)
        case _:
            return subject


def _members(
    need: Need, subject: Subject, snapshot: Snapshot
) -> tuple[list[Subject], Unobserved | None]:
    """The members of a group, or what stands in the way of knowing them."""
    assert need.fact is not None
    if need.form is EachMx:
        mx = _seen(snapshot, MxSet, subject)
        if isinstance(mx, Unobserved):
            return [], mx
        return _mx_members(mx.fact, subject_type(need.fact), snapshot), None
    roles = _seen(snapshot, HostRoles, subject)
    if isinstance(roles, Unobserved):
        return [], roles
    if need.form is EachService:
        return list(roles.fact.services), None
    known = dict.fromkeys((*roles.fact.addresses, *roles.fact.sends_from))
    if not known:
        resolved = snapshot.get(HostAddresses, subject)
        if isinstance(resolved, Unobserved):
            return [], resolved
    return [Address(address) for address in known], None


def _mx_members(mx: MxSet, wanted: type[Subject], snapshot: Snapshot) -> list[Subject]:
    members: list[Subject] = []
    for name in mx.targets:
        host = MailHost(name)
        if wanted is MailHost:
            members.append(host)
            continue
        roles = snapshot.fact(HostRoles, host)
        services = [s for s in roles.services if s.port == SMTP] if roles else []
        for at in services or [Service(name, "", SMTP)]:
            members.append(
                at if wanted is Service else Path(mx.subject.name, at.host, at.address, at.port)
            )
    return members


def _seen(snapshot: Snapshot, fact: type[Fact], subject: Subject) -> Observed[Any] | Unobserved:
    found: AnyObservation | None = snapshot.get(fact, subject)
    if found is not None:
        return found
    return Unobserved(
        kind_of(fact),
        subject,
        Reason.NOT_COLLECTED,
        f"this run did not ask for {kind_of(fact)} of {subject}",
        Provenance("engine", snapshot.header.vantage, snapshot.header.as_of, "none"),
    )
