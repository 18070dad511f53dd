"""TLS of an Exim listener: whether it has any, and what it speaks (chapter 42)."""

import re
from collections.abc import Iterator

from audits.facts.mta import Answer, ConfigLine, Question, Ruling
from audits.parse.cipher_list import is_weak
from audits.parse.exim.daemon import Client, Daemon, Truth, settled
from audits.parse.exim.match import ListText, Matcher
from audits.parse.exim.source import shortened

_CERTIFIES_ITSELF_SINCE = (4, 89)
_GNUTLS = re.compile(
    r"^\s*(?:NORMAL|SECURE\d*|PFS|PERFORMANCE|NONE|LEGACY|SUITEB\d+|@)|VERS-", re.IGNORECASE
)
_OPENSSL = re.compile(r"^\s*(?:ECDHE|DHE|AES|HIGH|ALL|DEFAULT|MEDIUM|EECDH|TLS_|!)|@SECLEVEL")
_VERSIONS = ("TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3")
_OLD = frozenset({"TLS1.0", "TLS1.1"})
_OPENSSL_NAMES = {
    "no_tlsv1": "TLS1.0",
    "no_tlsv1_1": "TLS1.1",
    "no_tlsv1_2": "TLS1.2",
    "no_tlsv1_3": "TLS1.3",
}
_WEAK_PRIORITY = re.compile(r"\+(?:NULL|ANON|ARCFOUR|RC4|3DES|DES|MD5)|^EXPORT|\+EXPORT", re.I)
_CIPHERS, _OPTIONS = "tls_require_ciphers", "openssl_options"


def answer(holds: bool | None) -> Answer:
    """An answer in words; None is left open."""
    if holds is None:
        return "undecided"
    return "yes" if holds else "no"


class Security:
    """Whether a listener has TLS, and how.

    implicit: it begins with the connection. offered: STARTTLS is announced to a stranger; None
    where that can't be decided.
    """

    def __init__(self, daemon: Daemon, port: int) -> None:
        self._daemon = daemon
        self._port = port
        self._client = Client(port, encrypted=False)
        self.implicit = port in ports(daemon, "tls_on_connect_ports")
        self.offered, self._offered_why, self._offered_by = self._advertised()

    @property
    def on(self) -> bool:
        return self.implicit or self.offered is not False

    def sessions(self) -> list[bool]:
        """Whether a client's session is encrypted: every way in which there can be one."""
        if self.implicit:
            return [True]
        return [False, True] if self.on else [False]

    def rulings(self) -> Iterator[Ruling]:
        """STARTTLS, TLS from the start, and what is spoken."""
        name = "tls_on_connect_ports"
        why = f"{name} = {self._daemon.raw(name)}".rstrip()
        lines = self._daemon.lines(name)
        if self.implicit:
            yield Ruling(Question.STARTTLS, "no", f"{why}: it begins with TLS", lines)
        else:
            told = answer(self.offered)
            yield Ruling(Question.STARTTLS, told, self._offered_why, self._offered_by)
        lines = lines or self._daemon.lines("daemon_smtp_ports")
        yield Ruling(Question.IMPLICIT_TLS, answer(self.implicit), why, lines)
        if self.on:
            works = self._works()
            yield works
            if works.answer == "yes":
                yield from self._versions()
                yield self._weak()

    def _advertised(self) -> tuple[bool | None, str, tuple[ConfigLine, ...]]:
        name = "tls_advertise_hosts"
        option = self._daemon.config.options.get(name)
        lines = self._daemon.lines(name)
        why = f"{name} = {shortened(self._daemon.raw(name))}".rstrip()
        if option is None:
            return self._daemon.raw(name) == "*", why, lines
        found = Matcher(self._daemon, self._client).match(ListText("host", option.value, option))
        if found.truth is Truth.OPEN:
            return None, found.why, (*lines, *found.lines)
        return found.truth is Truth.YES, why, tuple(dict.fromkeys((*lines, *found.lines)))

    def _works(self) -> Ruling:
        name = "tls_certificate"
        lines = self._daemon.lines(name)
        value = self._daemon.raw(name)
        ciphers = self._daemon.raw(_CIPHERS)
        if self._daemon.build.library == "GnuTLS" and _OPENSSL.search(ciphers):
            why = f"{_CIPHERS} = {shortened(ciphers)} is a list for OpenSSL, and this is GnuTLS"
            return Ruling(Question.TLS_WORKS, "no", why, self._daemon.lines(_CIPHERS))
        if value.strip():
            return Ruling(Question.TLS_WORKS, "yes", f"{name} = {shortened(value)}", lines)
        if self._daemon.build.number >= _CERTIFIES_ITSELF_SINCE:
            why = f"{name} is not set: Exim makes a certificate of its own, which nobody trusts"
            return Ruling(Question.TLS_WORKS, "yes", why, lines)
        why = f"{name} is not set, and this version makes none of its own"
        return Ruling(Question.TLS_WORKS, "no", why, lines)

    # --- versions ---

    def _versions(self) -> Iterator[Ruling]:
        spoken, why, lines = self._spoken()
        for question, holds in (
            (Question.OLD_TLS, None if spoken is None else bool(spoken & _OLD)),
            (Question.TLS_1_3, None if spoken is None else "TLS1.3" in spoken),
        ):
            yield Ruling(question, answer(holds), why, lines)

    def _spoken(self) -> tuple[frozenset[str] | None, str, tuple[ConfigLine, ...]]:
        """The versions of TLS; None where the library's own policy or an expansion decides."""
        ciphers = self._daemon.value(_CIPHERS, self._client)
        lines = self._daemon.lines(_CIPHERS)
        if ciphers.text is None:
            return None, settled(ciphers, _CIPHERS).why, lines
        if self._library(ciphers.text) == "GnuTLS":
            return *_by_priority(ciphers.text), lines
        if self._library(ciphers.text) == "OpenSSL":
            return self._by_options()
        why = "which library Exim was built with, its files don't say, and with it what it speaks"
        return None, why, (*lines, *self._daemon.lines(_OPTIONS))

    def _library(self, ciphers: str) -> str | None:
        if self._daemon.build.library:
            return self._daemon.build.library
        if _GNUTLS.search(ciphers):
            return "GnuTLS"
        if _OPENSSL.search(ciphers) or _OPTIONS in self._daemon.config.options:
            return "OpenSSL"
        return None

    def _by_options(self) -> tuple[frozenset[str] | None, str, tuple[ConfigLine, ...]]:
        """What OpenSSL's options leave; what they don't forbid is the library's own matter."""
        value = self._daemon.raw(_OPTIONS)
        lines = self._daemon.lines(_OPTIONS)
        barred = set[str]()
        for sign, word in re.findall(r"([+-])\s*(\w+)", value):
            version = _OPENSSL_NAMES.get(word.lower())
            if version and sign == "+":
                barred.add(version)
            elif version:
                barred.discard(version)
        why = f"{_OPTIONS} = {shortened(value)}"
        if not barred >= _OLD:
            return None, f"{why}; what OpenSSL allows beside it, files don't tell", lines
        return frozenset(_VERSIONS) - barred, why, lines

    def _weak(self) -> Ruling:
        ciphers = self._daemon.value(_CIPHERS, self._client)
        lines = self._daemon.lines(_CIPHERS)
        if ciphers.text is None:
            why = settled(ciphers, _CIPHERS).why
            return Ruling(Question.WEAK_CIPHERS, "undecided", why, lines)
        why = f"{_CIPHERS} = {shortened(ciphers.text)}".rstrip()
        if self._library(ciphers.text) == "GnuTLS":
            weak = any(_WEAK_PRIORITY.search(w) for w in re.split("[:,; ]", ciphers.text))
        else:
            weak = bool(ciphers.text) and is_weak(ciphers.text)
        return Ruling(Question.WEAK_CIPHERS, answer(weak), why, lines)


def _by_priority(text: str) -> tuple[frozenset[str] | None, str]:
    """The versions that a GnuTLS priority string leaves."""
    why = f"{_CIPHERS} = {shortened(text)}" if text.strip() else f"{_CIPHERS} is not set"
    if text.lstrip().startswith("@"):
        return None, f"{why}, which the system's policy gives its meaning"
    if not text.strip():
        return frozenset(_VERSIONS), f"{why}: GnuTLS then speaks TLS 1.0 and 1.1 too"
    words = [word.strip().upper() for word in re.split("[:,; ]", text) if word.strip()]
    spoken = set() if words[0] == "NONE" else set(_VERSIONS)
    for word in words:
        sign, name = word[:1], word[1:].removeprefix("VERS-")
        if not word[1:].startswith("VERS-"):
            continue
        named = set(_VERSIONS) if name in ("ALL", "TLS-ALL") else {name} & set(_VERSIONS)
        spoken = spoken | named if sign == "+" else spoken - named
    return frozenset(spoken), why


_NAMED_PORTS = {"smtp": 25, "smtps": 465, "ssmtp": 465, "submissions": 465, "submission": 587}


def ports(daemon: Daemon, name: str) -> tuple[int, ...]:
    """The ports of an option in their order, each once; names that are none are left out."""
    outcome = daemon.value(name, Client(25, encrypted=False))
    words = re.split(r"[\s:;,]+", (outcome.text or "").lstrip("< "))
    found = (
        _NAMED_PORTS.get(w.lower()) or (int(w) if re.fullmatch(r"\d{1,5}", w) else 0) for w in words
    )
    return tuple(dict.fromkeys(port for port in found if 0 < port < 65536))
