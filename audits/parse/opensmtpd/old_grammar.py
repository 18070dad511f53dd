"""Rules of OpenSMTPD before 6.4: `accept from any for domain <ours> deliver to maildir`."""

from audits.facts.mta import ConfigLine
from audits.parse.opensmtpd.cursor import Cursor, SyntaxAt
from audits.parse.opensmtpd.statement import Condition, Rule

# Settings of that grammar that no question is about.
OLD_SETTINGS = (
    "bounce-warn",
    "expire",
    "limit",
    "max-message-size",
    "subaddressing-delimiter",
    "enqueuer",
)


def old_rule(accepts: bool, cursor: Cursor, line: ConfigLine) -> Rule:
    """What follows `accept` or `reject`; raises SyntaxAt.

    In this grammar a client that has logged in counts as local.
    """
    source = Condition("local")
    destination = Condition("own")
    options: list[Condition] = []
    relays: bool | None = None
    while not cursor.done:
        negated = cursor.skip("!")
        word = cursor.need(
            "from", "for", "tagged", "sender", "recipient", "authenticated", "deliver", "relay",
            "alias", "virtual", "userbase", "forward-only", "expire", "as", "hostname",
        )  # fmt: skip
        if word == "from":
            source = _source(cursor)
        elif word == "for":
            destination = _destination(cursor)
        elif word == "tagged":
            options.append(_compared(cursor, "tag"))
        elif word == "sender":
            options.append(_compared(cursor, "mail-from"))
        elif word == "recipient":
            options.append(_compared(cursor, "rcpt-to"))
        elif word == "authenticated":
            options.append(Condition("auth", negated))
        elif word in ("deliver", "relay"):
            relays = word == "relay"
            cursor.rest()
        elif word != "forward-only":
            cursor.operand("a value")
    if accepts and relays is None:
        raise SyntaxAt(cursor.here, "`deliver to` or `relay`")
    return Rule(accepts, source, destination, tuple(options), None, relays, line)


def _source(cursor: Cursor) -> Condition:
    negated = cursor.skip("!")
    if cursor.skip("source"):
        return Condition("src", negated or cursor.skip("!"), operand=cursor.operand("a network"))
    if cursor.here.says("any", "local"):
        return Condition(cursor.take().text, negated)
    return Condition("src", negated, operand=cursor.operand("`any`, `local` or `source`"))


def _destination(cursor: Cursor) -> Condition:
    negated = cursor.skip("!")
    if cursor.skip("domain"):
        return Condition("domain", negated or cursor.skip("!"), operand=cursor.operand("a domain"))
    return Condition("any" if cursor.need("any", "local") == "any" else "own", negated)


def _compared(cursor: Cursor, what: str) -> Condition:
    return Condition(what, cursor.skip("!"), operand=cursor.operand("a value or a table"))
