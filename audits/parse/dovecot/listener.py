"""Where Dovecot's login services listen, and how each treats who comes.

Submission is what an MTA has; IMAP, POP3 and ManageSieve are told too, since the same passwords
go over them: whoever reads one there can send here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from audits.facts.mta import ConfigLine, ConfiguredListener, Mta, Question, Ruling
from audits.parse.dovecot.document import Document, Section, Setting
from audits.parse.dovecot.login import login_rulings
from audits.parse.dovecot.scope import Scope, scopes

_SERVICES = {
    "submission": "submission-login",
    "imap": "imap-login",
    "pop3": "pop3-login",
    "sieve": "managesieve-login",
}
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass
class _Socket:
    """An `inet_listener`, its settings gathered from all places where it is spoken of."""

    name: str
    port: str
    wrapped: bool
    addresses: str = ""
    line: ConfigLine | None = None


def _built_in(protocol: str, scope: Scope) -> dict[str, _Socket]:
    sockets = {
        "imap": (_Socket("imap", "143", False), _Socket("imaps", "993", True)),
        "pop3": (_Socket("pop3", "110", False), _Socket("pop3s", "995", True)),
        "sieve": (_Socket("sieve", "4190", False),),
        "submission": (_Socket("submission", "587", False),),
    }[protocol]
    if protocol == "submission" and scope.since_2_4:
        sockets += (_Socket("submissions", "465", True),)
    return {socket.name: socket for socket in sockets}


def listeners(
    document: Document, version: tuple[int, ...], instance: str
) -> Iterator[ConfiguredListener]:
    """Every listener of a login service that is on."""
    everywhere = Scope(document, version, (document.root,))
    for protocol in _protocols(document, everywhere):
        views = scopes(document, version, protocol)
        for socket in _sockets(document, protocol, everywhere):
            if not socket.port.isdecimal() or not 0 < int(socket.port[:6]) < 65536:
                continue
            if socket.wrapped and everywhere.value("ssl") == "no":
                continue  # Dovecot leaves these out where it has no TLS
            addresses = _addresses(socket.addresses or everywhere.value("listen"))
            yield ConfiguredListener(
                mta=Mta.DOVECOT,
                instance=instance,
                name=socket.name,
                addresses=addresses,
                port=int(socket.port),
                loopback=bool(addresses) and all(map(_is_loopback, addresses)),
                line=socket.line,
                rulings=tuple(_rulings(views, protocol, wrapped=socket.wrapped)),
            )


def _protocols(document: Document, scope: Scope) -> list[str]:
    """The protocols that are on.

    Where nothing that was supplied sets `protocols`, packages do it in files of their own: IMAP
    and POP3 then count as on, and the others where the configuration speaks of them.
    """
    words = scope.words("protocols")
    if words or scope.setting("protocols"):
        on = {word.lower().removesuffix("s") if word == "imaps" else word for word in words}
        return [protocol for protocol in _SERVICES if protocol in on]
    spoken = {section.argument for section in document.root.sections("protocol", "service")}
    return [
        protocol
        for protocol, service in _SERVICES.items()
        if protocol in ("imap", "pop3") or {protocol, service} & spoken
    ]


def _sockets(document: Document, protocol: str, scope: Scope) -> list[_Socket]:
    found = _built_in(protocol, scope)
    for service in document.root.sections("service"):
        if service.argument != _SERVICES[protocol]:
            continue
        for section in service.sections("inet_listener"):
            name = section.argument
            socket = found.setdefault(name, _Socket(name, "0", False))
            _fill(socket, section)
    return list(found.values())


def _fill(socket: _Socket, section: Section) -> None:
    socket.line = section.line
    for item in section.items:
        if not isinstance(item, Setting):
            continue
        if item.name == "port":
            socket.port, socket.line = item.value, item.line
        elif item.name == "ssl":
            socket.wrapped = item.value.lower() in ("yes", "y", "1")
        elif item.name in ("address", "listen"):
            socket.addresses = item.value


def _addresses(value: str) -> tuple[str, ...]:
    """The addresses of `listen`; empty for all of the host."""
    words = [word.strip("[]") for word in value.replace(",", " ").split()]
    if not words or {"*", "::"} & set(words):
        return ()
    named = (_LOOPBACK if word == "localhost" else (word,) for word in words)
    return tuple(address for group in named for address in group)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _rulings(views: list[Scope], protocol: str, *, wrapped: bool) -> Iterator[Ruling]:
    scope = views[0]
    begins = "ssl = yes for the listener" if wrapped else "no `ssl = yes` for the listener"
    yield scope.rules(Question.IMPLICIT_TLS, "yes" if wrapped else "no", begins)
    yield from login_rulings(views, wrapped=wrapped)
    if protocol != "submission":
        return
    asks = "the submission service takes no mail before a login"
    for question in (Question.RELAY, Question.LOCAL_WITHOUT_LOGIN):
        yield scope.rules(question, "no", asks)
    why = "Dovecot compares no sender with the login; the server that it hands mail to may"
    yield scope.rules(Question.SENDER_OF_OTHERS, "undecided", why, "submission_relay_host")
    everybody = "every client may connect"
    yield scope.rules(Question.ONLY_TRUSTED_CLIENTS, "no", everybody)
    yield scope.rules(Question.VRFY, "no", "VRFY gets 252 whoever is asked for")
    greeting = scope.value("login_greeting")
    shows = re.search(r"\d\.\d|%\{?version", greeting) is not None
    why = f"login_greeting = {greeting}"
    yield scope.rules(Question.VERSION_SHOWN, "yes" if shows else "no", why, "login_greeting")
