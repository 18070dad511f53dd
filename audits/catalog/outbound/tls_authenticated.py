"""TLS of outgoing mail can't be stripped where the receiver says how.

## Rationale
Opportunistic TLS gives way to whoever answers in the receiver's place. DANE and MTA-STS let a
receiver say that TLS is there and whose certificate it has; only a sender that looks is protected.

## Remediation
Heed what receivers publish of their TLS, by DANE and MTA-STS.

Postfix with a validating resolver on the host:

    smtp_dns_support_level = dnssec
    smtp_tls_security_level = dane

and for MTA-STS a policy service in `smtp_tls_policy_maps`. Exim: `hosts_try_dane = *`.

## Limits
Whether a policy service answers for MTA-STS is not in the files that name it.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.configured import of_programs
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
)
from audits.facts.fact import Reason
from audits.facts.mta import MtaPrograms, Question

_QUESTIONS = {"dane": Question.OUTBOUND_DANE, "mta-sts": Question.OUTBOUND_MTA_STS}


@audit(
    to=Target.OUTBOUND_HOST,
    severity=Severity.LOW,
    references=(Rfc(7672, "2"), Rfc(8461, "5")),
    frameworks=(Doc("BSI TR-03108", "DANE_CLIENT"),),
)
def evaluate(
    programs: MtaPrograms,
    *,
    methods_any: tuple[Literal["dane", "mta-sts"], ...] = ("dane", "mta-sts"),
    methods_all: tuple[Literal["dane", "mta-sts"], ...] = (),
) -> Verdict:
    methods = dict.fromkeys((*methods_any, *methods_all))
    found = {m: next(of_programs(programs, _QUESTIONS[m]), None) for m in methods}
    asked = {method: each for method, each in found.items() if each is not None}
    if not asked:
        return NotApplicable("no program of the host sends mail to others")
    answers = {method: each.ruling.answer for method, each in asked.items()}
    missing = [m for m in methods_all if answers.get(m) == "no"]
    if methods_any and all(answers.get(m) == "no" for m in methods_any):
        missing += [m for m in methods_any if m not in missing]
    if missing:
        return Fail(
            tuple(
                Violation(f"{m} is not heeded: {asked[m].ruling.why}", asked[m].evidence)
                for m in missing
                if m in asked
            )
        )
    heeded = [m for m in asked if answers[m] == "yes"]
    needed = [m for m in methods_all if m not in heeded]
    if needed or not heeded:
        left = next(m for m in (*needed, *asked) if m in asked and answers[m] == "undecided")
        return Undecided(Reason.NOT_COLLECTED, asked[left].ruling.why, asked[left].evidence)
    return Pass(tuple(piece for m in heeded for piece in asked[m].evidence))
