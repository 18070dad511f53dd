"""TLS and AUTH of a Postfix listener, as smtpd(8) settles them (TLS_README, SASL_README)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.facts.mta import Answer, Question, Ruling
from audits.parse.cipher_list import is_weak
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.network import everybody
from audits.parse.postfix.scope import Scope, split
from audits.parse.postfix.table import is_table, read_table

_ENFORCING = frozenset({"encrypt", "verify", "secure", "fingerprint", "dane", "dane-only"})
_VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_ORDER = {name.lower(): place for place, name in enumerate(_VERSIONS)}
# `>=0303`, the number of TLS 1.2 on the wire (RFC 5246 section 6.2.1).
_ON_THE_WIRE = re.compile(r"(?:0x)?030([0-4])")
_LIMIT = re.compile(r"([<>]=)\s+")
_OLD = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
_WEAK_GRADES = frozenset({"export", "low", "null"})
_CERTIFICATES = ("smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file")
_HIDING = "smtpd_discard_ehlo_keywords"
_HIDING_FROM = "smtpd_discard_ehlo_keyword_address_maps"
_HIDING_LOGINS = "smtpd_sasl_exceptions_networks"
GRADES = frozenset({"export", "low", "medium", "high", "null"})


def answer(holds: bool | None) -> Answer:
    """An answer in words; None is left open."""
    if holds is None:
        return "undecided"
    return "yes" if holds else "no"


def ruling(
    scope: Scope, question: Question, *, holds: bool | None, why: str, by: tuple[str, ...]
) -> Ruling:
    """An answer with the lines of the parameters that give it; None for one left open."""
    return Ruling(question, answer(holds), why, scope.lines(*by))


class Security:
    """Whether a listener has TLS, and how; raises ParseError on values that can't be expanded.

    level: what decides, as `name = value`. by: the parameters that do.
    """

    def __init__(self, scope: Scope, tree: ConfigTree) -> None:
        self.scope = scope
        self.wrapped = scope.says_yes("smtpd_tls_wrappermode")
        self.enforced = self.wrapped
        self.on = self.wrapped
        self.by: tuple[str, ...] = ("smtpd_tls_wrappermode",)
        level = scope.value("smtpd_tls_security_level").lower()
        self.level = f"smtpd_tls_security_level = {level}".rstrip()
        if self.wrapped:
            self.level = "smtpd_tls_wrappermode = yes"
        elif level:
            self.by = ("smtpd_tls_security_level",)
            self.enforced = level in _ENFORCING
            self.on = self.enforced or level == "may"
        else:
            self.by = ("smtpd_tls_security_level", "smtpd_use_tls", "smtpd_enforce_tls")
            self.enforced = scope.says_yes("smtpd_enforce_tls")
            self.on = self.enforced or scope.says_yes("smtpd_use_tls")
        self.hidden = _hidden(scope, tree)
        kind = "mandatory_" if self.enforced else ""
        self._protocols = f"smtpd_tls_{kind}protocols"
        self._ciphers_of = f"smtpd_tls_{kind}ciphers"

    def rulings(self) -> Iterator[Ruling]:
        yield self._starttls()
        yield self._say(Question.IMPLICIT_TLS, self.wrapped, self.level, self.by)
        yield self._say(Question.TLS_REQUIRED, self.enforced, self.level, self.by)
        if self.on:
            yield self._works()
            yield from self._versions()
            yield self._ciphers()
        yield from self._login()

    def _say(self, question: Question, holds: bool | None, why: str, by: tuple[str, ...]) -> Ruling:
        return ruling(self.scope, question, holds=holds, why=why, by=by)

    def _starttls(self) -> Ruling:
        offered = self.on and not self.wrapped
        if offered and "starttls" in self.hidden.words:
            why = f"{self.hidden.by} leaves STARTTLS out of the reply to EHLO"
            return self._say(Question.STARTTLS, False, why, (self.hidden.by,))
        if offered and self.hidden.open:
            return self._say(Question.STARTTLS, None, self.hidden.open, (_HIDING_FROM,))
        return self._say(Question.STARTTLS, offered, self.level, self.by)

    def _works(self) -> Ruling:
        named = [name for name in _CERTIFICATES if self.scope.value(name)]
        if not named:
            why = f"{', '.join(_CERTIFICATES[:2])} name no certificate: STARTTLS gets 454"
            return self._say(Question.TLS_WORKS, False, why, self.by)
        value = self.scope.value(named[0])
        if value.lower() == "none":
            why = f"{named[0]} = none: only anonymous ciphers, which senders refuse"
            return self._say(Question.TLS_WORKS, False, why, (named[0],))
        for name, reason in self._switched_off():
            why = f"{name} = {self.scope.value(name)}: {reason}"
            return self._say(Question.TLS_WORKS, False, why, (name,))
        return self._say(Question.TLS_WORKS, True, f"{named[0]} = {value}", (named[0],))

    def _switched_off(self) -> Iterator[tuple[str, str]]:
        """Parameters that leave no handshake to succeed; smtpd says so in its log, and serves."""
        value = self.scope.value(self._protocols)
        unknown = unknown_protocols(value)
        if unknown:
            yield self._protocols, f"`{unknown[0]}` is no version, which switches TLS off"
        elif not protocols(value):
            yield self._protocols, "no version is left"
        if self.scope.value(self._ciphers_of).lower() not in GRADES:
            yield self._ciphers_of, "no such grade, and every handshake fails"

    def _versions(self) -> Iterator[Ruling]:
        name = self._protocols
        value = self.scope.value(name)
        if unknown_protocols(value):
            return
        spoken = protocols(value)
        old = [version for version in _OLD if version in spoken]
        why = f"{name} = {value}"
        by = (name, *self.by)
        yield self._say(Question.OLD_TLS, bool(old), why, by)
        yield self._say(Question.TLS_1_3, "TLSv1.3" in spoken, why, by)

    def _ciphers(self) -> Ruling:
        name = self._ciphers_of
        grade = self.scope.value(name).lower()
        if grade in _WEAK_GRADES:
            return self._say(Question.WEAK_CIPHERS, True, f"{name} = {grade}", (name,))
        of_grade = f"tls_{grade}_cipherlist"
        ciphers = self.scope.value(of_grade)
        if self.scope.line(of_grade) is not None and is_weak(ciphers):
            return self._say(
                Question.WEAK_CIPHERS, True, f"{of_grade} = {ciphers}", (of_grade, name)
            )
        return self._say(Question.WEAK_CIPHERS, False, f"{name} = {grade}", (name,))

    def _login(self) -> Iterator[Ruling]:
        switch, only = "smtpd_sasl_auth_enable", "smtpd_tls_auth_only"
        enabled = self.scope.says_yes(switch)
        if not enabled:
            for question in (Question.AUTH, Question.AUTH_IN_CLEAR):
                yield self._say(question, False, f"{switch} = no", (switch,))
            return
        auth_only = self.scope.says_yes(only)
        if auth_only and not self.on:
            why = f"{only} = yes, and there is no TLS"
            yield self._say(Question.AUTH, False, why, (only, *self.by))
        elif "auth" in self.hidden.words:
            why = f"{self.hidden.by} leaves AUTH out, and refuses it"
            yield self._say(Question.AUTH, False, why, (self.hidden.by,))
            yield self._say(Question.AUTH_IN_CLEAR, False, why, (self.hidden.by,))
            return
        elif self.hidden.open:
            yield self._say(Question.AUTH, None, self.hidden.open, (_HIDING_FROM,))
        elif everybody(self.scope.words(_HIDING_LOGINS)):
            why = f"{_HIDING_LOGINS} hides AUTH from everybody, and refuses it to nobody"
            yield self._say(Question.AUTH, False, why, (_HIDING_LOGINS,))
        else:
            yield self._say(Question.AUTH, True, f"{switch} = yes", (switch,))
        if self.enforced:
            yield self._say(Question.AUTH_IN_CLEAR, False, self.level, self.by)
        else:
            why = f"{only} = {'yes' if auth_only else 'no'}"
            yield self._say(Question.AUTH_IN_CLEAR, not auth_only, why, (switch, only))
        yield self._anonymous()

    def _anonymous(self) -> Ruling:
        names = ["smtpd_sasl_security_options"]
        if self.on:
            names.append("smtpd_sasl_tls_security_options")
        for name in names:
            options = {word.lower() for word in self.scope.words(name)}
            if "noanonymous" not in options:
                why = f"{name} does not rule ANONYMOUS out"
                return self._say(Question.AUTH_PROVES_NOTHING, True, why, (name,))
        return self._say(
            Question.AUTH_PROVES_NOTHING, False, f"{names[0]} has noanonymous", (names[0],)
        )


@dataclass(frozen=True)
class _Hidden:
    """EHLO keywords that strangers don't get to see, lower case, and the parameter that says so.

    open: why there may be others, else None.
    """

    words: frozenset[str]
    by: str
    open: str | None = None


def _hidden(scope: Scope, tree: ConfigTree) -> _Hidden:
    """What a table says of a client goes before the list for all."""
    unread: str | None = None
    for name in scope.words(_HIDING_FROM):
        asked_at = scope.line_with(_HIDING_FROM, name)
        if asked_at is None or not is_table(name):
            continue
        table = read_table(name, tree, asked_at)
        unread = unread or table.unread
        for entry in table.entries:
            if entry.every:
                return _Hidden(frozenset(map(str.lower, split(entry.value))), _HIDING_FROM, unread)
    return _Hidden(frozenset(map(str.lower, scope.words(_HIDING))), _HIDING, unread)


def _names(value: str) -> list[str]:
    """The words of a list of protocols; what follows `>=` may stand apart from it."""
    return _LIMIT.sub(r"\1", value).replace(",", " ").replace(":", " ").split()


def _version(name: str) -> int | None:
    """The place of a version among all, by its name or its number on the wire."""
    number = _ON_THE_WIRE.fullmatch(name)
    if number is not None:
        return 1 + int(number[1])
    return _ORDER.get(name.lower())


def protocols(value: str) -> frozenset[str]:
    """The versions that a list of protocols leaves: `>=TLSv1.2`, `!SSLv3`, `TLSv1.2 TLSv1.3`.

    Words that name no version are left out here; they are a problem of their own.
    """
    lowest, highest = 0, len(_VERSIONS) - 1
    named: set[int] = set()
    barred: set[int] = set()
    for word in _names(value):
        place = _version(word.lstrip("!<>="))
        if place is None:
            continue
        if word.startswith(">="):
            lowest = place
        elif word.startswith("<="):
            highest = place
        elif word.startswith("!"):
            barred.add(place)
        else:
            named.add(place)
    spoken = (named or set(_ORDER.values())) - barred
    # No OpenSSL since 1.1.0 has SSL 2.
    return frozenset(_VERSIONS[p] for p in spoken if max(lowest, 1) <= p <= highest)


def unknown_protocols(value: str) -> list[str]:
    """The words of a list of protocols that name no version."""
    return [word for word in _names(value) if _version(word.lstrip("!<>=")) is None]
