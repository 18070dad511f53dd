"""TLS and AUTH of a Postfix listener, as smtpd(8) settles them (TLS_README, SASL_README)."""

from collections.abc import Iterator

from audits.facts.mta import Answer, Question, Ruling
from audits.parse.postfix.scope import Scope

_ENFORCING = frozenset({"encrypt", "verify", "secure", "fingerprint", "dane", "dane-only"})
_VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_OLD = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
_WEAK_GRADES = frozenset({"export", "low", "null"})
_WEAK_WORDS = ("ALL", "COMPLEMENTOFALL", "LOW", "EXPORT", "RC4", "3DES", "DES", "MD5", "NULL")
_CERTIFICATES = ("smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file")
_HIDING = "smtpd_discard_ehlo_keywords"


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

    def __init__(self, scope: Scope) -> None:
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
        self.hidden = {word.lower() for word in scope.words(_HIDING)}

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
        if offered and "starttls" in self.hidden:
            why = f"{_HIDING} leaves STARTTLS out of the reply to EHLO"
            return self._say(Question.STARTTLS, False, why, (_HIDING,))
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
        return self._say(Question.TLS_WORKS, True, f"{named[0]} = {value}", (named[0],))

    def _versions(self) -> Iterator[Ruling]:
        kind = "mandatory_" if self.enforced else ""
        name = f"smtpd_tls_{kind}protocols"
        value = self.scope.value(name)
        spoken = protocols(value)
        old = [version for version in _OLD if version in spoken]
        why = f"{name} = {value}"
        by = (name, *self.by)
        yield self._say(Question.OLD_TLS, bool(old), why, by)
        yield self._say(Question.TLS_1_3, "TLSv1.3" in spoken, why, by)

    def _ciphers(self) -> Ruling:
        kind = "mandatory_" if self.enforced else ""
        name = f"smtpd_tls_{kind}ciphers"
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
        elif "auth" in self.hidden:
            yield self._say(Question.AUTH, False, f"{_HIDING} leaves AUTH out", (_HIDING,))
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


def protocols(value: str) -> frozenset[str]:
    """The versions that a list of protocols leaves: `>=TLSv1.2`, `!SSLv3`, `TLSv1.2 TLSv1.3`.

    Words that name no version are left out here; they are a problem of their own.
    """
    order = {name.lower(): place for place, name in enumerate(_VERSIONS)}
    lowest, highest = 0, len(_VERSIONS) - 1
    named: set[int] = set()
    barred: set[int] = set()
    for word in value.replace(",", " ").replace(":", " ").split():
        name = word.lstrip("!<>=").lower()
        if name not in order:
            continue
        if word.startswith(">="):
            lowest = order[name]
        elif word.startswith("<="):
            highest = order[name]
        elif word.startswith("!"):
            barred.add(order[name])
        else:
            named.add(order[name])
    spoken = (named or set(order.values())) - barred
    # No OpenSSL since 1.1.0 has SSL 2.
    return frozenset(_VERSIONS[p] for p in spoken if max(lowest, 1) <= p <= highest)


def unknown_protocols(value: str) -> list[str]:
    """The words of a list of protocols that name no version."""
    known = {name.lower() for name in _VERSIONS}
    words = value.replace(",", " ").replace(":", " ").split()
    return [word for word in words if word.lstrip("!<>=").lower() not in known]


def is_weak(ciphers: str) -> bool:
    """Whether an OpenSSL cipher list takes in what gives no real protection (ciphers(1))."""
    for word in ciphers.replace(",", ":").replace(" ", ":").split(":"):
        if word.startswith(("!", "-", "+")):
            continue
        if word.upper().startswith("@SECLEVEL=0"):
            return True
        parts = {part.upper() for part in word.split("+")}
        if parts & {"ENULL", "ANULL", "EXP", *_WEAK_WORDS} and f"-{word}" not in ciphers:
            return True
    return False
