"""Logging in to our own submission services with the account that the inventory declares.

A password goes nowhere but inside TLS, to a server whose certificate is trusted and fits its name
unless the inventory says otherwise. An account sees few failures, so that none is locked: its
password is tried at one service before the others, nobody tries it again once it was refused
twice, and a wrong one is tried once in a run.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from audits.collect.collector import Origin
from audits.collect.live.conversation import Conversation, Deadline, connected
from audits.collect.live.findings import Findings
from audits.collect.live.pace import Pace
from audits.collect.live.service import (
    IMPLICIT_TLS_PORT,
    NOT_OURS,
    RELAY_PORT,
    domain_of,
    mail_from,
    rcpt_to,
    served_domains,
    silence_of_address,
    silence_of_roles,
)
from audits.collect.live.tcp import Unheard, target_of
from audits.collect.live.tls import Handshake
from audits.collect.live.trust import TrustStore
from audits.errors import ParseError, UsageError
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, Unobserved
from audits.facts.login import AccountLogin, AuthExchange, Envelope, OtherSender, RefusedLogins
from audits.facts.smtp import EhloInTls
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.parse.sasl import PREFERRED, chosen, decoded, disguises, encoded, mechanism
from audits.parse.scram import ServerSignatureError
from audits.parse.x509 import matches, parse_certificate
from audits.settings import Settings
from audits.subject import MailHost, Role, Service, Subject

# Five failures lock an account in most places, and five from one address ban that in others.
MAX_REFUSED_LOGINS = 2

# A wrong password shows nothing, so that the plainest exchange serves, which is what guessers use.
_FOR_REFUSALS = ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1")

_NO_ACCOUNT = Silence(Reason.SKIPPED, "the inventory declares no login for this host")
_NOT_LOGGED_IN = Silence(Reason.INTERRUPTED, "the login did not succeed")
_NOT_SUBMISSION = Silence(Reason.SKIPPED, "logins are tried on submission ports alone")

# A Dot-string and a Domain (RFC 5321 section 4.1.2), roughly: enough to stand in a command.
_MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+", re.ASCII)

Grounds = Literal["certificate", "pin", "any"]


@dataclass(frozen=True)
class Account:
    """An account of the inventory.

    password: gives the secret, late; raises UsageError. reference: what it is behind; accounts
    with the same user name and reference are one. mailbox, other_mailbox, certificate: as in the
    inventory.
    """

    username: str
    reference: str
    password: Callable[[], str] = field(repr=False)
    mailbox: str | None = None
    other_mailbox: str | None = None
    certificate: str = "verified"

    @property
    def identity(self) -> tuple[str, str]:
        return self.username, self.reference


@dataclass(frozen=True)
class Authenticated:
    """How an exchange ended; the fields are those of `AccountLogin`."""

    exchange: AuthExchange
    iterations: int | None
    server: Literal["proved", "unproved", "false"] | None

    @property
    def works(self) -> bool:
        return self.exchange.accepted and self.server != "false"


async def authenticate(
    talk: Conversation, name: str, username: str, password: str
) -> Authenticated:
    """One AUTH exchange by the mechanism of that name, inside TLS.

    Nothing of the credentials comes into transcript, replies or errors. Raises Unheard.
    """
    talk.conceal(*disguises(username, password))
    try:
        exchange = mechanism(name, username, password, secrets.token_urlsafe(18))
    except ParseError as error:
        raise Unheard(Reason.NOT_DECLARED, f"no login by {name} is possible: {error}") from None
    first = exchange.initial
    line = f"AUTH {name}" if first is None else f"AUTH {name} {encoded(first) or '='}"
    reply = await talk.confide(line, f"AUTH {name} (concealed)")
    challenges = 0
    server: Literal["proved", "unproved", "false"] | None = None
    while reply.code == 334:
        challenges += 1
        try:
            # SCRAM's iterations may take a second, in which others are not to wait.
            response = await asyncio.to_thread(exchange.respond, decoded(talk.challenge))
        except ServerSignatureError:
            server = "false"
            reply = await talk.confide("*", "*")  # RFC 4954 section 4: cancels the exchange
            break
        except ParseError as error:
            await talk.confide("*", "*")
            raise Unheard(Reason.PROTOCOL, f"AUTH {name}: {error}") from None
        if name.startswith("SCRAM") and response:
            talk.conceal(encoded(response))  # whoever reads the proof can try passwords against it
        reply = await talk.confide(encoded(response), "(concealed)")
    ended = AuthExchange(name, challenges, reply)
    if ended.accepted and name.startswith("SCRAM"):
        server = "unproved" if exchange.unproven else "proved"
    return Authenticated(ended, exchange.iterations, server)


@dataclass
class _Gate:
    """What may still be tried with one account in this run."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    proven: bool = False
    refused_at: list[Service] = field(default_factory=list)
    secret: str | None = field(default=None, repr=False)

    @asynccontextmanager
    async def turn(self, deadline: Deadline) -> AsyncIterator[None]:
        """One at a time until the password was accepted once; raises Unheard."""
        if self.proven:
            self._check()
            yield
            return
        try:
            async with asyncio.timeout_at(deadline.ends):
                await self.lock.acquire()
        except TimeoutError:
            words = "no turn to log in with this account came up in time"
            raise Unheard(Reason.INTERRUPTED, words) from None
        try:
            self._check()
            yield
        finally:
            self.lock.release()

    def _check(self) -> None:
        if len(self.refused_at) >= (MAX_REFUSED_LOGINS if self.proven else 1):
            words = f"not tried, lest the account be locked: refused at {self.refused_at[0]}"
            raise Unheard(Reason.INTERRUPTED, words)

    def note(self, service: Service, outcome: Authenticated) -> None:
        if outcome.works:
            self.proven = True
        elif outcome.exchange.reply.permanent:
            self.refused_at.append(service)


class LoginWalk:
    """Logs in with the declared account; never sends DATA, and no password in clear.

    One connection for the login and for what the user may then put into MAIL; at one service of an
    account, a second for two logins that must be refused.
    """

    name: ClassVar[str] = "login"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset(
        {AccountLogin, RefusedLogins, OtherSender}
    )
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloInTls}
    )

    def __init__(
        self,
        origin: Origin,
        wanted: Iterable[type[Fact]],
        settings: Settings,
        pace: Pace,
        trust: TrustStore,
        accounts: Mapping[str, Account],
    ) -> None:
        """accounts: by host name."""
        self.origin = origin
        self.wanted = frozenset(wanted) & self.provides
        self.settings = settings
        self.pace = pace
        self.trust = trust
        self.accounts = accounts
        self._gates: dict[tuple[str, str], _Gate] = {}

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact about the service, or why it is missing."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        findings = Findings(self.wanted, subject)
        account = self.accounts.get(subject.host)
        silence = _nothing_to_try(subject, seen, account)
        if silence is not None or account is None:
            findings.rest(silence or _NO_ACCOUNT)
        else:
            chosen_at = _place_for_refusals(account, self.accounts, seen)
            if chosen_at != subject:
                words = f"lest the account be locked, wrong logins are tried at {chosen_at} alone"
                findings.silent(Silence(Reason.SKIPPED, words), RefusedLogins)
            await _Walk(self, subject, seen, account, findings).run()
        return findings.observations(self.origin.live(self.name))

    def gate(self, account: Account) -> _Gate:
        """What this run knows of the account."""
        return self._gates.setdefault(account.identity, _Gate())


def _nothing_to_try(service: Service, seen: Snapshot, account: Account | None) -> Silence | None:
    """Why nothing is tried at this service, from what is known already."""
    roles = seen.fact(HostRoles, MailHost(service.host))
    if roles is None:
        return silence_of_roles(service)
    if not roles.in_inventory:
        return NOT_OURS
    if service.port == RELAY_PORT or Role.MSA not in roles.roles:
        return _NOT_SUBMISSION
    if account is None:
        return _NO_ACCOUNT
    if not service.address:
        return silence_of_address(service, seen)
    for kind in (PortState, EhloInTls):
        met = seen.get(kind, service)
        if isinstance(met, Unobserved):
            return Silence(met.reason, met.detail)
    return None


def _place_for_refusals(
    account: Account, accounts: Mapping[str, Account], seen: Snapshot
) -> Service | None:
    """The one service at which wrong logins are tried: the first of the account's first host."""
    hosts = sorted(name for name in accounts if accounts[name].identity == account.identity)
    for host in hosts:
        roles = seen.fact(HostRoles, MailHost(host))
        if roles is None or not roles.in_inventory or Role.MSA not in roles.roles:
            continue
        for service in roles.services:
            if service.port != RELAY_PORT and service.address:
                return service
    return None


class _Walk:
    """The connections to one service."""

    def __init__(
        self,
        collector: LoginWalk,
        service: Service,
        seen: Snapshot,
        account: Account,
        findings: Findings,
    ) -> None:
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        roles = seen.fact(HostRoles, MailHost(service.host))
        served = served_domains(roles, declared) if roles is not None else ()
        self._collector = collector
        self._settings = collector.settings
        self._service = service
        self._account = account
        self._gate = collector.gate(account)
        self._findings = findings
        self._private_ca = declared.private_ca if declared is not None else None
        self._target = target_of(service, declared, self._settings.redirect)
        self._deadline = Deadline(self._settings.limits.host_s)
        self._mailbox = _own_mailbox(account, served)
        self._given_for: Grounds = "any"
        self._logged_in = False

    async def run(self) -> None:
        """Logs in, and notes all that comes of it in the findings."""
        silence = await self._connect(self._log_in)
        if silence is not None:
            self._findings.silent(silence, AccountLogin, OtherSender)
        if not self._logged_in:
            self._findings.rest(silence or _NOT_LOGGED_IN)
        elif self._findings.wants(RefusedLogins):
            silence = await self._connect(self._be_refused)
            if silence is not None:
                self._findings.silent(silence, RefusedLogins)

    async def _connect(
        self, talk_about: Callable[[Conversation], Awaitable[None]]
    ) -> Silence | None:
        """One connection up to EHLO inside trusted TLS and beyond; why it ended early, if so."""
        collector = self._collector
        async with connected(
            self._target, self._settings, collector.pace, self._deadline
        ) as connection:
            talk = connection.talk
            if talk is None:
                return connection.attempt.silence
            if self._gate.secret is not None:  # the server may repeat what it was given before
                talk.conceal(*disguises(self._account.username, self._gate.secret))
            ended: Silence | None = None
            try:
                await self._introduce(talk)
                await talk_about(talk)
            except Unheard as unheard:
                ended = unheard.silence
            await talk.quit()
            return ended

    async def _introduce(self, talk: Conversation) -> None:
        """Up to the EHLO inside TLS after which AUTH may come; raises Unheard."""
        host = self._service.host
        if self._service.port == IMPLICIT_TLS_PORT:
            handshake = await talk.enter_tls(host, implicit=True)
            await self._greeted(talk)
        else:
            await self._greeted(talk)
            await self._ehlo(talk)
            if not talk.offers("STARTTLS"):
                words = "no password is sent in clear, and STARTTLS is not offered"
                raise Unheard(Reason.NOT_OFFERED, words)
            reply = await talk.ask("STARTTLS")
            if reply.code != 220:
                reason = Reason.DEFERRED if reply.transient else Reason.REFUSED
                raise Unheard(reason, f"STARTTLS got {reply.text}")
            handshake = await talk.enter_tls(host)
        self._given_for = self._grounds(handshake)
        await self._ehlo(talk)

    async def _greeted(self, talk: Conversation) -> None:
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")

    async def _ehlo(self, talk: Conversation) -> None:
        reply = await talk.ehlo()
        if reply.code != 250:
            reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
            raise Unheard(reason, f"EHLO was not accepted: {reply.text}")

    def _grounds(self, handshake: Handshake) -> Grounds:
        """Why the server at the other end may have the password; raises Unheard where not."""
        wanted = self._account.certificate
        if wanted == "any":
            return "any"
        if wanted != "verified":
            if f"sha256:{_key_digest(handshake)}" == wanted:
                return "pin"
            words = "no password is sent: the server's key is not the one that the inventory pins"
            raise Unheard(Reason.TLS, words)
        doubt = self._doubt(handshake)
        if doubt is not None:
            words = f"no password is sent: {doubt}; `login.certificate` can pin its key"
            raise Unheard(Reason.TLS, words)
        return "certificate"

    def _doubt(self, handshake: Handshake) -> str | None:
        """What keeps the certificate of this very connection from being trusted, or None."""
        now = self._collector.origin.clock()
        try:
            chain = self._collector.trust.chain_fact(
                self._service, handshake.chain, now, self._private_ca
            )
        except UsageError as error:
            return str(error)
        if chain.leaf is None or chain.verification is None:
            return f"its certificate can't be read: {chain.malformed}"
        if chain.verification.code:
            return f"its certificate is not trusted: {chain.verification.message}"
        if not matches(chain.leaf, self._service.host):
            return f"its certificate is not for {self._service.host}"
        if not all(c.not_before <= now <= c.not_after for c in chain.certificates):
            return "a certificate that it served is outside its dates"
        return None

    async def _log_in(self, talk: Conversation) -> None:
        """The login with the right password, and MAIL from two mailboxes after it."""
        name = self._chosen(talk, PREFERRED)
        account = self._account
        password = await self._password()
        async with self._gate.turn(self._deadline):
            outcome = await authenticate(talk, name, account.username, password)
            self._gate.note(self._service, outcome)
        self._findings.saw(
            AccountLogin(
                self._service,
                username=account.username,
                exchange=outcome.exchange,
                iterations=outcome.iterations,
                server=outcome.server,
                given_for=self._given_for,
            )
        )
        if not outcome.works:
            reply = outcome.exchange.reply
            words = f"the login did not succeed: {reply.text}"
            raise Unheard(reply.put_off or Reason.DENIED, words)
        self._logged_in = True
        if self._findings.wants(OtherSender):
            await self._send_as(talk)

    def _chosen(self, talk: Conversation, preferred: Sequence[str]) -> str:
        offered = [p for keyword in talk.keywords if keyword.name == "AUTH" for p in keyword.params]
        name = chosen(offered, preferred)
        if name is None:
            listed = " ".join(offered) or "nothing"
            words = f"the login is tried with {', '.join(preferred)}; EHLO lists AUTH {listed}"
            raise Unheard(Reason.NOT_OFFERED, words)
        return name

    async def _password(self) -> str:
        if self._gate.secret is None:
            try:
                self._gate.secret = await asyncio.to_thread(self._account.password)
            except UsageError as error:
                raise Unheard(Reason.NOT_DECLARED, f"the password: {error}") from None
        return self._gate.secret

    async def _send_as(self, talk: Conversation) -> None:
        own = self._mailbox
        if own is None:
            words = "the account's mailbox is not known; `login.mailbox` can say it"
            return self._findings.silent(Silence(Reason.NOT_DECLARED, words), OtherSender)
        other = self._account.other_mailbox
        stranger = other or f"mailproof-{secrets.token_hex(4)}@{domain_of(own)}"
        envelopes: list[Envelope] = []
        for sender in (own, stranger):
            # RSET by itself: Dovecot hangs up where another MAIL follows it in one group.
            if envelopes:
                await talk.ask("RSET")
            exchange = await talk.exchange([mail_from(sender), rcpt_to(own)])
            mail = exchange.need(0)
            rcpt = exchange.need(1) if mail.positive else None
            envelopes.append(Envelope(sender, own, mail, rcpt))
        self._findings.saw(
            OtherSender(
                self._service,
                username=self._account.username,
                own=envelopes[0],
                other=envelopes[1],
                declared=other is not None,
            )
        )

    async def _be_refused(self, talk: Conversation) -> None:
        """A random password, for the account and for a user who does not exist."""
        name = self._chosen(talk, _FOR_REFUSALS)
        username = self._account.username
        stranger = _stranger(username)
        wrong = secrets.token_urlsafe(12)
        known = await authenticate(talk, name, username, wrong)
        unknown, silence = None, None
        if not known.exchange.accepted:
            try:
                unknown = (await authenticate(talk, name, stranger, wrong)).exchange
            except Unheard as unheard:
                silence = unheard.silence
        self._findings.saw(
            RefusedLogins(
                self._service,
                username=username,
                stranger=stranger,
                known=known.exchange,
                unknown=unknown,
                silence=silence,
            )
        )


def _key_digest(handshake: Handshake) -> str:
    """SHA-256 of the server's public key, lower hex; empty where there is none to be read."""
    try:
        return parse_certificate(handshake.chain[0]).spki_sha256 if handshake.chain else ""
    except ParseError:
        return ""


def _own_mailbox(account: Account, served: Sequence[str]) -> str | None:
    if account.mailbox is not None:
        return account.mailbox
    name = account.username
    found = name if "@" in name or not served else f"{name}@{served[0]}"
    return found if _MAILBOX.fullmatch(found) else None


def _stranger(username: str) -> str:
    """A user who does not exist, of the same shape."""
    _, at, domain = username.partition("@")
    return f"mailproof-{secrets.token_hex(4)}{at}{domain}"
