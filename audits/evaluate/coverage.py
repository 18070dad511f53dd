"""What files under review can't show: said beside the results, and never counted as one."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from audits.evaluate.audit import Audit
from audits.evaluate.policy import Policy
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason, kind_of
from audits.facts.review import ReviewScope

# Why a kind of fact is missing, by the begin of its name; the first that fits an audit is said.
_WHY: tuple[tuple[str, str], ...] = (
    ("https.", "only a web server shows it"),
    ("rpki.", "only the routing tables show it"),
    ("dns.dnsbl", "only block lists show it"),
    ("dns.dnssec", "only a resolver shows what is signed and valid"),
    ("dns.resolver", "only a resolver shows what is signed and valid"),
    ("mta.pinned", "only a running host can differ from its files"),
    ("mta.", "no configuration of a host is under review"),
    ("dns.", "no zone is under review"),
    ("zone.", "no zone is under review"),
    ("", "only a running server shows it"),
)


class NotCovered(Struct, frozen=True):
    """One reason for which audits in force said nothing.

    audits: their ids, sorted. results: how many single results are missing; 0 where the audits
    were not run at all. about: up to three subjects of those.
    """

    why: str
    audits: tuple[str, ...]
    results: int
    about: tuple[str, ...]


def coverable(audit: Audit, kinds: Iterable[str]) -> bool:
    """Whether facts of those kinds are all that an audit needs."""
    there = set(kinds)
    alone = audit.suffices is not None and kind_of(audit.suffices) in there
    return alone or {kind_of(fact) for fact in audit.facts()} <= there


def covered_policy(policy: Policy, audits: Mapping[str, Audit], scope: ReviewScope) -> Policy:
    """The policy with the audits alone that the files under review can decide."""
    if scope.live:
        return policy
    rules = tuple(rule for rule in policy.rules if coverable(audits[rule.audit], scope.kinds))
    return replace(policy, rules=rules)


def left_out(policy: Policy, audits: Mapping[str, Audit], scope: ReviewScope) -> list[NotCovered]:
    """The audits in force that were not run, by the reason."""
    if scope.live:
        return []
    found: dict[str, list[str]] = {}
    for name in policy.audit_ids():
        missing = {kind_of(fact) for fact in audits[name].facts()} - set(scope.kinds)
        if not coverable(audits[name], scope.kinds):
            found.setdefault(_why(missing), []).append(name)
    gaps = [NotCovered(why, tuple(names), 0, ()) for why, names in found.items()]
    return sorted(gaps, key=lambda gap: (-len(gap.audits), gap.why))


def _why(missing: Iterable[str]) -> str:
    """What only a running server shows comes first: no file would help."""
    fitting = {
        next(place for place, (begin, _) in enumerate(_WHY) if kind.startswith(begin))
        for kind in missing
    }
    server = len(_WHY) - 1
    return _WHY[server if server in fitting else min(fitting)][1]


def separated(results: Iterable[Result]) -> tuple[list[Result], list[NotCovered]]:
    """The results, and apart from them those that stand on what is not under review alone."""
    kept: list[Result] = []
    silent: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome is Outcome.UNKNOWN and _outside(result):
            silent.setdefault(result.unknown[0].detail, []).append(result)
        else:
            kept.append(result)
    return kept, [_gap(why, each) for why, each in sorted(silent.items(), key=_most)]


def _outside(result: Result) -> bool:
    return bool(result.unknown) and all(
        unseen.reason is Reason.NOT_UNDER_REVIEW for unseen in result.unknown
    )


def _most(item: tuple[str, Sequence[Result]]) -> tuple[int, str]:
    return -len(item[1]), item[0]


def _gap(why: str, results: Sequence[Result]) -> NotCovered:
    subjects = list(dict.fromkeys(str(result.subject) for result in results))
    audits = tuple(sorted({result.audit for result in results}))
    return NotCovered(why, audits, len(results), tuple(subjects[:3]))
