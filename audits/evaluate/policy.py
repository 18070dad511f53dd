"""A policy: which audits are in force, how severe they are, with which parameters, and for whom."""

from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from audits.errors import PolicyError
from audits.evaluate.audit import Audit
from audits.evaluate.verdict import Severity
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.facts.tls_offer import TlsQuestions
from audits.selector import Selection
from audits.subject import Subject


class Rule(Struct, frozen=True):
    """One audit as a policy sets it. severity: None for the audit's own.

    scope: None for every subject. enabled: False switches the audit off within the scope.
    where: `file:line` of the rule, for errors and reports.
    """

    audit: str
    enabled: bool
    severity: Severity | None
    params: dict[str, Any]
    scope: Selection | None
    where: str


class Policy(Struct, frozen=True):
    """Rules in order, those of extended policies first; the last one that covers a subject governs.

    gate: the severity from which a failure makes the fleet not compliant.
    sources: names of the policies it was built from, in order.
    """

    name: str
    version: str
    title: str
    gate: Severity
    sources: tuple[str, ...]
    rules: tuple[Rule, ...]

    def audit_ids(self) -> tuple[str, ...]:
        """Every audit that is in force for somebody, sorted."""
        last: dict[str, bool] = {}
        for rule in self.rules:
            before = rule.scope is not None and last.get(rule.audit, False)
            last[rule.audit] = rule.enabled or before
        return tuple(sorted(audit for audit, enabled in last.items() if enabled))

    def rule_for(
        self,
        audit: str,
        subject: Subject,
        domain: DeclaredDomain | None,
        host: DeclaredHost | None,
    ) -> Rule | None:
        """The rule that governs this audit on this subject, or None where it is not in force."""
        for rule in reversed(self.rules):
            if rule.audit == audit and (
                rule.scope is None or rule.scope.covers(subject, domain, host)
            ):
                return rule if rule.enabled else None
        return None


def check(policy: Policy, audits: Mapping[str, Audit]) -> None:
    """Raises PolicyError, a line for each, on unknown audits and parameters and on wrong values."""
    problems: list[str] = []
    for rule in policy.rules:
        try:
            _check_rule(rule, audits)
        except PolicyError as error:
            problems.append(str(error))
    if problems:
        raise PolicyError("\n".join(problems))


def _check_rule(rule: Rule, audits: Mapping[str, Audit]) -> None:
    if rule.audit not in audits:
        raise PolicyError(
            f"{rule.where}: found audit {rule.audit!r}, expected one that exists"
            f"{_nearest(rule.audit, audits)}"
        )
    bind(audits[rule.audit], rule)


def bind(audit: Audit, rule: Rule) -> dict[str, Any]:
    """The keyword arguments of an audit under a rule, converted to their types.

    Raises PolicyError naming file, line, key, found and expected.
    """
    bound: dict[str, Any] = {}
    for name, value in rule.params.items():
        if name not in audit.parameters:
            raise PolicyError(
                f"{rule.where}: {audit.id}: found parameter {name!r}, expected "
                + (f"one of {', '.join(audit.parameters)}" if audit.parameters else "none")
            )
        hint, _ = audit.parameters[name]
        try:
            bound[name] = msgspec.convert(value, hint, strict=True)
        except msgspec.ValidationError as error:
            choices = _choices(hint)
            expected = f", expected one of {', '.join(choices)}" if choices else f": {error}"
            wrong = f"found {value!r}{expected}"
            raise PolicyError(f"{rule.where}: {audit.id}: parameter {name!r}: {wrong}") from error
    return bound


def _choices(hint: Any) -> list[str]:
    """The values of an enumeration or a Literal, else none."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [str(member.value) for member in hint]
    return [str(arm) for arm in get_args(hint)] if get_origin(hint) is Literal else []


def in_force(audit: Audit, rule: Rule) -> dict[str, Any]:
    """Every parameter of an audit with the value that it has under a rule."""
    defaults = {name: default for name, (_, default) in audit.parameters.items()}
    return defaults | bind(audit, rule)


def tls_questions(policy: Policy, audits: Mapping[str, Audit]) -> TlsQuestions:
    """What services are to be offered in TLS, by every rule that may govern one of them."""
    asked = TlsQuestions()
    for audit in (audits[name] for name in policy.audit_ids()):
        if audit.asks is None:
            continue
        for rule in reversed([rule for rule in policy.rules if rule.audit == audit.id]):
            asked |= audit.asks(**in_force(audit, rule)) if rule.enabled else TlsQuestions()
            if rule.scope is None:
                break
    return asked


def _nearest(wrong: str, known: Mapping[str, Audit]) -> str:
    close = get_close_matches(wrong, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
