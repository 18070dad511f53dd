"""What was sent in clear behind STARTTLS is not obeyed inside TLS.

## Rationale
Whoever is on the path puts a command behind a sender's STARTTLS. A server that keeps it and obeys
it inside TLS takes it for the sender's own: mail and passwords go where the attacker says.

## Remediation
Bring the server, or the proxy in front of it that does TLS, to a version that drops its input at
STARTTLS (CVE-2011-0411 was the first of its kind).

Postfix: 2.7.3, 2.6.9, 2.5.12, 2.4.16 or later. Where a proxy or a load balancer does STARTTLS
for the server, it is the one to look at.

## Limits
What is put there is NOOP, which does no harm, in one segment, and on port 25 also 50 ms later. A
server that hangs up or fails the handshake over it counts as safe, if the handshake succeeds
without it.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.conduct import InjectionAttempt, StarttlsInjection
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.smtp import EhloInTls


@audit(
    to=(Target.MX_SERVICE, Target.STARTTLS_SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(3207, "4.2"), Doc("CVE-2011-0411")),
)
def evaluate(injection: StarttlsInjection, ehlo: Observation[EhloInTls]) -> Verdict:
    usual = ehlo.fact.reply.lines if isinstance(ehlo, Observed) else ()
    for place, attempt in enumerate(injection.attempts):
        if not attempt.out_of_step:
            continue
        seen = tuple(cite(injection, f"/attempts/{place}/inside/{at}") for at in (0, 1))
        said = " and ".join(reply.text for reply in attempt.inside)
        if len(usual) > 1 and attempt.inside[0].lines == usual:
            detail = f"{_sent(attempt)}, EHLO inside TLS got {said}"
            return Undecided(Reason.PROTOCOL, detail, seen)
        message = f"{_sent(attempt)}, EHLO inside TLS got {said}: one reply too many"
        return Fail((Violation(message, seen),))
    for place, attempt in enumerate(injection.attempts):
        if not attempt.in_step and not attempt.turned_away:
            return _undecided(attempt, _evidence(injection, place))
    return Pass(tuple(_evidence(injection, place) for place in range(len(injection.attempts))))


def _undecided(attempt: InjectionAttempt, seen: Evidence) -> Undecided:
    if attempt.ended is not None:
        return Undecided(attempt.ended.reason, f"{_sent(attempt)}: {attempt.ended.detail}", (seen,))
    last = attempt.inside[-1] if attempt.inside else attempt.starttls
    put_off = last.put_off if last is not None else None
    said = last.text if last is not None else "no reply"
    return Undecided(put_off or Reason.PROTOCOL, f"{_sent(attempt)} got {said}", (seen,))


def _evidence(injection: StarttlsInjection, place: int) -> Evidence:
    attempt = injection.attempts[place]
    if attempt.inside:
        return cite(injection, f"/attempts/{place}/inside/{len(attempt.inside) - 1}")
    if attempt.ended is not None:
        return cite(injection, f"/attempts/{place}/ended/detail")
    return cite(injection, f"/attempts/{place}/starttls")


def _sent(attempt: InjectionAttempt) -> str:
    behind = f" {attempt.gap_s * 1000:.0f} ms" if attempt.gap_s else ""
    return f"with NOOP sent in clear{behind} behind STARTTLS"
