"""A name server would load the zone file.

## Rationale
A server refuses a zone with one line that it can't read, and goes on serving the old one, or
nothing after a restart.

## Remediation
Put in place what the finding expects, and let `named-checkzone example.net FILE` read the file
before it is deployed.

## Limits
Only files under review are read. What the records say is for the other audits.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.zone import ZoneFile


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(1035, "5.2"), Rfc(2181, "10.1")),
)
def evaluate(zone: ZoneFile) -> Verdict:
    if not zone.problems:
        return Pass((cite(zone, "/records"),))
    return Fail(
        tuple(
            Violation(
                problem.message,
                (cite(zone, f"/problems/{place}", problem.message),),
                expected=f"{problem.expected} at {problem.place}:{problem.place.column}",
            )
            for place, problem in enumerate(zone.problems)
        )
    )
