"""Everything about a service that one conversation with it tells: port, SMTP, TLS, mailboxes."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from audits.collect.collector import Origin
from audits.collect.live.budget import MAX_WALK_CONNECTIONS
from audits.collect.live.conversation import (
    Connected,
    Conversation,
    Deadline,
    Exchange,
    TlsFailed,
    connected,
)
from audits.collect.live.findings import Findings
from audits.collect.live.pace import Pace
from audits.collect.live.service import (
    IMPLICIT_TLS_PORT,
    MAX_REFUSALS,
    NOT_OURS,
    RELAY_PORT,
    domain_of,
    mail_from,
    rcpt_to,
    served_domains,
    silence_of_address,
    silence_of_roles,
)
from audits.collect.live.tcp import Attempt, Unheard, target_of
from audits.collect.live.tls import Handshake, TlsStream
from audits.collect.live.tls_ticket import tickets_of
from audits.errors import UsageError
from audits.facts.conduct import RoleMailboxes
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import AnyObservation, Fact, Reason, Silence
from audits.facts.relay import RelayControls
from audits.facts.smtp import (
    AuthAttempt,
    AuthInClear,
    EhloInTls,
    EhloReply,
    Greeting,
    Line,
    MailInClear,
    RcptReply,
    Reply,
    RoleRecipient,
    StartTls,
    Transcript,
    UnauthenticatedMail,
)
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import CertificateChain, SessionTickets, TlsHandshake
from audits.parse.relay_form import Envelope, Names, controls
from audits.parse.relay_reply import form_tried
from audits.settings import Settings
from audits.subject import MailHost, Path, Service, Subject

if TYPE_CHECKING:  # few runs want no chain, and those start sooner
    from audits.collect.live.trust import TrustStore

# RFC 5321 section 4.5.3.1.8 asks a server to take 100 recipients; half of that is safe everywhere.
MAX_RECIPIENTS = 50
# How long a greeting is waited for where only the port is asked about.
PEEK_S = 1.0

_MECHANISMS = ("PLAIN", "LOGIN")
# What a server says of AUTH as such, so that there is no point in another mechanism: no such
# command (RFC 5321 section 4.2.4), not now (section 4.2.2), STARTTLS first (RFC 3207 section 4).
# 504, 534 and 538 are about one mechanism (RFC 4954 section 6).
_NO_AUTH = frozenset({500, 502, 503, 530})

_AS_ANY_SENDER: frozenset[type[Fact]] = frozenset(
    {
        PortState,
        Greeting,
        EhloReply,
        StartTls,
        TlsHandshake,
        CertificateChain,
        SessionTickets,
        EhloInTls,
        Transcript,
    }
)
_AS_OWNER: frozenset[type[Fact]] = frozenset(
    {AuthInClear, MailInClear, UnauthenticatedMail, RoleRecipient, RoleMailboxes, RelayControls}
)
_BEHIND_TLS = (TlsHandshake, CertificateChain, SessionTickets, EhloInTls, UnauthenticatedMail)

# RFC 5321 section 4.5.1: every domain that receives mail has postmaster; RFC 2142: abuse as well.
_MAILBOXES: dict[type[Fact], str] = {RoleRecipient: "postmaster", RoleMailboxes: "abuse"}
_BY_PATH = tuple(_MAILBOXES)

_NOT_SUBMISSION = Silence(Reason.SKIPPED, "port 25 is not a submission port")
_TLS_FROM_THE_START = Silence(Reason.SKIPPED, "465 is TLS from the start")
_TICKETS_UNSEEN = Silence(Reason.INTERNAL, "this Python does not show session tickets")


class _HungUp(Unheard):
    """The server closed the connection at AUTH in clear, which says nothing of the rest."""


class ServiceWalk:
    """One conversation with a service that gathers all that is wanted, then QUIT.

    Port 25 as a sending MTA does it, the others as message submission. A host outside the
    inventory is asked for nothing that a sending MTA would not ask. Never authenticates, never
    sends DATA.
    """

    name: ClassVar[str] = "smtp"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = _AS_ANY_SENDER | _AS_OWNER
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({HostRoles, DeclaredHost})

    def __init__(
        self,
        origin: Origin,
        wanted: Iterable[type[Fact]],
        settings: Settings,
        pace: Pace,
        trust: "TrustStore | None",
    ) -> None:
        """trust: what chains are judged by; None where no `CertificateChain` is wanted."""
        self.origin = origin
        self.wanted = frozenset(wanted) & self.provides
        self.settings = settings
        self.pace = pace
        self.trust = trust

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact about the service, or why it is missing."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        roles = seen.fact(HostRoles, MailHost(subject.host))
        findings = Findings(self.wanted, subject, _paths(subject, roles))
        if roles is None:
            findings.rest(silence_of_roles(subject))
        elif not subject.address:
            findings.rest(silence_of_address(subject, seen))
        else:
            declared = seen.fact(DeclaredHost, MailHost(subject.host))
            await _Walk(self, subject, roles, declared, findings).run()
        return findings.observations(self.origin.live(self.name))


def _paths(service: Service, roles: HostRoles | None) -> tuple[Path, ...]:
    """The ways of mail that go through a service: one a domain, on port 25 only."""
    if roles is None or service.port != RELAY_PORT:
        return ()
    return tuple(
        Path(domain, service.host, service.address, service.port) for domain in roles.mx_of
    )


class _Walk:
    """The walk over one service."""

    def __init__(
        self,
        collector: ServiceWalk,
        service: Service,
        roles: HostRoles,
        declared: DeclaredHost | None,
        findings: Findings,
    ) -> None:
        self._collector = collector
        self._settings = collector.settings
        self._service = service
        self._ours = roles.in_inventory
        self._private_ca = declared.private_ca if declared is not None else None
        self._served = served_domains(roles, declared)
        self._findings = findings
        self._target = target_of(service, declared, self._settings.redirect)
        self._deadline = Deadline(self._settings.limits.host_s)
        self._transcript: list[Line] = []
        # Commands that wait for the next one, to share a group with it.
        self._lead: list[str] = []
        self._tls: TlsStream | None = None
        self._source = ""
        self._controls = self._new_controls() if self._findings.wants(RelayControls) else ()

    async def run(self) -> None:
        """Talks with the service, and notes all that comes of it in the findings."""
        self._leave_out()
        if not self._findings.open:
            return
        if await self._talk():
            self._note("another connection, without what the server hung up at")
            await self._talk()
        await self._ask_further_recipients()
        words = f"there was no room for them among {MAX_REFUSALS} refusals"
        self._findings.silent(Silence(Reason.INTERRUPTED, words), RelayControls)
        self._findings.saw(Transcript(self._service, tuple(self._transcript)))

    async def _talk(self) -> bool:
        """One conversation; whether it broke off at a probe that another can do without."""
        only_port = self._findings.open == {PortState}
        async with self._connected() as connection:
            self._saw_port(connection.attempt)
            talk = connection.talk
            if talk is None:
                return False
            stream = connection.attempt.stream
            self._source = stream.local_address if stream is not None else ""
            if only_port:
                await self._peek(talk)
                return False
            again = False
            try:
                await self._converse(talk)
            except TlsFailed as failed:
                self._saw_failed_tls(failed)
            except _HungUp as unheard:
                self._findings.silent(unheard.silence, MailInClear, AuthInClear)
                again = True
            except Unheard as unheard:
                self._ended(unheard.silence)
            await talk.quit()
            self._transcript += talk.lines
            return again

    def _note(self, text: str) -> None:
        self._transcript.append(Line("*", text, 0.0))

    def _leave_out(self) -> None:
        """Notes what is not asked of this service at all."""
        if not self._ours:
            self._findings.silent(NOT_OURS, *_AS_OWNER)
        if self._service.port == RELAY_PORT:
            self._findings.silent(_NOT_SUBMISSION, MailInClear, UnauthenticatedMail)
        if self._service.port == IMPLICIT_TLS_PORT:
            self._findings.silent(_TLS_FROM_THE_START, StartTls, AuthInClear, MailInClear)

    def _connected(self) -> AbstractAsyncContextManager[Connected]:
        self._collector.pace.walked[self._service] += 1
        return connected(self._target, self._settings, self._collector.pace, self._deadline)

    def _saw_port(self, attempt: Attempt) -> None:
        if attempt.state is not None:
            elapsed_s = round(attempt.elapsed_s, 4)
            port = PortState(
                self._service, attempt.state, str(attempt.target), attempt.detail, elapsed_s
            )
            self._findings.saw(port)
        if attempt.silence is not None:
            self._findings.rest(attempt.silence)

    async def _peek(self, talk: Conversation) -> None:
        """Leaves politely where the greeting comes at once; never waits long for it."""
        if self._service.port == IMPLICIT_TLS_PORT:
            return
        try:
            await talk.greeting(min(PEEK_S, self._settings.limits.banner_s))
        except Unheard:
            return
        await talk.quit()

    async def _converse(self, talk: Conversation) -> None:
        if self._service.port == IMPLICIT_TLS_PORT:
            await self._enter_tls(talk, implicit=True)
            await self._greet(talk)
            await self._ehlo(talk, EhloReply, EhloInTls)
            self._saw_tickets()
        else:
            await self._greet(talk)
            await self._ehlo(talk, EhloReply)
            await self._try_in_clear(talk)
            await self._start_tls(talk)
        await self._submit_unauthenticated(talk)
        await self._ask_recipients(talk)

    async def _greet(self, talk: Conversation) -> None:
        reply = await talk.greeting()
        if reply.transient:
            raise Unheard(Reason.DEFERRED, f"the service put us off with {reply.text}")
        words = reply.lines[0].split()
        self._findings.saw(Greeting(self._service, reply, words[0] if words else ""))
        if reply.permanent:
            raise Unheard(Reason.REFUSED, f"the service refused with {reply.text}")
        if reply.code != 220:
            raise Unheard(Reason.PROTOCOL, f"the greeting was {reply.text}")

    async def _ehlo(self, talk: Conversation, *kinds: type[EhloReply] | type[EhloInTls]) -> None:
        reply = await talk.ehlo()
        talk.check_in_step()
        if reply.transient:
            raise Unheard(Reason.DEFERRED, f"EHLO was put off with {reply.text}")
        for kind in kinds:
            sent = self._settings.probe.ehlo
            self._findings.saw(kind(self._service, sent, reply, talk.keywords))
        if reply.code != 250:
            raise Unheard(Reason.PROTOCOL, f"EHLO was not accepted: {reply.text}")

    async def _try_in_clear(self, talk: Conversation) -> None:
        """MAIL on a submission port and AUTH anywhere, before TLS, on our own hosts."""
        if not self._ours:
            return
        if self._service.port != RELAY_PORT and self._findings.wants(MailInClear):
            self._lead = [mail_from(self._settings.probe.sender), "RSET"]
        if not self._findings.wants(AuthInClear):
            return
        attempts: list[AuthAttempt] = []
        try:
            for mechanism in _MECHANISMS:
                attempts.append(await self._try_auth(talk, mechanism))
                if attempts[-1].reply.code in _NO_AUTH:
                    break
        except Unheard as unheard:
            if unheard.silence.reason is Reason.DISCONNECTED:
                raise _HungUp(unheard.silence.reason, unheard.silence.detail) from unheard
            raise
        self._findings.saw(AuthInClear(self._service, tuple(attempts)))

    async def _try_auth(self, talk: Conversation, mechanism: str) -> AuthAttempt:
        (reply,) = await self._exchange(talk, f"AUTH {mechanism}")
        if reply.code == 334:  # RFC 4954 section 4: `*` cancels the exchange
            await talk.ask("*")
        return AuthAttempt(mechanism, reply)

    async def _exchange(self, talk: Conversation, *commands: str) -> tuple[Reply, ...]:
        """Replies to commands that go after those in `lead`, in one group where that may be."""
        lead, self._lead = self._lead, []
        exchange = await talk.exchange([*lead, *commands])
        if lead:
            sender = self._settings.probe.sender
            self._findings.saw(MailInClear(self._service, sender, exchange.need(0)))
        return tuple(exchange.need(len(lead) + place) for place in range(len(commands)))

    async def _start_tls(self, talk: Conversation) -> None:
        """STARTTLS, the handshake and EHLO inside, as far as something wanted needs them."""
        offered = talk.offers("STARTTLS")
        if not offered:
            self._findings.saw(StartTls(self._service, False, None))
            words = "the service does not offer STARTTLS"
            self._findings.silent(Silence(Reason.NOT_OFFERED, words), *_BEHIND_TLS)
        if not (offered and self._findings.wants(*_BEHIND_TLS, StartTls, *_BY_PATH)):
            await self._exchange(talk)
            return
        (reply,) = await self._exchange(talk, "STARTTLS")
        self._findings.saw(StartTls(self._service, True, reply))
        if reply.code != 220:
            reason = Reason.DEFERRED if reply.transient else Reason.REFUSED
            silence = Silence(reason, f"STARTTLS was refused with {reply.text}")
            return self._findings.silent(silence, *_BEHIND_TLS)
        await self._enter_tls(talk)
        await self._ehlo(talk, EhloInTls)
        self._saw_tickets()

    async def _enter_tls(self, talk: Conversation, *, implicit: bool = False) -> None:
        handshake = await talk.enter_tls(self._service.host, implicit=implicit)
        self._tls = handshake.stream
        self._findings.saw(handshake.fact(self._service))
        trust = self._collector.trust
        if trust is not None and self._findings.wants(CertificateChain):
            self._saw_chain(handshake, trust)

    def _saw_chain(self, handshake: Handshake, trust: "TrustStore") -> None:
        now = self._collector.origin.clock()
        try:
            chain = trust.chain_fact(self._service, handshake.chain, now, self._private_ca)
        except UsageError as error:
            self._findings.silent(Silence(Reason.INTERNAL, str(error)), CertificateChain)
        else:
            self._findings.saw(chain)

    def _saw_tickets(self) -> None:
        """Notes the tickets: a server that sends any has done so before its reply to EHLO."""
        tickets = None if self._tls is None else tickets_of(self._tls.tls, self._service)
        if tickets is None:
            self._findings.silent(_TICKETS_UNSEEN, SessionTickets)
        else:
            self._findings.saw(tickets)

    def _saw_failed_tls(self, failed: TlsFailed) -> None:
        if failed.handshake is not None:
            self._findings.saw(failed.handshake.fact(self._service))
        self._findings.silent(failed.silence, *_BEHIND_TLS)
        nothing_in_clear = self._service.port == IMPLICIT_TLS_PORT
        if nothing_in_clear or failed.silence.reason is Reason.THROTTLED:
            self._ended(failed.silence)

    async def _submit_unauthenticated(self, talk: Conversation) -> None:
        """MAIL and RCPT without login inside TLS on a submission port of ours."""
        wanted = self._findings.wants(UnauthenticatedMail) and talk.encrypted
        if not wanted or not self._ours or self._service.port == RELAY_PORT:
            return
        probe = self._settings.probe
        local = f"postmaster@{self._served[0]}" if self._served else None
        foreign = probe.recipient if domain_of(probe.recipient) not in self._served else None
        recipients = [recipient for recipient in (local, foreign) if recipient is not None]
        controls = self._controls_that_fit(talk, len(recipients))
        commands = [*map(rcpt_to, recipients), *(rcpt_to(each.recipient) for each in controls)]
        exchange = await talk.exchange(
            [mail_from(probe.sender), *commands, "RSET", "QUIT"], mail_first=True
        )
        mail = exchange.need(0)
        self._saw_controls(talk, exchange, controls, mail, 1 + len(recipients))
        replies: dict[str, RcptReply] = {}
        if mail.positive:
            for place, recipient in enumerate(recipients, start=1):
                replies[recipient] = RcptReply(recipient, exchange.need(place))
        self._findings.saw(
            UnauthenticatedMail(
                self._service,
                sender=probe.sender,
                mail=mail,
                foreign=replies.get(foreign or ""),
                local=replies.get(local or ""),
            )
        )

    @property
    def _questions(self) -> list["_Question"]:
        """The role mailboxes that are left to ask for: postmaster of every domain first."""
        return [
            _Question(kind, path, f"{name}@{path.domain}")
            for kind, name in _MAILBOXES.items()
            for path in self._findings.open_paths(kind)
        ]

    async def _ask_recipients(self, talk: Conversation) -> None:
        """The role mailboxes of every domain behind this service, until the server has enough."""
        mail: Reply | None = None
        asked = 0
        while talk.refusals < MAX_REFUSALS:
            questions = self._questions
            if not questions:
                return await self._ask_controls(talk, mail)
            lead = [mail_from(self._settings.probe.sender)] if mail is None else []
            room = min(MAX_REFUSALS - talk.refusals - len(lead), MAX_RECIPIENTS - asked)
            batch = questions[:room]
            asked += len(batch)
            commands = [rcpt_to(question.mailbox) for question in batch]
            last = len(batch) == len(questions)
            controls = self._controls_that_fit(talk, len(lead) + len(batch)) if last else ()
            if last and (controls or not self._findings.wants(RelayControls)):
                commands += [rcpt_to(each.recipient) for each in controls]
                commands += ["RSET", "QUIT"]
            elif asked == MAX_RECIPIENTS:
                commands += ["RSET"]
            exchange = await talk.exchange([*lead, *commands])
            mail = mail or exchange.need(0)
            self._saw_controls(talk, exchange, controls, mail, len(lead) + len(batch))
            if not mail.positive:
                for question in questions:
                    self._saw_recipient(question, mail, None)
                return
            for place, question in enumerate(batch, start=len(lead)):
                self._saw_recipient(question, mail, exchange.need(place))
            if asked == MAX_RECIPIENTS:
                mail, asked = None, 0

    def _new_controls(self) -> tuple[Envelope, ...]:
        """What relay probes will need beside their forms."""
        probe, served = self._settings.probe, self._served[0] if self._served else ""
        service = self._service
        names = Names(probe.sender, probe.recipient, service.host, service.address, served)
        return controls(names, f"mailproof-{secrets.token_hex(4)}")

    def _controls_that_fit(self, talk: Conversation, others: int) -> tuple[Envelope, ...]:
        """The controls, where they may be refused behind as many other commands."""
        wanted = self._findings.wants(RelayControls)
        fit = talk.refusals + others + len(self._controls) <= MAX_REFUSALS
        return self._controls if wanted and fit else ()

    async def _ask_controls(self, talk: Conversation, mail: Reply | None) -> None:
        """The controls alone, in the transaction that is open, if one is."""
        controls = self._controls_that_fit(talk, 0)
        if not controls or talk.finished or (mail is not None and not mail.positive):
            return
        lead = [mail_from(self._settings.probe.sender)] if mail is None else []
        asked = [rcpt_to(each.recipient) for each in controls]
        exchange = await talk.exchange([*lead, *asked, "RSET", "QUIT"])
        self._saw_controls(talk, exchange, controls, mail or exchange.need(0), len(lead))

    def _saw_controls(
        self,
        talk: Conversation,
        exchange: Exchange,
        controls: Sequence[Envelope],
        mail: Reply,
        place: int,
    ) -> None:
        """Notes the controls, where all were answered. place: of the first in the exchange."""
        rcpts = exchange.replies[place : place + len(controls)] if mail.positive else ()
        if not controls or None in rcpts:
            return
        ehlo = self._settings.probe.ehlo
        forms = tuple(
            form_tried(each, ehlo, encrypted=talk.encrypted, mail=mail, rcpt=rcpt)
            for each, rcpt in zip(controls, rcpts or [None] * len(controls), strict=True)
        )
        self._findings.saw(RelayControls(self._service, self._source, forms))

    def _saw_recipient(self, question: "_Question", mail: Reply, rcpt: Reply | None) -> None:
        path, mailbox = question.path, question.mailbox
        if question.kind is RoleRecipient:
            sender = self._settings.probe.sender
            return self._findings.saw(RoleRecipient(path, sender, mail, mailbox, rcpt))
        replies = () if rcpt is None else (RcptReply(mailbox, rcpt),)
        return self._findings.saw(RoleMailboxes(path, mail, replies))

    async def _ask_further_recipients(self) -> None:
        """The role mailboxes that the first connection left over, in a few more.

        One more for mailboxes that mail can be without.
        """
        for number in range(MAX_WALK_CONNECTIONS - 1):
            wanted = _BY_PATH if number == 0 else (RoleRecipient,)
            if not any(self._findings.open_paths(kind) for kind in wanted):
                break
            async with self._connected() as connection:
                if connection.attempt.silence is not None:
                    self._ended(connection.attempt.silence)
                if connection.talk is None:
                    return
                await self._ask_only_recipients(connection.talk)
        words = f"not asked: {MAX_REFUSALS} refusals in each of {MAX_WALK_CONNECTIONS} connections"
        self._findings.silent(Silence(Reason.INTERRUPTED, words), RoleRecipient)
        words = f"not asked: the service refused {MAX_REFUSALS} mailboxes in each connection"
        self._findings.silent(Silence(Reason.INTERRUPTED, words), RoleMailboxes)

    async def _ask_only_recipients(self, talk: Conversation) -> None:
        self._note("another connection, for further recipients")
        try:
            await self._greet(talk)
            await self._ehlo(talk)
            if self._tls is not None:
                await self._start_tls(talk)
            await self._ask_recipients(talk)
        except Unheard as unheard:
            self._ended(unheard.silence)
        await talk.quit()
        self._transcript += talk.lines

    def _ended(self, silence: Silence) -> None:
        """Notes why nothing more comes; what was said up to here stays in the transcript."""
        self._findings.silent(silence, *(self._findings.wanted - {Transcript}))


class _Question(NamedTuple):
    """A mailbox to ask for on the way of mail into its domain, and the fact that tells of it."""

    kind: type[Fact]
    path: Path
    mailbox: str
