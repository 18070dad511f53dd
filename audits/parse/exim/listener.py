"""The listeners of an Exim, and how each treats who comes."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from audits.facts.mta import Answer, ConfigLine, ConfiguredListener, Mta, Question, Ruling
from audits.parse.exim.acl import Course, Fate, Walk
from audits.parse.exim.authenticator import Login
from audits.parse.exim.daemon import FOREIGN, Client, Daemon, Truth
from audits.parse.exim.defaults import takes_bare_newlines
from audits.parse.exim.match import ListText, Matcher
from audits.parse.exim.router import HIDDEN, own_domains, rewrites, takes_foreign
from audits.parse.exim.source import items, shortened
from audits.parse.exim.tls import Security, answer, ports

_EVERYWHERE = frozenset({"0.0.0.0", "::", "::0", "0::0"})
_LAST_PORT = 65535
_USER = "somebody"
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::(\d+))?|(\d+\.\d+\.\d+\.\d+)(?:\.(\d+))?")
_ANSWER: dict[Fate, Answer] = {Fate.ACCEPTED: "yes", Fate.REFUSED: "no", Fate.OPEN: "undecided"}


def listeners(daemon: Daemon, instance: str) -> Iterator[ConfiguredListener]:
    """Every socket that the daemon listens on, with what it does there."""
    usual = ports(daemon, "daemon_smtp_ports")
    shared: list[str] = []
    apart: list[tuple[str, int]] = []
    for address, port in _interfaces(daemon):
        if port is None:
            shared.append(address)
        else:
            apart.append((address, port))
    line = next(iter(daemon.lines("daemon_smtp_ports")), None)
    at_interface = next(iter(daemon.lines("local_interfaces")), line)
    own = own_domains(daemon)
    addresses = () if _EVERYWHERE & set(shared) else tuple(dict.fromkeys(shared))
    if shared:
        for port in usual:
            yield _listener(daemon, instance, f"port {port}", addresses, port, line, own)
    for address, port in dict.fromkeys(apart):
        one = () if address in _EVERYWHERE else (address,)
        yield _listener(daemon, instance, f"{address} port {port}", one, port, at_interface, own)


def _interfaces(daemon: Daemon) -> Iterator[tuple[str, int | None]]:
    """Addresses of local_interfaces, each with its own port if it has one."""
    outcome = daemon.value("local_interfaces", Client(25, encrypted=False))
    for word in items(outcome.text if outcome.text is not None else "<; ::0 ; 0.0.0.0"):
        found = _WITH_PORT.fullmatch(word)
        if found is None:
            yield word, None
            continue
        port = int((found[2] or found[4] or "0")[:6])
        if port <= _LAST_PORT:
            yield found[1] or found[3], port or None  # port 0 is as none


def _listener(
    daemon: Daemon,
    instance: str,
    name: str,
    addresses: tuple[str, ...],
    port: int,
    line: ConfigLine | None,
    own: tuple[str, ...],
) -> ConfiguredListener:
    loopback = bool(addresses) and all(map(_is_loopback, addresses))
    rulings = tuple(_told(daemon, ruling) for ruling in _Listener(daemon, port, own).rulings())
    return ConfiguredListener(Mta.EXIM, instance, name, addresses, port, loopback, line, rulings)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _told(daemon: Daemon, ruling: Ruling) -> Ruling:
    """A ruling that rests on nothing written is open where an included file was not supplied."""
    if ruling.lines or not daemon.unread:
        return ruling
    return Ruling(ruling.question, "undecided", daemon.unread[0], ())


class _Listener:
    """One port, and what becomes of those who connect to it."""

    def __init__(self, daemon: Daemon, port: int, own: tuple[str, ...]) -> None:
        self._daemon = daemon
        self._port = port
        self._security = Security(daemon, port)
        self._login = Login(daemon, port, self._security)
        self._own = own

    def rulings(self) -> Iterator[Ruling]:
        yield from self._security.rulings()
        yield from self._login.rulings()
        relay, local = self._relay(), self._local()
        yield relay
        yield local
        yield self._in_tls_only()
        yield self._trusted_only(relay, local)
        if any(self._login.offered(encrypted=e)[0] for e in self._security.sessions()):
            yield self._sender_of_others()
        yield from self._conduct()

    # --- who may send what ---

    def _best(self, *clients: Client) -> Course:
        """The most that any of these clients gets; where all are refused, the last one's course."""
        courses = [Walk(self._daemon, client).message() for client in clients]
        for fate in (Fate.ACCEPTED, Fate.OPEN):
            for course in courses:
                if course.fate is fate:
                    return course
        return courses[-1]

    def _relay(self) -> Ruling:
        """Mail of a stranger to a domain of others."""
        clients = [Client(self._port, encrypted) for encrypted in self._security.sessions()]
        turned = self._turned_away()
        if turned is not None:
            return Ruling(Question.RELAY, "no", turned.why, turned.lines)
        course = self._best(*clients)
        if course.fate is Fate.ACCEPTED:
            onward = takes_foreign(self._daemon, clients[0])
            if onward.truth is Truth.NO and not self._daemon.unread:
                why = (
                    f"{course.why}; {onward.why}, so its bounce goes to a sender who may be forged"
                )
                return Ruling(Question.RELAY, "yes", why, course.lines)
        if course.fate is Fate.REFUSED:
            hidden = self._hidden()
            if hidden is not None:
                return hidden
        return Ruling(Question.RELAY, _ANSWER[course.fate], course.why, course.lines)

    def _hidden(self) -> Ruling | None:
        """A domain of others behind an own one, as in `user%domain@here`."""
        for domain in self._own:
            for local_part in HIDDEN:
                client = Client(self._port, self._security.implicit, domain, local_part)
                for certain, why, lines in rewrites(self._daemon, client):
                    course = Walk(self._daemon, client).message()
                    if course.fate is Fate.REFUSED:
                        continue
                    sure = course.fate is Fate.ACCEPTED and certain is Truth.YES
                    told = tuple(dict.fromkeys((*course.lines, *lines)))
                    return Ruling(Question.RELAY, "yes" if sure else "undecided", why, told)
        return None

    def _turned_away(self) -> Course | None:
        """What refuses every stranger at once."""
        option = self._daemon.config.options.get("host_reject_connection")
        if option is None:
            return None
        text = ListText("host", option.value, option)
        found = Matcher(self._daemon, Client(self._port, encrypted=False)).match(text)
        if found.truth is not Truth.YES:
            return None
        return Course(Fate.REFUSED, "host_reject_connection refuses all strangers", option.lines)

    def _local(self) -> Ruling:
        """Mail of a stranger to a domain that this host takes mail for."""
        turned = self._turned_away()
        if turned is None and not self._own:
            course = self._best(*self._strangers("own-domain-nobody-names.test"))
            if course.fate is Fate.REFUSED and not self._refuses_all():
                why = "which domains it takes mail for, its files don't tell"
                course = Course(Fate.OPEN, why, course.lines)
        else:
            course = turned or self._best(*self._strangers(*self._own))
        answered = _ANSWER[course.fate]
        return Ruling(Question.LOCAL_WITHOUT_LOGIN, answered, course.why, course.lines)

    def _refuses_all(self) -> bool:
        return not self._daemon.raw("acl_smtp_rcpt")

    def _strangers(self, *domains: str) -> list[Client]:
        return [
            Client(self._port, encrypted, domain)
            for encrypted in self._security.sessions()
            for domain in domains
        ]

    def _in_tls_only(self) -> Ruling:
        """Whether no mail at all gets through outside TLS."""
        question = Question.TLS_REQUIRED
        if self._security.implicit:
            lines = self._daemon.lines("tls_on_connect_ports")
            return Ruling(question, "yes", "the session begins with TLS", lines)
        in_clear = [Client(self._port, False, domain) for domain in (FOREIGN, *self._own)]
        if self._login.offered(encrypted=False)[0] is not False:
            in_clear += [
                Client(self._port, False, domain, None, f"{_USER}@{domain}", f"{_USER}@{domain}")
                for domain in (FOREIGN, *self._own)
            ]
        course = self._turned_away() or self._best(*in_clear)
        answers: dict[Fate, Answer]
        answers = {Fate.ACCEPTED: "no", Fate.REFUSED: "yes", Fate.OPEN: "undecided"}
        return Ruling(question, answers[course.fate], course.why, course.lines)

    def _trusted_only(self, relay: Ruling, local: Ruling) -> Ruling:
        question = Question.ONLY_TRUSTED_CLIENTS
        logins = any(self._login.offered(encrypted=e)[0] for e in self._security.sessions())
        if logins:
            return Ruling(question, "no", "users may log in from anywhere", local.lines)
        for ruling in (local, relay):
            if ruling.answer != "no":
                told: Answer = "no" if ruling.answer == "yes" else "undecided"
                return Ruling(question, told, ruling.why, ruling.lines)
        return Ruling(question, "yes", local.why, local.lines)

    def _sender_of_others(self) -> Ruling:
        """A user who writes as another one, to a domain of others."""
        domain = self._own[0] if self._own else "own-domain-nobody-names.test"
        encrypted = self._security.sessions()[-1]
        user, other = f"{_USER}@{domain}", f"another@{domain}"
        course = Walk(
            self._daemon, Client(self._port, encrypted, FOREIGN, None, other, user)
        ).message()
        answered = _ANSWER[course.fate]
        return Ruling(Question.SENDER_OF_OTHERS, answered, course.why, course.lines)

    # --- manners ---

    def _conduct(self) -> Iterator[Ruling]:
        holds, why = takes_bare_newlines(self._daemon.build)
        yield Ruling(Question.BARE_NEWLINE, answer(holds), why, ())
        name = "smtp_enforce_sync"
        strict = self._daemon.switch(name)
        why = f"{name} = {self._daemon.raw(name)}"
        lines = self._daemon.lines(name)
        yield Ruling(Question.EARLY_PIPELINING, answer(not strict), why, lines)
        domain = self._own[0] if self._own else FOREIGN
        client = Client(self._port, self._security.implicit, domain)
        course = Walk(self._daemon, client).command("acl_smtp_vrfy")
        yield Ruling(Question.VRFY, _ANSWER[course.fate], course.why, course.lines)
        banner = self._daemon.raw("smtp_banner")
        shows = re.search(r"\$\{?(version_number|exim_version)|Exim \d", banner) is not None
        lines = self._daemon.lines("smtp_banner")
        why = f"smtp_banner = {shortened(banner)}"
        yield Ruling(Question.VERSION_SHOWN, answer(shows), why, lines)
