"""smtpd.conf as statements: the grammar since OpenSMTPD 6.4, and what the one before shares."""

from collections.abc import Callable, Iterator, Mapping
from posixpath import normpath

import msgspec

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine, Problem
from audits.parse.config_tree import ConfigTree
from audits.parse.opensmtpd.cursor import SECRETIVE, Cursor, SyntaxAt
from audits.parse.opensmtpd.keyword import KEYWORDS, SINCE_7
from audits.parse.opensmtpd.old_grammar import OLD_SETTINGS, old_rule
from audits.parse.opensmtpd.statement import (
    Action,
    Condition,
    Declared,
    Filter,
    Listening,
    Rule,
    Table,
)
from audits.parse.opensmtpd.token import Token, Words

_DEEPEST = 20
_MOST_FILES = 200
_MOST_TOKENS = 100_000
_MULTILINE_SINCE = (7, 5)

_PHASES = ("connect", "helo", "ehlo", "mail-from", "rcpt-to", "data", "commit")
_LOCAL = ("mbox", "maildir", "lmtp", "mda", "forward-only", "expand-only")
_PORTS = {"smtp": 25, "smtps": 465, "submission": 587, "submissions": 465, "urd": 465}


def read_declared(tree: ConfigTree, path: str, declared: Declared) -> None:
    """Reads the file at a path and what it includes; what is wrong becomes a problem."""
    _Files(tree, declared).read(path, ())


class _Files:
    def __init__(self, tree: ConfigTree, declared: Declared) -> None:
        self._tree = tree
        self._declared = declared
        self._macros: dict[str, str] = {}
        self._files = 0
        self._tokens = 0
        new = frozenset() if declared.version >= (7,) else SINCE_7
        self._keywords = frozenset[str]() if declared.old else KEYWORDS - new

    def read(self, path: str, including: tuple[str, ...]) -> None:
        found = self._tree.read(path)
        if isinstance(found, Silence):
            self._declared.unread.append(f"{path}: {found.detail}")
            return
        self._files += 1
        words = Words(found.text, found.shown, self._macros)
        for tokens in self._statements(words.tokens()):
            try:
                self._statement(Cursor(tokens, self._keywords), (*including, normpath(path)))
            except SyntaxAt as error:
                problem = error.problem
                if tokens[0].text in SECRETIVE:
                    message = f"found what may not stand in `{tokens[0].text}`"
                    problem = msgspec.structs.replace(problem, message=message)
                self._declared.problems.append(problem)

    def _statements(self, tokens: Iterator[Token]) -> Iterator[list[Token]]:
        """The tokens of each line; since 7.5 a list in braces may go over several."""
        depth, over_lines = 0, self._declared.version >= _MULTILINE_SINCE
        statement: list[Token] = []
        for token in tokens:
            self._tokens += 1
            depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "sign" else 0
            if token.kind == "end" and depth > 0 and over_lines and len(statement) < 10_000:
                continue
            statement.append(token)
            if token.kind == "end":
                if len(statement) > 1:
                    yield statement
                statement, depth = [], 0
            if self._tokens > _MOST_TOKENS:
                found, expected = "found more words than any configuration has", "fewer"
                problem = Problem("syntax", True, found, expected, token.place)
                self._declared.problems.append(problem)
                return
        if len(statement) > 1:
            yield [*statement, Token("end", "", statement[-1].place)]

    def _statement(self, cursor: Cursor, including: tuple[str, ...]) -> None:
        line = cursor.line()
        first = cursor.take()
        if first.kind == "word" and first.text not in self._keywords and cursor.here.says("="):
            cursor.take()
            self._macros[first.text] = cursor.text("the text of the macro")
            cursor.finish()
            return
        if first.says("include"):
            self._include(cursor, including)
            return
        self._declared.lines.append((first.text, line))
        statement = _STATEMENTS.get(first.text) if first.kind == "word" else None
        if statement is not None:
            statement(cursor, line, self._declared)
            cursor.finish()
        elif self._declared.old and first.says("accept", "reject"):
            self._declared.rules.append(old_rule(first.text == "accept", cursor, line))
        elif first.says("accept", "reject"):
            found = f"found `{first.text}`, a rule of the grammar before 6.4"
            raise SyntaxAt(first, "`action` and `match`", found)
        elif not (self._declared.old and first.says(*OLD_SETTINGS)):
            raise SyntaxAt(first, "a statement such as `listen on`, `action` or `match`")

    def _include(self, cursor: Cursor, including: tuple[str, ...]) -> None:
        at = cursor.here
        path = cursor.text("the path of a file")
        cursor.finish()
        if normpath(path) in including:
            raise SyntaxAt(at, "another file", "found a file that includes itself")
        if self._files >= _MOST_FILES or len(including) >= _DEEPEST:
            raise SyntaxAt(at, "fewer files", "found files that include without end")
        self.read(path, including)


# --- statements ---


def _listen(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    cursor.need("on")
    socket = cursor.skip("socket")
    interface = "socket" if socket else cursor.text("an interface or an address")
    listening = Listening(interface, line)
    seen: set[str] = set()
    while not cursor.done:
        token = cursor.take()
        option = "tls" if token.says("tls-require", "smtps", "secure") else token.text
        option = "family" if token.says("inet4", "inet6") else option
        option = "auth" if token.says("auth-optional") else option
        handler = _LISTEN_OPTIONS.get(option) if token.kind == "word" else None
        if handler is None or (option in SINCE_7 and declared.version < (7,)):
            raise SyntaxAt(token, "an option of `listen`, such as `tls` or `port`")
        if option in seen and (option != "pki" or declared.version < (7,)):
            raise SyntaxAt(token, f"`{option}` once", f"found `{token.text}` after another")
        seen.add(option)
        handler(cursor, token.text, listening)
    declared.listening.append(listening)


def _port(cursor: Cursor, word: str, listening: Listening) -> None:
    token = cursor.here
    port = cursor.take().text if token.says("smtp", "smtps") else cursor.text("a port")
    listening.port = _PORTS.get(port)
    if listening.port is None:
        if not port.isdecimal() or not 0 < int(port[:6]) < 65536:
            raise SyntaxAt(token, "a port")
        listening.port = int(port)


def _tls(cursor: Cursor, word: str, listening: Listening) -> None:
    for mode in ("tls", "tls-require", "smtps", "secure"):
        if word == mode:
            listening.tls = mode
    if word != "tls":
        cursor.skip("verify")


def _auth(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.auth = "auth-optional" if word == "auth-optional" else "auth"
    if cursor.here.says("<"):
        listening.logins = cursor.operand("a table").table or ""


def _pki(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.pki = (*listening.pki, cursor.text("the name of a pki"))


def _tag(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.tag = cursor.text("a tag")


def _filter_of(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.filters = cursor.operand("the name of a filter").values


def _senders(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.senders = True
    cursor.operand("a table")
    cursor.skip("masquerade")


def _protocols(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.protocols = cursor.text("protocols")


def _ciphers(cursor: Cursor, word: str, listening: Listening) -> None:
    listening.ciphers = cursor.text("ciphers")


def _word_of(cursor: Cursor, word: str, listening: Listening) -> None:
    cursor.operand("a value")


def _nothing(cursor: Cursor, word: str, listening: Listening) -> None:
    """A switch that no question is about."""


_LISTEN_OPTIONS: Mapping[str, Callable[[Cursor, str, Listening], None]] = {
    "port": _port,
    "tls": _tls,
    "auth": _auth,
    "pki": _pki,
    "tag": _tag,
    "filter": _filter_of,
    "senders": _senders,
    "protocols": _protocols,
    "ciphers": _ciphers,
    "ca": _word_of,
    "hostname": _word_of,
    "hostnames": _word_of,
} | dict.fromkeys(
    ("family", "mask-src", "mask-source", "no-dsn", "received-auth", "proxy-v2"), _nothing
)


def _table(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    name = cursor.text("the name of a table")
    if cursor.here.says("{"):
        keys = tuple(key for key, _ in cursor.listed())
        declared.tables[name] = Table(name, keys, "", line)
        return
    kind, colon, path = cursor.text("a file or values").partition(":")
    source = path if colon and kind == "file" else "" if colon else kind
    declared.tables[name] = Table(name, None, source, line)


def _declare_pki(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    name = cursor.text("the name of a pki")
    what = cursor.need("cert", "certificate", "key", "dhe").removesuffix("ificate")
    declared.pki.setdefault(name, {})[what] = cursor.text("a path")


def _action(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    token = cursor.here
    name = cursor.text("the name of an action")
    if name in declared.actions:
        raise SyntaxAt(token, "another name", f"found a second action {name!r}")
    method = cursor.need("relay", *_LOCAL)
    rest = cursor.rest()
    declared.actions[name] = Action(name, rest if method == "relay" else None, line)


def _match(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    source: Condition | None = None
    destination: Condition | None = None
    options: list[Condition] = []
    while not cursor.here.says("action", "reject"):
        negated = cursor.skip("!")
        token = cursor.here
        word = cursor.need("from", "for", *_OPTIONS)
        twice = SyntaxAt(token, f"`{word}` once", f"found `{word}` after another")
        if word == "from":
            if source:
                raise twice
            source = _source(cursor, negated)
        elif word == "for":
            if destination:
                raise twice
            destination = _destination(cursor, negated)
        else:
            if any(each.what == word for each in options):
                raise twice
            options.append(_compared(cursor, word, negated, optional=word in ("auth", "tls")))
    accepts = cursor.need("action", "reject") == "action"
    name, relays = None, None
    if accepts:
        token = cursor.here
        name = cursor.text("the name of an action")
        if name not in declared.actions:
            expected = "one that an `action` before it declares"
            raise SyntaxAt(token, expected, f"found the action {name!r}, which is not there")
        relays = declared.actions[name].relay is not None
    declared.rules.append(
        Rule(
            accepts,
            source or Condition("local"),
            destination or Condition("own"),
            tuple(options),
            name,
            relays,
            line,
        )
    )


_OPTIONS = ("auth", "helo", "mail-from", "rcpt-to", "tag", "tls")


def _source(cursor: Cursor, negated: bool) -> Condition:
    kinds = ("any", "local", "socket", "auth", "mail-from", "rdns", "src")
    what = cursor.need(*kinds)
    if what in ("any", "local", "socket"):
        return Condition(what, negated)
    return _compared(cursor, what, negated, optional=what in ("auth", "rdns"))


def _destination(cursor: Cursor, negated: bool) -> Condition:
    what = cursor.need("any", "local", "domain", "rcpt-to")
    if what in ("any", "local"):
        return Condition("own" if what == "local" else what, negated)
    return _compared(cursor, what, negated, optional=False)


def _compared(cursor: Cursor, what: str, negated: bool, *, optional: bool) -> Condition:
    """A condition with what it compares; some may go without."""
    regex = cursor.skip("regex")
    keyword = cursor.here.says("from", "for", "action", "reject", *_OPTIONS)
    if what == "tls" or (optional and not regex and (keyword or not cursor.at_value())):
        return Condition(what, negated)
    return Condition(what, negated, regex, cursor.operand("a value or a table"))


def _filter(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    name = cursor.text("the name of a filter")
    how = cursor.need("phase", "chain", "proc", "proc-exec")
    conditions: tuple[Condition, ...] | None = None
    chain: tuple[str, ...] = ()
    turns_away = False
    if how == "chain":
        chain = cursor.operand("filters").values
    elif how == "phase":
        cursor.need(*_PHASES)
        cursor.need("match")
        conditions = tuple(_filter_conditions(cursor))
        decisions = ("disconnect", "reject", "bypass", "junk", "rewrite", "report")
        turns_away = cursor.need(*decisions) in ("disconnect", "reject")
        cursor.rest()
    else:
        cursor.rest()
    declared.filters[name] = Filter(name, conditions, turns_away, chain, line)


def _filter_conditions(cursor: Cursor) -> Iterator[Condition]:
    words = ("any", "fcrdns", "rdns", "src", "helo", "auth", "mail-from", "rcpt-to")
    while cursor.here.says("!", *words):
        negated = cursor.skip("!")
        what = cursor.need(*words)
        regex = cursor.skip("regex")
        operand = cursor.operand("a table") if cursor.here.says("<") else None
        yield Condition(what, negated, regex, operand)


def _smtp(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    words = ("ciphers", "limit", "max-message-size", "sub-addr-delim")
    what = cursor.need(*words)
    rest = cursor.rest()
    if what == "ciphers":
        declared.ciphers = "".join(rest[:1])


def _named(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
    """A statement with a name, which no question is about."""
    cursor.text("a name")
    cursor.rest()


def _setting(*words: str) -> Callable[[Cursor, ConfigLine, Declared], None]:
    """A statement that begins with one of these words, and which no question is about."""

    def statement(cursor: Cursor, line: ConfigLine, declared: Declared) -> None:
        cursor.need(*words)
        cursor.rest()

    return statement


_STATEMENTS: Mapping[str, Callable[[Cursor, ConfigLine, Declared], None]] = {
    "action": _action,
    "admd": _named,
    "bounce": _setting("warn-interval"),
    "ca": _named,
    "filter": _filter,
    "listen": _listen,
    "match": _match,
    "mda": _setting("wrapper"),
    "mta": _setting("max-deferred"),
    "pki": _declare_pki,
    "proc": _named,
    "queue": _setting("compression", "encryption", "ttl"),
    "smtp": _smtp,
    "srs": _setting("key", "ttl"),
    "table": _table,
}
