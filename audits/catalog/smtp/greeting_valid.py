"""A mail service greets with 220 and its own name, in time, and answers EHLO.

## Rationale
Senders give up on a service that greets late, and log and judge the name that it greets with. A
service that opens the port and then refuses everybody makes senders try again for days.

## Remediation
Let the service greet with the fully qualified name of the host, and look for what delays it (DNS
look-ups of the client, postscreen's greet delay, too few processes).

Postfix (`main.cf`):

    myhostname = mx1.example.net
    smtpd_banner = $myhostname ESMTP

Exim: `primary_hostname = mx1.example.net`.
Dovecot (submission): `hostname = submit.example.net`.
OpenSMTPD: `listen on egress hostname mx1.example.net`.

## Limits
`max_greeting_s` can't tell more than the run's own patience (`limits.banner_s`): a greeting later
than that is not seen, and the result is unknown. HELO is not tried where EHLO is refused.
"""

import re

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Observation, Observed
from audits.facts.smtp import EhloReply, Greeting

# RFC 5321 section 4.1.2: sub-domain = Let-dig [Ldh-str]; here at least two of them, and a last one
# that is no number. `_` is no letter of it, though some hosts have it in their names.
_FQDN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?", re.I)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(5321, "4.3.1"), Rfc(5321, "4.5.3.2.1"), Rfc(5321, "4.1.1.1")),
)
def evaluate(
    greeting: Greeting, ehlo: Observation[EhloReply], *, max_greeting_s: float = 60.0
) -> Verdict:
    """max_greeting_s: how long a service may take to greet; RFC 5321 lets clients wait 300."""
    reply = cite(greeting, "/reply")
    put_off = greeting.reply.put_off
    if put_off is not None:
        return Undecided(put_off, f"the greeting was {greeting.reply.text}", (reply,))
    if greeting.reply.code != 220:
        return Fail((Violation(f"the greeting was {greeting.reply.text}", (reply,)),))
    violations = []
    if not _FQDN.fullmatch(greeting.name):
        found = f"{greeting.name!r}, no fully qualified name" if greeting.name else "no name"
        violations.append(Violation(f"the greeting has {found}", (cite(greeting, "/name"),)))
    if greeting.reply.elapsed_s > max_greeting_s:
        message = f"the greeting took {greeting.reply.elapsed_s:.1f} s of {max_greeting_s:g} s"
        violations.append(Violation(message, (cite(greeting, "/reply/elapsed_s"),)))
    refused = isinstance(ehlo, Observed) and ehlo.fact.reply.permanent
    if isinstance(ehlo, Observed) and refused:
        message = f"EHLO was refused: {ehlo.fact.reply.text}"
        violations.append(Violation(message, (cite(ehlo.fact, "/reply"),)))
    if violations:
        return Fail(tuple(violations))
    if not isinstance(ehlo, Observed):
        return Undecided(ehlo.reason, f"EHLO: {ehlo.detail}", (reply,))
    answer = cite(ehlo.fact, "/reply")
    put_off = ehlo.fact.reply.put_off
    if put_off is not None:
        return Undecided(put_off, f"EHLO got {ehlo.fact.reply.text}", (answer,))
    if ehlo.fact.reply.code != 250:
        return Fail((Violation(f"EHLO got {ehlo.fact.reply.text}", (answer,)),))
    return Pass((reply, answer))
