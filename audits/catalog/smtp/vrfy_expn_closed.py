"""VRFY tells nobody which mailboxes exist, and EXPN no members of a list.

## Rationale
Whoever sells addresses asks for thousands of names and keeps those that are confirmed. A mail
server says no more about a name than it has to, which is at RCPT.

## Remediation
Switch both off, or let VRFY answer 252 whatever the name.

Postfix (`main.cf`): `disable_vrfy_command = yes`; it has no EXPN.
Exim: no `acl_smtp_vrfy` and no `acl_smtp_expn` that accepts; without them VRFY gets 252 and EXPN
550.
OpenSMTPD has neither. Sendmail: `define(`confPRIVACY_FLAGS', `goaway')`.

## Limits
Asked are postmaster, a random name, and EXPN of postmaster. At RCPT names are told apart by every
server that refuses unknown ones, as `smtp-unknown-recipient-rejected` wants it.
"""

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
from audits.facts.conduct import AddressCommand, AddressCommands


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.LOW,
    references=(Rfc(5321, "3.5.3"), Rfc(5321, "7.3")),
)
def evaluate(asked: AddressCommands) -> Verdict:
    known, unknown, expansion = asked.known, asked.unknown, asked.expansion
    first, last = cite(asked, "/known/reply"), cite(asked, "/expansion/reply")
    violations = []
    if unknown is not None and _class(known) != _class(unknown) and _decided(known, unknown):
        both = (first, cite(asked, "/unknown/reply"))
        message = f"{_says(known)}, and {_says(unknown)}"
        violations.append(Violation(message, both, expected="252 or 5xx, whoever is asked for"))
    elif _confirms(known):
        violations.append(Violation(_says(known), (first,), expected="252 or 5xx"))
    if expansion.reply.positive and expansion.reply.code != 252:
        violations.append(Violation(_says(expansion), (last,), expected="5xx"))
    if violations:
        return Fail(tuple(violations))
    for place, command in (("known", known), ("unknown", unknown), ("expansion", expansion)):
        put_off = command.reply.put_off if command is not None else None
        if command is not None and put_off is not None:
            seen = (cite(asked, f"/{place}/reply"),)
            return Undecided(put_off, _says(command), seen)
    return Pass((first, last) if unknown is None else (first, cite(asked, "/unknown/reply"), last))


def _class(command: AddressCommand) -> int:
    return command.reply.code // 100


def _decided(*commands: AddressCommand) -> bool:
    return not any(command.reply.transient for command in commands)


def _confirms(command: AddressCommand) -> bool:
    """RFC 5321 section 3.5.3: 250 is for an address that was verified, 252 for one that was not."""
    return command.reply.positive and command.reply.code != 252


def _says(command: AddressCommand) -> str:
    return f"{command.command} got {command.reply.text}"
