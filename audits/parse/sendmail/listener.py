"""Where Sendmail listens, and what TLS and logins each daemon has."""

from collections.abc import Iterator
from ipaddress import ip_address

from audits.facts.mta import Answer, ConfiguredListener, Mta, Question, Ruling
from audits.parse.cipher_list import is_weak
from audits.parse.sendmail.relay import RelayRules
from audits.parse.sendmail.source import Daemon, Source, daemons

_PORTS = {"smtp": 25, "smtps": 465, "submission": 587, "submissions": 465, "urd": 465}
_PASSWORDS = frozenset({"PLAIN", "LOGIN"})
_MECHANISMS = "confAUTH_MECHANISMS"
_SSL_OPTIONS = "confSERVER_SSL_OPTIONS"
_BANNER = "$j Sendmail $v/$Z; $b"
# The first version that takes CRLF.CRLF alone for the end of a message.
_STRICT_NEWLINE_SINCE = (8, 18)


def listeners(source: Source, rules: RelayRules, instance: str) -> Iterator[ConfiguredListener]:
    """Every daemon of the configuration."""
    for daemon in daemons(source):
        port = port_of(daemon)
        if port is None:
            continue
        addresses = (daemon.address.strip("[]"),) if daemon.address else ()
        addresses = ("127.0.0.1",) if addresses == ("localhost",) else addresses
        if {"0.0.0.0", "::"} & set(addresses):
            addresses = ()
        yield ConfiguredListener(
            mta=Mta.SENDMAIL,
            instance=instance,
            name=f"{daemon.name} port {port}",
            addresses=addresses,
            port=port,
            loopback=bool(addresses) and all(map(_is_loopback, addresses)),
            line=daemon.line,
            rulings=tuple(_Rulings(source, daemon).all(rules)),
        )


def port_of(daemon: Daemon) -> int | None:
    """The port by number or name; None for what is neither."""
    port = daemon.port.lower()
    if port.isdecimal() and 0 < int(port[:6]) < 65536:
        return int(port)
    return _PORTS.get(port)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.lower().removeprefix("ipv6:")).is_loopback
    except ValueError:
        return False


def _answer(holds: bool) -> Answer:
    return "yes" if holds else "no"


class _Rulings:
    """What holds for one daemon."""

    def __init__(self, source: Source, daemon: Daemon) -> None:
        self._source = source
        self._daemon = daemon
        self._modifiers = f"M={daemon.modifiers}" if daemon.modifiers else "no modifiers"
        if daemon.line is None:
            self._modifiers += ", which Sendmail has by itself"
        self._wrapped = "s" in daemon.modifiers
        self._login = "a" in daemon.modifiers and "A" not in daemon.modifiers
        self._certified = bool(source.option("confSERVER_CERT") and source.option("confSERVER_KEY"))

    def all(self, rules: RelayRules) -> Iterator[Ruling]:
        yield from self._tls()
        yield from self._authentication()
        yield from self._mail(rules)
        yield from self._conduct()

    def _say(self, question: Question, answer: Answer, why: str, *options: str) -> Ruling:
        """A ruling with the daemon's own line, then those of options."""
        line = self._daemon.line
        lines = (*((line,) if line else ()), *self._source.lines(*options))
        return Ruling(question, answer, why, lines)

    def _by(self, question: Question, answer: Answer, why: str, *options: str) -> Ruling:
        """A ruling that options alone give."""
        return Ruling(question, answer, why, self._source.lines(*options))

    # --- TLS ---

    def _tls(self) -> Iterator[Ruling]:
        certificate = ("confSERVER_CERT", "confSERVER_KEY")
        hidden = "S" in self._daemon.modifiers
        if not self._certified:
            why = "confSERVER_CERT and confSERVER_KEY name no certificate and key"
            yield self._by(Question.STARTTLS, "no", why, *certificate)
        else:
            offered = not hidden and not self._wrapped
            yield self._say(Question.STARTTLS, _answer(offered), self._modifiers)
        yield self._say(Question.IMPLICIT_TLS, _answer(self._wrapped), self._modifiers)
        yield self._required()
        if self._wrapped or (self._certified and not hidden):
            why = f"confSERVER_CERT = {self._source.option('confSERVER_CERT') or '(undefined)'}"
            yield self._by(Question.TLS_WORKS, _answer(self._certified), why, *certificate)
            yield self._old()
            ciphers = self._source.option("confCIPHER_LIST")
            why = f"confCIPHER_LIST = {ciphers or '(undefined)'}"
            yield self._by(Question.WEAK_CIPHERS, _answer(is_weak(ciphers)), why, "confCIPHER_LIST")

    def _required(self) -> Ruling:
        question = Question.TLS_REQUIRED
        if self._wrapped:
            return self._say(question, "yes", self._modifiers)
        if self._login and self._certified and self._guarded() and self._only_passwords():
            why = "M=a takes no mail before a login, and passwords are taken inside TLS only"
            return self._say(question, "yes", why, "confAUTH_OPTIONS", _MECHANISMS)
        return self._say(question, "no", self._modifiers)

    def _old(self) -> Ruling:
        options = set(self._source.option(_SSL_OPTIONS).replace("+", " ").split())
        if {"SSL_OP_NO_TLSv1", "SSL_OP_NO_TLSv1_1"} <= options:
            why = f"{_SSL_OPTIONS} leaves TLS 1.0 and 1.1 out"
            return self._by(Question.OLD_TLS, "no", why, _SSL_OPTIONS)
        why = f"{_SSL_OPTIONS} leaves it to OpenSSL's own configuration"
        return self._by(Question.OLD_TLS, "undecided", why, _SSL_OPTIONS)

    # --- logins ---

    def _mechanisms(self) -> set[str]:
        return {word.upper() for word in self._source.words(_MECHANISMS)}

    def _guarded(self) -> bool:
        """Whether `p` keeps passwords inside TLS; the flag `A` alone does not."""
        return "p" in self._source.option("confAUTH_OPTIONS")

    def _only_passwords(self) -> bool:
        return bool(self._mechanisms()) and self._mechanisms() <= _PASSWORDS

    def _authentication(self) -> Iterator[Ruling]:
        offers = bool(self._mechanisms() or self._source.mechanisms)
        if "A" in self._daemon.modifiers:
            yield self._say(Question.AUTH, "no", self._modifiers)
            yield self._say(Question.AUTH_IN_CLEAR, "no", self._modifiers)
            return
        if self._login or offers:
            why = f"{_MECHANISMS} = {self._source.option(_MECHANISMS) or '(undefined)'}"
            yield self._say(Question.AUTH, "yes", why, _MECHANISMS)
        else:
            why = "whether Sendmail was built with SASL is not said in its files"
            yield self._say(Question.AUTH, "undecided", why)
        yield self._in_clear()
        if not (self._login or offers):
            return
        anonymous = "ANONYMOUS" in self._mechanisms()
        shut = "y" in self._source.option("confAUTH_OPTIONS")
        why = f"{_MECHANISMS} has {'' if anonymous else 'no '}ANONYMOUS"
        answer = _answer(anonymous and not shut)
        yield self._by(Question.AUTH_PROVES_NOTHING, answer, why, _MECHANISMS, "confAUTH_OPTIONS")
        why = "rules that compare sender and login are code of their own, which is not followed"
        yield self._say(Question.SENDER_OF_OTHERS, "undecided", why)
        why = "Sendmail slows nothing down; whether something outside it does, it can't say"
        yield self._say(Question.AUTH_THROTTLED, "undecided", why)

    def _in_clear(self) -> Ruling:
        question, options = Question.AUTH_IN_CLEAR, self._source.option("confAUTH_OPTIONS")
        if self._wrapped:
            return self._say(question, "no", self._modifiers)
        named = sorted(self._mechanisms() & _PASSWORDS)
        if not named:
            why = "neither PLAIN nor LOGIN is a mechanism"
            return self._by(question, "no", why, _MECHANISMS)
        why = f"{' and '.join(named)}, with confAUTH_OPTIONS = {options or '(undefined)'}"
        names = ("confAUTH_OPTIONS", _MECHANISMS)
        return self._by(question, _answer(not self._guarded()), why, *names)

    # --- mail ---

    def _mail(self, rules: RelayRules) -> Iterator[Ruling]:
        if self._login:
            why = "M=a takes no mail before a login"
            for question in (Question.RELAY, Question.LOCAL_WITHOUT_LOGIN):
                yield self._say(question, "no", why)
        else:
            yield rules.ruling()
            yield self._say(Question.LOCAL_WITHOUT_LOGIN, "yes", self._modifiers)
        yield self._say(Question.ONLY_TRUSTED_CLIENTS, "no", "every client may connect")

    def _conduct(self) -> Iterator[Ruling]:
        name = "confPRIVACY_FLAGS"
        flags = {flag.lower() for flag in self._source.words(name)}
        hidden = bool({"goaway", "novrfy"} & flags)
        why = f"{name} = {self._source.option(name) or '(undefined)'}"
        yield self._by(Question.VRFY, _answer(not hidden), why, name)
        name = "confSMTP_LOGIN_MSG"
        banner = self._source.option(name) or _BANNER
        shows = "$v" in banner or "$Z" in banner
        yield self._by(Question.VERSION_SHOWN, _answer(shows), f"{name} = {banner}", name)
        if self._source.version:
            strict = self._source.version >= _STRICT_NEWLINE_SINCE
            version = ".".join(map(str, self._source.version))
            why = f"version {version}; since 8.18 CRLF alone ends a line"
            yield self._by(Question.BARE_NEWLINE, _answer(not strict), why)
        else:
            why = "which version this is was not said; since 8.18 CRLF alone ends a line"
            yield self._by(Question.BARE_NEWLINE, "undecided", why)
