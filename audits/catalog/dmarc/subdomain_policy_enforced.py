"""The DMARC policy for names below the domain is enforced, whether they exist or not.

## Rationale
A forger need not use the domain itself: `billing.example.net` looks as good, and no one has to
publish anything for it. Receivers apply `sp` to names below, and `np` to those that do not exist;
where they are missing, `sp` and then `p` stand in.

## Remediation
Delete `sp` and `np` from the record that governs, so that `p` holds for all, or raise them:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=quarantine; np=reject; rua=mailto:r@example.net"

Where names below the domain send mail, read reports first: they count under this policy too.

## Limits
Looked at is a name below that has no record of its own. The record of the organizational domain
governs it, even where the domain itself has another one.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc_policy import (
    LEVELS,
    EffectivePolicy,
    Level,
    policy_places,
    policy_words,
    subdomain_policy,
)


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(9989, "4.7"), Rfc(9989, "4.10")),
    frameworks=(
        Doc("BSI TR-03182-P", "06-M"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(
    dmarc: DmarcWalk, *, min_sp: Level = "quarantine", min_np: Level = "quarantine"
) -> Verdict:
    if not any(len(step.records) == 1 for step in dmarc.steps):
        return NotApplicable("no DMARC record covers the domain")
    existing = subdomain_policy(dmarc)
    missing = subdomain_policy(dmarc, exists=False)
    if existing is None or missing is None:
        message = f"no policy applies to names below {dmarc.subject}"
        place = next(i for i, step in enumerate(dmarc.steps) if step.records)
        return Fail((Violation(message, (cite(dmarc, f"/steps/{place}/records/0"),)),))
    violations = tuple(_weak(dmarc, existing, min_sp, missing, min_np))
    if violations:
        return Fail(violations)
    places = dict.fromkeys((*policy_places(dmarc, existing), *policy_places(dmarc, missing)))
    return Pass(tuple(cite(dmarc, *place) for place in places))


def _weak(
    dmarc: DmarcWalk,
    existing: EffectivePolicy,
    min_sp: Level,
    missing: EffectivePolicy,
    min_np: Level,
) -> Iterator[Violation]:
    """What is too weak; once where the same tag decides for both kinds of name."""
    if LEVELS.index(existing.level) < LEVELS.index(min_sp):
        yield _violation(dmarc, "names below", existing, min_sp)
        if missing == existing:
            return
    if LEVELS.index(missing.level) < LEVELS.index(min_np):
        yield _violation(dmarc, "names below that do not exist", missing, min_np)


def _violation(dmarc: DmarcWalk, whose: str, effective: EffectivePolicy, least: Level) -> Violation:
    message = f"{whose}: {policy_words(dmarc, effective)}"
    cited = tuple(cite(dmarc, *place) for place in policy_places(dmarc, effective))
    return Violation(message, cited, expected=f"`{least}` or stricter")
