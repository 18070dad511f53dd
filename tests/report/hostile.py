"""What a server may say to whoever reads a report: commands, markup, formulas, invisible signs."""

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence, Violation
from audits.facts.place import Place
from tests.report import fleet

SAID = (
    "=1+2|'x'!A1 ::error file=x,line=1::owned\n::add-mask::mx1\r\n##[error]owned ]]> "
    "<script>alert(1)</script><img src=x onerror=y> \x1b[2J\x00 \u202etxt.exe \u2066 \ud800 \ufffe "
    "@everyone #1 [a](http://evil.example) ![b](http://evil.example/b) <http://evil.example> "
    "``tick` | {0} {{1}} %0A%25 &amp; \\ ~~~ $x$ :smile:"
)
FORMULAS = ("=1+2", "+1+2", "-1+2", "@SUM(1)", "\t=1", "\r=1", "\uff1d1")


def result(said: str = SAID) -> Result:
    """A failure that says it in every field that can come from outside."""
    evidence = Evidence(
        "smtp.greeting", fleet.MX1, "/reply", said, fleet.Step.GREETING, Place(said, 3, 2)
    )
    return fleet.result(
        fleet.GREETING,
        fleet.MX1,
        fleet.Outcome.FAIL,
        violations=(Violation(said, (evidence,)), Violation(f"{said} too", (evidence,))),
        note=said,
        expected=said,
        remediation=said,
    )


def unseen(said: str = SAID) -> list[Result]:
    """A silence and a broken audit in the same words."""
    silent = fleet.Unseen("smtp.greeting", fleet.BACKUP, fleet.Reason.THROTTLED, said)
    return [
        fleet.unknown(fleet.GREETING, fleet.BACKUP, silent, fleet.Step.GREETING),
        fleet.result(fleet.BROKEN, fleet.Domain("example.net"), fleet.Outcome.ERROR, note=said),
    ]
