"""The policy that a tree walk leaves for mail of a domain (RFC 9989)."""

from typing import Literal

from msgspec import Struct

from audits.facts.dns import DmarcRecord, DmarcWalk
from audits.parse.dmarc import reporting_uris

Level = Literal["none", "quarantine", "reject"]
LEVELS: tuple[Level, ...] = ("none", "quarantine", "reject")


class EffectivePolicy(Struct, frozen=True):
    """What receivers apply to mail of the domain.

    step: of the walk, whose record governs. tag: index of the tag that gives the policy, or None
    where `none` stands in for what is missing or not allowed. testing: `t=y` lowered the level.
    """

    level: Level
    step: int
    tag: int | None
    testing: bool


def effective_policy(walk: DmarcWalk) -> EffectivePolicy | None:
    """The policy of the record that the walk finds; None where receivers apply none at all.

    It is `p` in the domain's own record; in one from above it is `sp`, or `p` where there is no
    `sp` (RFC 9989 section 4.10.1). Test mode takes it one level down (section 4.7). `np` is for
    names that do not exist, which a domain of an inventory does.
    """
    step = walk.found_at
    if step is None:
        return None
    record = walk.steps[step].records[0]
    if not _legal(record):
        # Section 4.10.1: without a policy that can be read, reports alone keep a record alive.
        return EffectivePolicy("none", step, None, False) if reporting_uris(record) else None
    name = "sp" if step > 0 and record.value("sp") is not None else "p"
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
