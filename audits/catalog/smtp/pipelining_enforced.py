"""An MX host turns away clients that talk before they may.

## Rationale
Programs that send spam write their whole conversation at once and never read the replies. A server
that holds clients to the order of the protocol is rid of them before they cost anything, and of
commands that somebody smuggled behind a message.

## Remediation
Check that a client waits for the greeting and for the reply to EHLO.

Postfix 3.9 does; `main.cf` of 3.5.20, 3.6.10, 3.7.6, 3.8.1 and later:

    smtpd_forbid_unauth_pipelining = yes

or let postscreen look (`postscreen_greet_action = enforce`).

Exim does: leave `smtp_enforce_sync` on, and have no `control = no_enforce_sync` in an ACL. From
4.94 on it lets clients talk early by its own offer, unless told not to:

    pipelining_connect_advertise_hosts =

OpenSMTPD does.

## Limits
EHLO and NOOP are sent at once, before the greeting is read. A server that only counts or logs this
can't be told from one that does not look. Where EHLO lists `PIPECONNECT` (or `PIPE_CONNECT`, its
name before), early talk is on offer, and nothing is held against it.
"""

import re

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.conduct import EarlyTalk
from audits.facts.fact import Reason, Silence

_OFFERED = re.compile(r"(?:X_)?PIPE_?CONNECT", re.IGNORECASE)
_ABOUT_ORDER = re.compile(r"pipelin|synchroni|protocol|early|pre-?greet|too soon", re.IGNORECASE)


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.LOW,
    references=(Rfc(2920, "3.1"), Rfc(5321, "4.3.1"), Doc("Postfix", "postconf(5)")),
)
def evaluate(talk: EarlyTalk) -> Verdict:
    refusals = [place for place, reply in enumerate(talk.replies) if reply.permanent]
    if refusals:
        return Pass((cite(talk, f"/replies/{refusals[0]}"),))
    if any(_OFFERED.fullmatch(line) for reply in talk.replies for line in reply.lines):
        return NotApplicable("EHLO lists PIPECONNECT: clients may talk before the greeting")
    if talk.ended is not None:
        return _broken_off(talk, talk.ended)
    put_off = next((p for reply in talk.replies if (p := reply.put_off) is not None), None)
    seen = tuple(cite(talk, f"/replies/{place}") for place in range(len(talk.replies)))
    said = ", ".join(str(reply.code) for reply in talk.replies)
    message = f"EHLO and NOOP, sent before the greeting was read, got {said}"
    if put_off is not None:
        return Undecided(put_off, message, seen)
    return Fail((Violation(message, seen, expected="554, or an end of the connection"),))


def _broken_off(talk: EarlyTalk, ended: Silence) -> Verdict:
    seen = (cite(talk, "/ended/detail"),)
    if ended.reason is Reason.DISCONNECTED:
        return Pass(seen)
    if ended.reason is Reason.THROTTLED and _ABOUT_ORDER.search(ended.detail):
        return Pass(seen)
    return Undecided(ended.reason, ended.detail, seen)
