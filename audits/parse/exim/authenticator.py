"""Authenticators: who may log in on a listener, and what a login proves (chapters 33 to 41)."""

from collections.abc import Iterator

from audits.facts.mta import ConfigLine, Question, Ruling
from audits.parse.exim.acl import Fate, Walk
from audits.parse.exim.config import Driver
from audits.parse.exim.daemon import Client, Daemon, Truth
from audits.parse.exim.expansion import Outcome, expand, truth
from audits.parse.exim.match import ListText, Matcher
from audits.parse.exim.tls import Security, answer

# What makes an authenticator of each driver one for clients of ours.
_SERVER = {
    "plaintext": ("server_condition",),
    "external": ("server_condition",),
    "tls": ("server_param", "server_param1", "server_condition"),
    "cram_md5": ("server_secret",),
    "dovecot": ("server_socket",),
    "spa": ("server_password",),
    "heimdal_gssapi": ("server_keytab", "driver"),
}
_ASKS_ITSELF = frozenset({"plaintext", "external"})
_GARBAGE = "nobody-has-this-7f3a"


class Login:
    """AUTH on one listener."""

    def __init__(self, daemon: Daemon, port: int, security: Security) -> None:
        self._daemon = daemon
        self._port = port
        self._security = security
        self.authenticators = [a for a in daemon.config.authenticators if _serves(a)]

    def offered(self, *, encrypted: bool) -> tuple[bool | None, str, tuple[ConfigLine, ...]]:
        """Whether AUTH is offered in clear or inside TLS, why, and by which lines."""
        if not self.authenticators:
            return False, "no authenticator is there for clients", ()
        client = Client(self._port, encrypted)
        advertised, why, lines = self._advertised(client)
        if advertised is False:
            return False, why, lines
        refused = Walk(self._daemon, client).command("acl_smtp_auth")
        if refused.fate is Fate.REFUSED:
            return False, refused.why, refused.lines
        named = [(a, self._condition(a, client)) for a in self.authenticators]
        ready = [a for a, holds in named if holds is not False]
        if not ready:
            by = self.authenticators[0].lines("server_advertise_condition")
            return False, "server_advertise_condition leaves every authenticator out", by
        certain = advertised and any(holds for _, holds in named)
        if not self._daemon.config.options.get("auth_advertise_hosts"):
            why = f"{why}, and {ready[0].name} is offered without a condition"
        lines = (*lines, *ready[0].lines("server_advertise_condition"))
        return (True if certain else None), why, tuple(dict.fromkeys(lines))

    def _advertised(self, client: Client) -> tuple[bool | None, str, tuple[ConfigLine, ...]]:
        name = "auth_advertise_hosts"
        option = self._daemon.config.options.get(name)
        lines = self._daemon.lines(name)
        why = f"{name} = {self._daemon.raw(name)}".rstrip()
        if option is None:
            return True, f"{why} (by default)", lines
        found = Matcher(self._daemon, client).match(ListText("host", option.value, option))
        if found.truth in (Truth.OPEN, Truth.CHOSEN):
            return None, found.why, (*lines, *found.lines)
        return found.truth is Truth.YES, why, tuple(dict.fromkeys((*lines, *found.lines)))

    def _condition(self, authenticator: Driver, client: Client) -> bool | None:
        text = authenticator.value("server_advertise_condition")
        if not text:
            return True
        outcome = self._daemon.expand(text, client)
        return None if outcome.text is None else truth(outcome.text) is True

    def rulings(self) -> Iterator[Ruling]:
        """Whether AUTH is offered, whether in clear, and what a login proves."""
        in_tls = self.offered(encrypted=True) if self._security.on else None
        in_clear = None if self._security.implicit else self.offered(encrypted=False)
        ways = [way for way in (in_tls, in_clear) if way is not None]
        best = max(ways, key=lambda way: {True: 2, None: 1, False: 0}[way[0]])
        yield Ruling(Question.AUTH, answer(best[0]), best[1], best[2])
        if in_clear is None:
            why = "the session begins with TLS"
            lines = self._daemon.lines("tls_on_connect_ports")
            yield Ruling(Question.AUTH_IN_CLEAR, "no", why, lines)
        else:
            yield Ruling(Question.AUTH_IN_CLEAR, answer(in_clear[0]), in_clear[1], in_clear[2])
        if best[0] is not False:
            yield self._proves_nothing()
            yield self._throttled()

    def _proves_nothing(self) -> Ruling:
        open_: Ruling | None = None
        for each in self.authenticators:
            holds, why = _takes_anything(self._daemon, each)
            ruling = Ruling(
                Question.AUTH_PROVES_NOTHING, answer(holds), why, each.lines("server_condition")
            )
            if holds:
                return ruling
            if holds is None:
                open_ = open_ or ruling
        if open_ is not None:
            return open_
        lines = tuple(line for a in self.authenticators for line in a.lines("server_condition"))
        names = ", ".join(a.name for a in self.authenticators)
        return Ruling(Question.AUTH_PROVES_NOTHING, "no", f"{names} ask for the password", lines)

    def _throttled(self) -> Ruling:
        acl = self._daemon.config.acls.get(self._daemon.raw("acl_smtp_auth"))
        limits = [
            statement
            for statement in (acl.statements if acl else ())
            if any(condition.name == "ratelimit" for condition in statement.conditions)
        ]
        if limits:
            why = "acl_smtp_auth has a ratelimit"
            return Ruling(Question.AUTH_THROTTLED, "yes", why, limits[0].lines)
        why = "whether something outside Exim slows guessing down, its files can't say"
        return Ruling(
            Question.AUTH_THROTTLED, "undecided", why, self._daemon.lines("acl_smtp_auth")
        )


def _serves(authenticator: Driver) -> bool:
    """Whether it is there for clients that log in here, not only for logins elsewhere."""
    driver = authenticator.value("driver")
    if "public_name" not in authenticator.options and driver != "tls":
        return False
    needs = _SERVER.get(driver)
    return needs is None or any(authenticator.value(name) for name in needs)


def _takes_anything(daemon: Daemon, authenticator: Driver) -> tuple[bool | None, str]:
    """Whether a login succeeds with made-up words, and why; None where that is open."""
    name = authenticator.name
    if authenticator.value("driver") not in _ASKS_ITSELF:
        return False, f"{name} asks for the password elsewhere"
    written = authenticator.value("server_condition")
    outcome = _with_garbage(daemon, written)
    if outcome.text is None:
        asks = any(word in written for word in ("$auth", "${auth", "$1", "$2", "$3", "${"))
        if asks and any(word in written for word in ("auth2", "auth3", "auth1", "$2", "$3", "$1")):
            return False, f"server_condition of {name} looks at what the client sends"
        return None, f"what server_condition of {name} comes to, files don't tell"
    if truth(outcome.text) is True:
        return True, f"server_condition of {name} is true whatever the password"
    return False, f"server_condition of {name} is false for a wrong password"


def _with_garbage(daemon: Daemon, text: str) -> Outcome:
    words = {str(n): f"{_GARBAGE}-{n}" for n in range(1, 4)}
    words |= {f"auth{n}": word for n, word in words.items()}

    def lookup(name: str) -> str | None:
        return words.get(name)

    return expand(text, lookup)
