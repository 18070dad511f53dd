"""A mail service does not say which version of what it is.

## Rationale
A version number tells whoever looks for a hole whether to try. It helps nobody else: no sender
decides anything by it.

## Remediation
Let greeting and HELP name the host, and at most the product.

Postfix (`main.cf`): `smtpd_banner = $myhostname ESMTP`.

Exim:

    smtp_banner = $smtp_active_hostname ESMTP

Sendmail (`sendmail.mc`; its HELP text is in `helpfile`):

    define(`confSMTP_LOGIN_MSG', `$j')

OpenSMTPD says none.

## Limits
Found are the names of products that are known here with a number behind them; `patterns` replaces
them by regular expressions of your own. What a service shows by the way it behaves is not looked
at.
"""

import re
from collections.abc import Iterator

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
from audits.facts.conduct import HelpReply
from audits.facts.fact import Observation, Observed
from audits.facts.smtp import EhloReply, Greeting

# A product, at most 30 characters without a digit (`(Debian/GNU)`, `ESMTP MAIL Service, Version:`),
# and a number with a dot in it.
BUILT_IN = (
    r"(?i)\b(?:postfix|exim|sendmail|opensmtpd|qmail|courier|haraka|stalwart|james|zimbra|mailenable|hmailserver|mdaemon|axigen|icewarp|kerio|lotus|domino|communigate|groupwise"
    r"|exchange|microsoft|dovecot|cyrus|haproxy|maddy|smtpd|rspamd|amavis(?:d-new)?)"
    r"[^0-9]{0,30}[0-9]+\.[0-9]",
    r"(?i)\bversion:? ?[0-9]+\.[0-9]",
)

# Addresses of the client, which many repeat.
_ADDRESS = re.compile(
    r"[\[(][^\[\]()]*(?:[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]+)[^\[\]()]*[\])]"
)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.LOW,
    references=(Rfc(5321, "4.3.1"), Rfc(5321, "7.5"), Doc("NIST SP 800-45v2")),
)
def evaluate(
    greeting: Greeting,
    ehlo: Observation[EhloReply],
    help_: Observation[HelpReply],
    *,
    patterns: tuple[str, ...] = BUILT_IN,
) -> Verdict:
    """patterns: regular expressions, any of which finds a version."""
    compiled = tuple(map(re.compile, patterns))
    said: list[tuple[str, Greeting | EhloReply | HelpReply]] = [("the greeting", greeting)]
    if isinstance(ehlo, Observed):
        said.append(("the reply to EHLO", ehlo.fact))
    if isinstance(help_, Observed):
        said.append(("the reply to HELP", help_.fact))
    violations = [
        Violation(f"{where} says {found!r}", (evidence,))
        for where, fact in said
        for found, evidence in _found(fact, compiled)
    ]
    if violations:
        return Fail(tuple(violations))
    for seen in (ehlo, help_):
        if not isinstance(seen, Observed) and not seen.reason.nothing_there:
            return Undecided(seen.reason, seen.detail, (cite(greeting, "/reply"),))
    return Pass(tuple(cite(fact, "/reply") for _, fact in said))


def _found(
    fact: Greeting | EhloReply | HelpReply, patterns: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[str, Evidence]]:
    """The first line of a reply in which a version is found."""
    for place, line in enumerate(fact.reply.lines):
        shown = _ADDRESS.sub("", line)
        if place == 0 and not isinstance(fact, HelpReply):
            shown = shown.partition(" ")[2]  # the host's name may well be `exchange-10.2.example`
        for pattern in patterns:
            found = pattern.search(shown)
            if found is not None:
                rest = shown[found.end() :]
                number = re.match(r"[0-9.]*", rest)
                version = found[0] + (number[0] if number else "")
                yield version, cite(fact, f"/reply/lines/{place}")
                return
