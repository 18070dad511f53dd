"""Where OpenSMTPD listens, and what TLS and logins each listener has."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

from audits.facts.mta import Answer, ConfigLine, ConfiguredListener, Mta, Question, Ruling
from audits.facts.place import Place
from audits.parse.cipher_list import is_weak
from audits.parse.opensmtpd.rule import Rules, Stranger
from audits.parse.opensmtpd.statement import Declared, Listening

_LOOPBACK = ("127.0.0.1", "::1")
_LOOPBACK_INTERFACES = frozenset({"lo", "lo0", "localhost"})
# The first version that speaks TLS 1.2 and newer alone unless told otherwise.
_TLS_1_2_SINCE = (7,)
_FAILS_WITH_OPENSSL_3 = (6, 8)
_OLD = frozenset({"all", "legacy", "tlsv1", "tlsv1.0", "tlsv1.1"})


def listeners(declared: Declared, rules: Rules, instance: str) -> Iterator[ConfiguredListener]:
    """Every listener; localhost port 25 where no line says `listen on`."""
    named = [each for each in declared.listening if each.interface != "socket"]
    if not declared.listening:
        built_in = ConfigLine(Place(instance, 1), "")
        yield _listener(Listening("localhost", built_in), 25, declared, rules, instance)
    for listening in named:
        for port, part in _ports(listening):
            yield _listener(part, port, declared, rules, instance)


def _ports(listening: Listening) -> Iterator[tuple[int, Listening]]:
    """`secure`, before 6.4, is both: STARTTLS on port 25, and port 465."""
    if listening.tls == "secure":
        yield listening.port or 25, replace(listening, tls="tls")
        yield 465, replace(listening, tls="smtps")
    else:
        yield listening.port or (465 if listening.tls == "smtps" else 25), listening


def _listener(
    listening: Listening, port: int, declared: Declared, rules: Rules, instance: str
) -> ConfiguredListener:
    addresses = _addresses(listening.interface)
    line = listening.line if listening.line.text else None
    return ConfiguredListener(
        mta=Mta.OPENSMTPD,
        instance=instance,
        name=f"{listening.interface} port {port}",
        addresses=addresses,
        port=port,
        loopback=bool(addresses) and all(map(_is_loopback, addresses)),
        line=line,
        rulings=tuple(_rulings(listening, declared, rules)),
    )


def _addresses(interface: str) -> tuple[str, ...]:
    """The addresses that an interface surely has; empty for all, or where the host knows alone."""
    if interface in _LOOPBACK_INTERFACES:
        return _LOOPBACK
    try:
        address = ip_address(interface)
    except ValueError:
        return ()
    return () if address.is_unspecified else (str(address),)


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _answer(holds: bool) -> Answer:
    return "yes" if holds else "no"


def _rulings(listening: Listening, declared: Declared, rules: Rules) -> Iterator[Ruling]:
    lines = (listening.line,) if listening.line.text else ()

    def rule(question: Question, answer: Answer, why: str) -> Ruling:
        return Ruling(question, answer, why, lines)

    tls = listening.tls
    says = f"`{tls}`" if tls else "no `tls`"
    yield rule(Question.STARTTLS, _answer(tls in ("tls", "tls-require")), says)
    yield rule(Question.IMPLICIT_TLS, _answer(tls == "smtps"), says)
    required = tls in ("tls-require", "smtps")
    if tls == "tls" and listening.auth == "auth":
        why = "`auth` takes no mail before a login, and logins are taken inside TLS only"
        yield rule(Question.TLS_REQUIRED, "yes", why)
    else:
        yield rule(Question.TLS_REQUIRED, _answer(required), says)
    if tls:
        yield _works(listening, declared)
        yield from _versions(listening, declared)
        yield _ciphers(listening, declared)
    offers = f"`{listening.auth}`" if listening.auth else "no `auth`"
    yield rule(Question.AUTH, _answer(bool(listening.auth)), offers)
    why = "AUTH is taken inside TLS only" if listening.auth else "no `auth`"
    yield rule(Question.AUTH_IN_CLEAR, "no", why)
    if listening.auth:
        yield rule(Question.AUTH_PROVES_NOTHING, "no", "logins are compared with passwords")
        why = "`senders`" if listening.senders else "no `senders` says whose address is whose"
        yield rule(Question.SENDER_OF_OTHERS, _answer(not listening.senders), why)
        why = "OpenSMTPD slows nothing down; whether something outside it does, it can't say"
        yield rule(Question.AUTH_THROTTLED, "undecided", why)
    yield rules.ruling(Question.RELAY, Stranger(listening, foreign=True))
    local = rules.ruling(Question.LOCAL_WITHOUT_LOGIN, Stranger(listening, foreign=False))
    yield local
    opposite: dict[Answer, Answer] = {"yes": "no", "no": "yes"}
    only = opposite.get(local.answer, local.answer)
    yield Ruling(Question.ONLY_TRUSTED_CLIENTS, only, local.why, local.lines)
    yield rule(Question.VRFY, "no", "VRFY is not implemented")
    yield rule(Question.VERSION_SHOWN, "no", "the greeting names no version")


def _works(listening: Listening, declared: Declared) -> Ruling:
    question, line = Question.TLS_WORKS, (listening.line,)
    if not listening.pki:
        holds = declared.version < _TLS_1_2_SINCE and bool(declared.pki)
        why = "no `pki` names a certificate for the listener"
        return Ruling(question, _answer(holds), why, line)
    for name in listening.pki:
        parts = declared.pki.get(name, {})
        if not {"cert", "key"} <= parts.keys():
            why = f"pki {name} has no certificate and key"
            return Ruling(question, "no", why, line)
    if declared.version[:2] == _FAILS_WITH_OPENSSL_3:
        why = "6.8 answers STARTTLS, and fails every handshake where it is built for OpenSSL 3"
        return Ruling(question, "undecided", why, line)
    return Ruling(question, "yes", f"pki {' '.join(listening.pki)}", line)


def _versions(listening: Listening, declared: Declared) -> Iterator[Ruling]:
    line = (listening.line,)
    words = listening.protocols.lower().replace(":", ",").split(",")
    if listening.protocols:
        old = bool(_OLD & {word.strip() for word in words})
        newest = bool({"tlsv1.3", "all", "legacy", "secure", "default"} & set(words))
        why = f'protocols "{listening.protocols}"'
    else:
        old = declared.version < _TLS_1_2_SINCE
        newest = True
        version = ".".join(map(str, declared.version))
        why = f"the protocols of version {version}, which `listen` does not change"
    yield Ruling(Question.OLD_TLS, _answer(old), why, line)
    yield Ruling(Question.TLS_1_3, _answer(newest), why, line)


def _ciphers(listening: Listening, declared: Declared) -> Ruling:
    ciphers = listening.ciphers or declared.ciphers
    why = f"ciphers {ciphers}" if ciphers else "the ciphers that OpenSMTPD comes with"
    return Ruling(Question.WEAK_CIPHERS, _answer(is_weak(ciphers)), why, (listening.line,))
