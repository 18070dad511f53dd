"""What is wrong with smtpd.conf beyond its grammar."""

from collections.abc import Iterator

from audits.facts.mta import ConfigLine, Problem
from audits.parse.opensmtpd.statement import Condition, Declared, Listening

_PKI_REQUIRED_SINCE = (7,)


def problems(declared: Declared) -> Iterator[Problem]:
    """Everything that smtpd would not start with."""
    yield from declared.problems
    for listening in declared.listening:
        yield from _listening(listening, declared)
    for rule in declared.rules:
        for condition in (rule.source, rule.destination, *rule.options):
            yield from _tables(condition, declared, rule.line)


def _listening(listening: Listening, declared: Declared) -> Iterator[Problem]:
    place = listening.line.place
    if listening.auth and not listening.tls:
        message = f"`{listening.auth}` without TLS, which smtpd does not start with"
        yield Problem("value", True, message, "`tls-require` or `smtps` beside it", place)
    if listening.pki and not listening.tls:
        message = "`pki` without TLS, which smtpd does not start with"
        yield Problem("value", True, message, "`tls`, `tls-require` or `smtps` beside it", place)
    needs_pki = declared.version >= _PKI_REQUIRED_SINCE
    if listening.tls and not listening.pki and needs_pki:
        message = f"`{listening.tls}` without `pki`, which smtpd does not start with"
        yield Problem("missing", True, message, "`pki` with the name of a certificate", place)
    for name in listening.pki:
        if "cert" not in declared.pki.get(name, {}):
            message = f"pki {name} is not declared"
            yield Problem("missing", True, message, f'pki {name} cert "/path"', place)
    for name in listening.filters:
        if name not in declared.filters:
            message = f"filter {name} is not declared"
            yield Problem("missing", True, message, f"a `filter {name}` line", place)


def _tables(condition: Condition, declared: Declared, line: ConfigLine) -> Iterator[Problem]:
    operand = condition.operand
    if operand and operand.table is not None and operand.table not in declared.tables:
        message = f"table {operand.table} is not declared"
        yield Problem("missing", True, message, f"a `table {operand.table}` line", line.place)
