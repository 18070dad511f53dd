"""The policy that a tree walk leaves for mail of a domain, and of names below it (RFC 9989)."""

from typing import Literal

from msgspec import Struct

from audits.facts.dns import Answer, DmarcRecord, DmarcStep, DmarcWalk
from audits.parse.dmarc import MAX_QUERIES, organizational_domain, reporting_uris
from audits.subject import Domain

Level = Literal["none", "quarantine", "reject"]
LEVELS: tuple[Level, ...] = ("none", "quarantine", "reject")

# Stands for every name below a domain that has no record of its own.
_ANY = "any"


class EffectivePolicy(Struct, frozen=True):
    """What receivers apply to mail of the domain.

    step: of the walk, whose record governs. tag: index of the tag that gives the policy, or None
    where `none` stands in for what is missing or not allowed. testing: `t=y` lowered the level.
    """

    level: Level
    step: int
    tag: int | None
    testing: bool


def effective_policy(walk: DmarcWalk, *, exists: bool = True) -> EffectivePolicy | None:
    """The policy of the record that the walk finds; None where receivers apply none at all.

    It is `p` in the domain's own record; in one from above it is `sp`, or `p` where there is no
    `sp` (RFC 9989 section 4.10.1). For a name that does not exist, `np` comes before both (section
    4.7). Test mode takes it one level down (section 4.7).
    """
    step = walk.found_at
    if step is None:
        return None
    return _policy(walk.steps[step].records[0], step, _names(own=step == 0, exists=exists))


def subdomain_policy(walk: DmarcWalk, *, exists: bool = True) -> EffectivePolicy | None:
    """The policy for mail of a name below the domain that publishes no record of its own.

    Receivers begin at that name, so that the record of the organizational domain counts before
    the domain's own (RFC 9989 section 4.10.1). `step` is one of the given walk.
    """
    below = f"{_ANY}.{walk.subject}"
    asked = walk.steps[len(walk.subject.name.split(".")) >= MAX_QUERIES :]
    nothing = Answer(f"_dmarc.{below}", "NXDOMAIN", False, (), 0)
    steps = (DmarcStep(nothing, (), ()), *asked)
    found = DmarcWalk(Domain(below), steps, organizational_domain(below, steps)).found_at
    if found is None:
        return None
    step = found - 1 + len(walk.steps) - len(asked)
    return _policy(walk.steps[step].records[0], step, _names(own=False, exists=exists))


def policy_words(walk: DmarcWalk, effective: EffectivePolicy) -> str:
    """Where a policy comes from and what it counts as, as the subject of no verb."""
    step = walk.steps[effective.step]
    name = step.answer.name
    if effective.tag is None:
        return f"the policy at {name} can't be read, which counts as none"
    tag = step.records[0].tags[effective.tag]
    if effective.testing:
        return f"{tag.name}={tag.value} with t=y at {name}, which counts as {effective.level}"
    return f"{tag.name}={tag.value} at {name}"


def policy_places(walk: DmarcWalk, effective: EffectivePolicy) -> tuple[tuple[str, str], ...]:
    """What makes a policy what it is: pointers into the walk, each with what stands there."""
    record = walk.steps[effective.step].records[0]
    if effective.tag is None:
        return ((f"/steps/{effective.step}/records/0", record.text),)
    names = [record.tags[effective.tag].name, *(["t"] if effective.testing else [])]
    return tuple(tag_place(walk, effective.step, name) for name in names)


def tag_place(walk: DmarcWalk, step: int, name: str) -> tuple[str, str]:
    """Pointer to a tag of the lone record at a step, and the tag as text.

    Raises StopIteration where the record has no such tag.
    """
    tags = walk.steps[step].records[0].tags
    place = next(i for i, tag in enumerate(tags) if tag.name == name)
    pointer = f"/steps/{step}/records/0/tags/{place}/value"
    return pointer, f"{tags[place].name}={tags[place].value}"


def _names(*, own: bool, exists: bool) -> tuple[str, ...]:
    """The tags that may give the policy, the one that decides first."""
    if own:
        return ("p",)
    return ("sp", "p") if exists else ("np", "sp", "p")


def _policy(record: DmarcRecord, step: int, names: tuple[str, ...]) -> EffectivePolicy | None:
    if not _legal(record):
        # Section 4.10.1: without a policy that can be read, reports alone keep a record alive.
        return EffectivePolicy("none", step, None, False) if reporting_uris(record) else None
    name = next(name for name in names if record.value(name) is not None)
    tag = next(i for i, tag in enumerate(record.tags) if tag.name == name)
    published = LEVELS.index(_level(record.tags[tag].value))
    testing = (record.value("t") or "n").lower() == "y" and published > 0
    return EffectivePolicy(LEVELS[published - testing], step, tag, testing)


def _legal(record: DmarcRecord) -> bool:
    values = [record.value(name) for name in ("sp", "np")]
    return record.value("p") is not None and all(
        value is None or value.lower() in LEVELS for value in (record.value("p"), *values)
    )


def _level(value: str) -> Level:
    return next(level for level in LEVELS if level == value.lower())
