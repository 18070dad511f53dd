"""An MX host that is not for submission offers no login on port 25.

## Rationale
Port 25 is open to everybody. AUTH there is a second door for guessing passwords, beside the
submission ports, and mostly the one that nobody limits or watches. Users belong on 465 and 587.

## Remediation
Leave AUTH out of port 25 and offer it on the submission services alone.

Postfix (`main.cf`, and `master.cf` for the submission services):

    smtpd_sasl_auth_enable = no

    submissions inet n - y - - smtpd
      -o smtpd_sasl_auth_enable=yes

Exim:

    auth_advertise_hosts = ${if eq{$received_port}{25}{}{*}}

OpenSMTPD: leave `auth` out of the `listen` line for port 25.

Where users do submit mail through this host, give it the role `msa` in the inventory.

## Limits
Only what EHLO lists counts here: `submission-auth-refused-in-clear` tries AUTH in clear.
"""

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
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation, Observed
from audits.facts.smtp import EhloInTls, EhloReply
from audits.subject import Role


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(8314, "4"), Doc("CISA SCuBA", "MS.EXO.5.1v1")),
    frameworks=(Doc("CISA SCuBA", "MS.EXO.5.1v1"),),
)
def evaluate(roles: HostRoles, clear: EhloReply, in_tls: Observation[EhloInTls]) -> Verdict:
    if not roles.in_inventory:
        return NotApplicable("the host is somebody else's: what it is for is not declared")
    if Role.MSA in roles.roles:
        return NotApplicable("the host is for submission too")
    replies: list[EhloReply | EhloInTls] = [clear]
    if isinstance(in_tls, Observed):
        replies.append(in_tls.fact)
    violations = []
    for ehlo in replies:
        mechanisms = ehlo.params("AUTH")
        if mechanisms is not None:
            when = "before" if ehlo is clear else "after"
            offer = " ".join(("AUTH", *mechanisms))
            violations.append(Violation(f"{when} TLS EHLO lists {offer}", (_keyword(ehlo),)))
    if violations:
        return Fail(tuple(violations))
    if not isinstance(in_tls, Observed) and not in_tls.reason.nothing_there:
        return Undecided(in_tls.reason, in_tls.detail, (cite(clear, "/reply"),))
    return Pass(tuple(cite(ehlo, "/reply") for ehlo in replies))


def _keyword(ehlo: EhloReply | EhloInTls) -> Evidence:
    place = next(i for i, keyword in enumerate(ehlo.keywords) if keyword.name == "AUTH")
    return cite(ehlo, f"/keywords/{place}", " ".join(("AUTH", *ehlo.keywords[place].params)))
