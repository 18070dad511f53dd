"""Mail programs are of a release that somebody mends.

## Rationale
Holes in mail servers are looked for by many and used within days. A branch that its maker has left
keeps all that are found from then on.

## Remediation
Upgrade to a release of a supported branch, or to a distribution that mends its own. Where something
newer than the table is known, `minimum` says so: `{minimum: ["exim 4.99.4"]}`.

## Limits
The table of releases is of the date that the finding names; a branch newer than all of it passes,
and a year later it passes nothing. Distributions mend releases without a new number: where one has
that release, the question stays open.
"""

from audits.evaluate.audit import AsOf, Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.mta import Mta, MtaPrograms
from audits.parse.mta_release import standing, version_of


@audit(
    to=Target.ANY_HOST,
    severity=Severity.HIGH,
    references=(Doc("CVE", "2023-51764"), Doc("CVE", "2025-62875")),
    frameworks=(Doc("PCI DSS", "6.3.3"), Doc("CIS v8.1", "2.2"), Doc("CIS v8.1", "7.4")),
)
def evaluate(programs: MtaPrograms, as_of: AsOf, *, minimum: tuple[str, ...] = ()) -> Verdict:
    if not programs.programs:
        return NotApplicable("no mail program of the host is known")
    old: list[Violation] = []
    left_open: list[Undecided] = []
    sound: list[Evidence] = []
    for place, program in enumerate(programs.programs):
        if program.version is None:
            evidence = cite(programs, f"/programs/{place}/instance")
            detail = f"{program.mta}: which version it is was not said"
            left_open.append(Undecided(Reason.NOT_COLLECTED, detail, (evidence,)))
            continue
        evidence = cite(programs, f"/programs/{place}/version")
        said = f"{program.mta} {program.version}"
        wanted = _wanted(program.mta, minimum)
        if wanted and version_of(program.version) < version_of(wanted):
            message = f"{said} is older than the policy's {wanted}"
            old.append(Violation(message, (evidence,), expected=f"{wanted} or newer"))
            continue
        stands = standing(program.mta, program.version, as_of.at.date())
        if stands.kind == "outdated":
            message = f"{said}: {stands.why}"
            old.append(Violation(message, (evidence,), expected=f"{stands.least} or newer"))
        elif stands.kind == "supported" or wanted:
            sound.append(evidence)
        else:
            detail = f"{said}: {stands.why}"
            left_open.append(Undecided(Reason.NOT_COLLECTED, detail, (evidence,)))
    if old:
        return Fail(tuple(old))
    return left_open[0] if left_open else Pass(tuple(sound))


def _wanted(mta: Mta, minimum: tuple[str, ...]) -> str | None:
    """The policy's own least version of a program, from `exim 4.99.4`."""
    pairs = (each.partition(" ") for each in minimum)
    return next((version.strip() for name, _, version in pairs if name == mta), None)
