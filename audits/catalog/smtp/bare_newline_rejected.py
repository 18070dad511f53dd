"""A message ends at <CRLF>.<CRLF>, and nowhere else.

## Rationale
A server that takes `<LF>.<LF>` for the end reads what stands behind it as commands, while the one
that it had the message from took it for text. So a sender puts a second message into the first, in
the name of anybody whom the other server vouches for.

## Remediation
Bring the server up to date, and let it refuse lines that end in LF alone.

Postfix 3.9 does; `main.cf` of 3.5.23, 3.6.13, 3.7.9, 3.8.4 and later:

    smtpd_forbid_bare_newline = yes

Exim: 4.97.1 or later. Sendmail: 8.18.1 or later.

## Limits
Only `mailproof run --smuggling` tries it, since it takes messages to do so: to a mailbox of
`probe.own_mailboxes` at a domain that the host serves. Tried are `LF.LF`, `LF.CRLF` and `CR.CRLF`
with NOOP behind them, up to the first that is taken. A server that thinks longer about a message
than the probe waits seems to ignore its end. With `mode: active`, a run without the probe is
unknown; with `mode: config` it leaves the question to the host's configuration.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
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
from audits.facts.conduct import SmuggledEnd, Smuggling
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation, Observed, Reason
from audits.subject import Service


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(5321, "2.3.8"), Rfc(5321, "4.1.1.4"), Doc("CVE-2023-51764")),
)
def evaluate(
    roles: HostRoles,
    smuggling: Observation[Smuggling],
    *,
    mode: Literal["config", "active"] = "config",
) -> Verdict:
    """mode: what a run without the probe means."""
    if isinstance(smuggling, Observed):
        return _tried(smuggling.fact)
    if not smuggling.reason.nothing_there:
        return Undecided(smuggling.reason, smuggling.detail)
    at_25 = isinstance(smuggling.subject, Service) and smuggling.subject.port == 25
    if mode == "active" and roles.in_inventory and at_25:
        return Undecided(Reason.NOT_COLLECTED, smuggling.detail)
    return NotApplicable(smuggling.detail)


def _tried(smuggling: Smuggling) -> Verdict:
    taken = [
        Violation(_says(end), (_evidence(smuggling, place),))
        for place, end in enumerate(smuggling.ends)
        if end.taken
    ]
    if taken:
        return Fail(tuple(taken))
    for place, end in enumerate(smuggling.ends):
        if end.ended is not None and not end.turned_away:
            detail = f"{end.sequence}: {end.ended.detail}"
            return Undecided(end.ended.reason, detail, (_evidence(smuggling, place),))
        if end.reply is not None and end.reply.put_off is not None:
            return Undecided(end.reply.put_off, _says(end), (_evidence(smuggling, place),))
    return Pass(tuple(_evidence(smuggling, place) for place in range(len(smuggling.ends))))


def _says(end: SmuggledEnd) -> str:
    got = end.reply.text if end.reply is not None else "no reply"
    behind = f", and NOOP behind it {end.command.text}" if end.command is not None else ""
    return f"a message that ends in {end.sequence} got {got}{behind}"


def _evidence(smuggling: Smuggling, place: int) -> Evidence:
    end = smuggling.ends[place]
    if end.reply is not None:
        return cite(smuggling, f"/ends/{place}/reply")
    if end.ended is not None:
        return cite(smuggling, f"/ends/{place}/ended/detail")
    return cite(smuggling, f"/ends/{place}/sequence", f"{end.sequence}: ignored")
