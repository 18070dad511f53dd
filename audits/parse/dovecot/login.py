"""TLS and logins of one Dovecot listener (Dovecot's SSL and authentication settings)."""

from collections.abc import Iterator

from audits.facts.mta import Answer, Question, Ruling
from audits.parse.cipher_list import is_weak
from audits.parse.dovecot.document import Setting
from audits.parse.dovecot.scope import Scope, is_private

BEGINS = "TLS begins with the connection"
_IN_CLEAR = frozenset({"plain", "login"})
_OLD = frozenset({"any", "sslv2", "sslv3", "tlsv1", "tlsv1.0", "tlsv1.1"})

# Where settings differ between clients, the listener does the worse of it.
_WORSE: dict[Question, Answer] = {
    Question.STARTTLS: "no",
    Question.TLS_REQUIRED: "no",
    Question.TLS_WORKS: "no",
    Question.OLD_TLS: "yes",
    Question.WEAK_CIPHERS: "yes",
    Question.AUTH: "no",
    Question.AUTH_IN_CLEAR: "yes",
}


def login_rulings(scopes: list[Scope], *, wrapped: bool) -> Iterator[Ruling]:
    """What holds for a listener, the worst of all filters. wrapped: TLS from the start."""
    first, *others = (tuple(_rulings(scope, wrapped=wrapped)) for scope in scopes)
    for ruling in first:
        same = (each for other in others for each in other if each.question is ruling.question)
        worse = _WORSE.get(ruling.question)
        yield next((each for each in (ruling, *same) if each.answer == worse), ruling)


def _rulings(scope: Scope, *, wrapped: bool) -> Iterator[Ruling]:
    ssl = scope.value("ssl")
    why = f"ssl = {ssl}"
    on = ssl != "no"
    yield scope.rules(Question.STARTTLS, _answer(on and not wrapped), why, "ssl")
    yield _required(scope, wrapped=wrapped)
    if on:
        yield _works(scope)
        oldest = scope.value("ssl_min_protocol")
        why = f"ssl_min_protocol = {oldest}"
        old = oldest.lower() in _OLD
        yield scope.rules(Question.OLD_TLS, _answer(old), why, "ssl_min_protocol")
        yield scope.rules(Question.TLS_1_3, "yes", why, "ssl_min_protocol")
        yield _ciphers(scope)
    yield _offered(scope, wrapped=wrapped)
    yield _in_clear(scope, wrapped=wrapped)


def _answer(holds: bool) -> Answer:
    return "yes" if holds else "no"


def guard(scope: Scope) -> tuple[str, bool]:
    """The setting that rules passwords outside TLS out, and whether it lets them in."""
    if scope.since_2_4:
        return "auth_allow_cleartext", scope.says_yes("auth_allow_cleartext")
    return "disable_plaintext_auth", not scope.says_yes("disable_plaintext_auth")


def _only_passwords(scope: Scope) -> bool:
    """Whether every mechanism sends the password as it is."""
    return {word.lower() for word in scope.words("auth_mechanisms")} <= _IN_CLEAR


def _required(scope: Scope, *, wrapped: bool) -> Ruling:
    question = Question.TLS_REQUIRED
    if wrapped:
        return scope.rules(question, "yes", BEGINS)
    ssl = scope.value("ssl")
    if ssl == "required":
        return scope.rules(question, "yes", "ssl = required", "ssl")
    name, lets_in = guard(scope)
    if ssl == "yes" and not lets_in and _only_passwords(scope):
        why = f"nothing is taken before a login, and {name} keeps logins inside TLS"
        return scope.rules(question, "yes", why, name, "auth_mechanisms", "ssl")
    return scope.rules(question, "no", f"ssl = {ssl}", "ssl", name)


def certificate(scope: Scope) -> tuple[str, Setting | None]:
    """The name of the setting for the certificate in this version, and how it is set."""
    if not scope.since_2_4:
        return "ssl_cert", scope.setting("ssl_cert")
    found = scope.setting("ssl_server_cert_file") or scope.setting("ssl_server_cert")
    return "ssl_server_cert_file", found


def is_literal_path(setting: Setting) -> bool:
    """Whether a path stands where the content is meant: `ssl_cert = /path` without its `<`."""
    return setting.file is None and "-----BEGIN" not in setting.value


def _works(scope: Scope) -> Ruling:
    name, setting = certificate(scope)
    if setting is None or (not setting.value and setting.file is None):
        return scope.rules(Question.TLS_WORKS, "no", f"{name} is not set", "ssl", name)
    if name == "ssl_cert" and is_literal_path(setting):
        why = "ssl_cert has no `<` before its path, which is taken for the certificate itself"
        return scope.rules(Question.TLS_WORKS, "no", why, name)
    return scope.rules(Question.TLS_WORKS, "yes", f"{name} = {setting.shown}", setting.name)


def _ciphers(scope: Scope) -> Ruling:
    name = "ssl_cipher_list"
    ciphers = scope.value(name)
    words = ciphers.replace(",", ":").replace(" ", ":").split(":")
    # `ALL` is without what has no encryption; without what has no authentication it is no more
    # than what OpenSSL is built with.
    if words[0].upper() == "ALL" and {"!aNULL", "!ADH"} & set(words):
        words = words[1:]
    if is_weak(":".join(words)):
        return scope.rules(Question.WEAK_CIPHERS, "yes", f"{name} = {ciphers}", name)
    return scope.rules(Question.WEAK_CIPHERS, "no", f"{name} = {ciphers or 'built-in'}", name)


def _offered(scope: Scope, *, wrapped: bool) -> Ruling:
    name, lets_in = guard(scope)
    mechanisms = scope.words("auth_mechanisms")
    if scope.value("ssl") == "no" and not wrapped and not lets_in and _only_passwords(scope):
        why = f"{name} asks for TLS, and ssl = no"
        return scope.rules(Question.AUTH, "no", why, name, "ssl")
    why = f"auth_mechanisms = {' '.join(mechanisms)}"
    return scope.rules(Question.AUTH, _answer(bool(mechanisms)), why, "auth_mechanisms")


def _in_clear(scope: Scope, *, wrapped: bool) -> Ruling:
    question = Question.AUTH_IN_CLEAR
    if wrapped:
        return scope.rules(question, "no", BEGINS)
    trusted = "login_trusted_networks"
    networks = scope.value(trusted)
    if networks and not is_private(networks):
        why = f"{trusted} = {networks}: from there Dovecot takes passwords without TLS"
        return scope.rules(question, "yes", why, trusted)
    if scope.value("ssl") == "required":
        return scope.rules(question, "no", "ssl = required", "ssl")
    name, lets_in = guard(scope)
    why = f"{name} = {scope.value(name)}, ssl = {scope.value('ssl')}"
    return scope.rules(question, _answer(lets_in), why, name, "ssl")
