"""The DMARC policy in effect is enforced.

## Rationale
With `p=none` receivers deliver forged mail and only report it. That is where to begin, not where to
stay. What counts is what applies in the end: `sp` for a domain without own record, one level less
with `t=y`, `none` where the policy can't be read.

## Remediation
Raise the policy that applies, once reports show that the domain's own mail passes:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@example.net"

Take `t=y` away to let it count in full. Where the record stands at the organizational domain, raise
its `sp`, or publish an own record at the domain.

Publish `p=reject` only where users do not post to mailing lists, and never on SPF alone.

## Limits
The record is read as RFC 9989 says. Receivers that follow its predecessor may honour `pct`, and
look for the organizational domain in another way.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc_policy import (
    LEVELS,
    Level,
    effective_policy,
    policy_places,
    policy_words,
)


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(9989, "4.7"), Rfc(9989, "4.10"), Rfc(9989, "7.4")),
    frameworks=(
        Doc("BOD 18-01", "1.a.iv"),
        Doc("ISM", "1540"),
        Doc("SCuBA", "MS.EXO.4.2v1"),
        Doc("BSI TR-03182-P", "06-M"),
        Doc("Internet.nl", "dmarc-policy"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dmarc: DmarcWalk, *, min_policy: Level = "quarantine") -> Verdict:
    effective = effective_policy(dmarc)
    if effective is None:
        return Fail((_nothing(dmarc),))
    evidence = tuple(cite(dmarc, *place) for place in policy_places(dmarc, effective))
    if LEVELS.index(effective.level) >= LEVELS.index(min_policy):
        return Pass(evidence)
    expected = f"`{min_policy}` or stricter"
    return Fail((Violation(policy_words(dmarc, effective), evidence, expected=expected),))


def _nothing(dmarc: DmarcWalk) -> Violation:
    found = dmarc.found_at
    if found is None:
        return Violation("no DMARC record takes effect", (cite(dmarc, "/steps/0/answer/rcode"),))
    name = dmarc.steps[found].answer.name
    message = f"the record at {name} has neither a usable policy nor a usable rua: none applies"
    return Violation(message, (cite(dmarc, f"/steps/{found}/records/0"),))
