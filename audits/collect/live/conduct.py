"""How our own services behave towards what a sender asks seldom, or never."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.budget import of_conduct
from audits.collect.live.conversation import (
    FAREWELL_S,
    Connected,
    Conversation,
    Deadline,
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
    known_silence,
    mail_from,
    rcpt_to,
    served_domains,
    silence_of_address,
    silence_of_roles,
)
from audits.collect.live.tcp import Unheard, target_of
from audits.facts.conduct import (
    AddressCommand,
    AddressCommands,
    EarlyTalk,
    HelpReply,
    InjectionAttempt,
    LocalRecipients,
    MailBeforeTls,
    StarttlsInjection,
)
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, Unobserved
from audits.facts.smtp import EhloReply, RcptReply, Reply, StartTls
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

# How long the second command is held back, for servers that look late at what has come.
SPLIT_S = 0.05

_ASKED = (MailBeforeTls, LocalRecipients, AddressCommands, HelpReply)
_ONLY_RELAY_PORT = (MailBeforeTls, LocalRecipients, EarlyTalk)

_NOT_RELAY_PORT = Silence(Reason.SKIPPED, "only port 25 takes mail from strangers")
_TLS_FROM_THE_START = Silence(Reason.SKIPPED, "465 is TLS from the start")
_SERVES_NOBODY = Silence(Reason.ABSENT, "no domain is known that the host takes mail for")
_ENOUGH = Silence(
    Reason.INTERRUPTED, f"not asked: the service refused {MAX_REFUSALS} commands already"
)
# RFC 5321 section 4.2.4: the service does not know the command, or not with this argument.
_UNKNOWN_COMMAND = frozenset({500, 501, 502, 504})


class ConductWalk:
    """Asks our own services what a sender asks seldom, in at most three connections.

    The first asks for mailboxes, VRFY, EXPN and HELP; on port 25 it ends in STARTTLS with NOOP a
    moment behind it. The second sends STARTTLS and NOOP at once; the third, on port 25 alone, talks
    before the greeting. Never sends DATA.
    """

    name: ClassVar[str] = "conduct"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({*_ASKED, StarttlsInjection, EarlyTalk})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloReply, StartTls, TlsHandshake}
    )

    def __init__(
        self, origin: Origin, wanted: Iterable[type[Fact]], settings: Settings, pace: Pace
    ) -> None:
        self.origin = origin
        self.wanted = frozenset(wanted) & self.provides
        self.settings = settings
        self.pace = pace

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact about the service, or why it is missing."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        findings = Findings(self.wanted, subject)
        silence = _unasked(subject, seen)
        if silence is not None:
            findings.rest(silence)
        else:
            _leave_out(findings, subject, seen)
            if findings.open:
                await _Walk(self, subject, seen, findings).run()
        return findings.observations(self.origin.live(self.name))


def _unasked(service: Service, seen: Snapshot) -> Silence | None:
    """Why nothing at all is asked of a service."""
    roles = seen.fact(HostRoles, MailHost(service.host))
    if roles is None:
        return silence_of_roles(service)
    if not roles.in_inventory:
        return NOT_OURS
    if not service.address:
        return silence_of_address(service, seen)
    return known_silence(service, seen)


def _leave_out(findings: Findings, service: Service, seen: Snapshot) -> None:
    """Notes what is not asked of this service."""
    if service.port != RELAY_PORT:
        findings.silent(_NOT_RELAY_PORT, *_ONLY_RELAY_PORT)
    if service.port == IMPLICIT_TLS_PORT:
        findings.silent(_TLS_FROM_THE_START, StarttlsInjection)
    for kind in (StartTls, TlsHandshake):
        met = seen.get(kind, service)
        if isinstance(met, Unobserved):
            words = f"TLS after STARTTLS was not seen: {met.detail}"
            findings.silent(Silence(met.reason, words), StarttlsInjection)
    handshake = seen.fact(TlsHandshake, service)
    if handshake is not None and not handshake.completed:
        words = f"no TLS handshake succeeds: {handshake.error}"
        findings.silent(Silence(Reason.TLS, words), StarttlsInjection)


class _Walk:
    """The connections to one service."""

    def __init__(
        self, collector: ConductWalk, service: Service, seen: Snapshot, findings: Findings
    ) -> None:
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        roles = seen.fact(HostRoles, MailHost(service.host))
        self._settings = collector.settings
        self._pace = collector.pace
        self._service = service
        self._findings = findings
        self._target = target_of(service, declared, self._settings.redirect)
        self._deadline = Deadline(self._settings.limits.host_s)
        self._served = served_domains(roles, declared) if roles is not None else ()
        self._nobody = f"mailproof-{secrets.token_hex(4)}"
        self._attempts: list[InjectionAttempt] = []
        self._made = 0

    async def run(self) -> None:
        if self._findings.wants(*_ASKED):
            await self._ask()
        if self._findings.wants(StarttlsInjection):
            await self._inject()
        if self._findings.wants(EarlyTalk):
            await self._talk_early()

    def _connected(self) -> AbstractAsyncContextManager[Connected]:
        self._made += 1
        return connected(self._target, self._settings, self._pace, self._deadline)

    # --- mailboxes and questions ----------------------------------------------------------------

    async def _ask(self) -> None:
        async with self._connected() as met:
            talk = met.talk
            if talk is None:
                return self._silent(met, *_ASKED)
            try:
                await self._introduce(talk)
                await self._ask_recipients(talk)
                await self._ask_commands(talk)
                if self._may_inject_late(talk):
                    self._attempts.append(await self._attempt(talk, SPLIT_S))
            except Unheard as unheard:
                self._findings.silent(unheard.silence, *_ASKED)
            await talk.quit()

    async def _introduce(self, talk: Conversation) -> None:
        """Up to the EHLO after which anything may be asked; inside TLS on submission ports."""
        if self._service.port == IMPLICIT_TLS_PORT:
            await talk.enter_tls(self._service.host, implicit=True)
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")
        await self._ehlo(talk)
        if self._service.port != RELAY_PORT and not talk.encrypted and talk.offers("STARTTLS"):
            await self._start_tls(talk)

    async def _ehlo(self, talk: Conversation) -> None:
        reply = await talk.ehlo()
        talk.check_in_step()
        if reply.code != 250:
            reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
            raise Unheard(reason, f"EHLO was not accepted: {reply.text}")

    async def _start_tls(self, talk: Conversation) -> None:
        reply = await talk.ask("STARTTLS")
        if reply.code != 220:
            reason = Reason.DEFERRED if reply.transient else Reason.REFUSED
            raise Unheard(reason, f"STARTTLS was refused with {reply.text}")
        await talk.enter_tls(self._service.host)
        await self._ehlo(talk)

    async def _ask_recipients(self, talk: Conversation) -> None:
        if not self._findings.wants(MailBeforeTls, LocalRecipients):
            return
        if not self._served or not self._findings.wants(LocalRecipients):
            self._findings.silent(_SERVES_NOBODY, LocalRecipients)
            if self._findings.wants(MailBeforeTls):
                reply, _ = await self._exchange(talk, self._mail, "RSET", needed=1)
                self._saw_mail(reply)
            return
        replies = await self._exchange(talk, *self._transactions, needed=1)
        self._saw_mail(replies[0])
        first = replies[0]
        if first is not None and first.wants_tls and talk.offers("STARTTLS"):
            await self._start_tls(talk)
            replies = await self._exchange(talk, *self._transactions, needed=1)
        self._saw_recipients(talk, replies)

    @property
    def _mail(self) -> str:
        return mail_from(self._settings.probe.sender)

    @property
    def _recipients(self) -> tuple[str, str, str]:
        """Postmaster of a served domain, a mailbox that is nobody's there, postmaster alone."""
        domain = self._served[0]
        return f"postmaster@{domain}", f"{self._nobody}@{domain}", "postmaster"

    @property
    def _transactions(self) -> tuple[str, ...]:
        postmaster = rcpt_to(self._recipients[0])
        return (
            self._mail, *map(rcpt_to, self._recipients), "RSET", mail_from(""), postmaster, "RSET",
        )  # fmt: skip

    async def _exchange(
        self, talk: Conversation, *commands: str, needed: int
    ) -> tuple[Reply | None, ...]:
        """Replies to commands, of which the first few must have come; raises Unheard."""
        exchange = await talk.exchange(commands)
        if exchange.silence is not None:
            raise exchange.unheard
        for place in range(needed):
            exchange.need(place)
        talk.check_in_step()
        return exchange.replies

    def _saw_mail(self, reply: Reply | None) -> None:
        if reply is not None:
            sender = self._settings.probe.sender
            self._findings.saw(MailBeforeTls(self._service, sender, reply))

    def _saw_recipients(self, talk: Conversation, replies: Sequence[Reply | None]) -> None:
        mail, *rcpts, _, null_mail, null_rcpt, _ = replies
        if mail is None or null_mail is None:
            return
        asked = [
            RcptReply(recipient, rcpt) if rcpt is not None and mail.positive else None
            for recipient, rcpt in zip(self._recipients, rcpts, strict=True)
        ]
        self._findings.saw(
            LocalRecipients(
                self._service,
                encrypted=talk.encrypted,
                seen_as=self._settings.vantage.addresses,
                sender=self._settings.probe.sender,
                mail=mail,
                known=asked[0],
                unknown=asked[1],
                bare=asked[2],
                null_mail=null_mail,
                null_rcpt=null_rcpt if null_mail.positive else None,
            )
        )

    async def _ask_commands(self, talk: Conversation) -> None:
        """VRFY, EXPN and HELP: each ends a group (RFC 2920 section 3.1), so one at a time."""
        if self._findings.wants(AddressCommands):
            suffix = f"@{self._served[0]}" if self._served else ""
            known = await self._address_command(talk, f"VRFY postmaster{suffix}")
            unknown = None
            if known.reply.code not in _UNKNOWN_COMMAND:
                unknown = await self._address_command(talk, f"VRFY {self._nobody}{suffix}")
            expansion = await self._address_command(talk, f"EXPN postmaster{suffix}")
            self._findings.saw(
                AddressCommands(self._service, talk.encrypted, known, unknown, expansion)
            )
        if self._findings.wants(HelpReply):
            command = await self._address_command(talk, "HELP")
            self._findings.saw(HelpReply(self._service, command.reply))

    async def _address_command(self, talk: Conversation, command: str) -> AddressCommand:
        if talk.refusals >= MAX_REFUSALS:
            raise Unheard(_ENOUGH.reason, _ENOUGH.detail)
        reply = await talk.ask(command)
        talk.check_in_step()
        return AddressCommand(command, reply)

    # --- injection ------------------------------------------------------------------------------

    def _may_inject_late(self, talk: Conversation) -> bool:
        wanted = self._findings.wants(StarttlsInjection)
        return wanted and not talk.encrypted and talk.offers("STARTTLS")

    async def _inject(self) -> None:
        """STARTTLS and NOOP in one segment, then apart, unless that was tried already."""
        gaps = (0.0,) if self._attempts else (0.0, SPLIT_S)
        left = of_conduct(self._service) - self._made - self._findings.wants(EarlyTalk)
        for gap_s in gaps[:left]:
            async with self._connected() as met:
                if met.talk is None:
                    return self._silent(met, StarttlsInjection)
                try:
                    await self._greet_in_clear(met.talk)
                except Unheard as unheard:
                    await met.talk.quit()
                    return self._findings.silent(unheard.silence, StarttlsInjection)
                self._attempts.append(await self._attempt(met.talk, gap_s))
                await met.talk.quit()
            if self._attempts[-1].out_of_step:
                break
        attempts = tuple(sorted(self._attempts, key=lambda attempt: attempt.gap_s))
        self._findings.saw(StarttlsInjection(self._service, attempts))

    async def _greet_in_clear(self, talk: Conversation) -> None:
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")
        await self._ehlo(talk)
        if not talk.offers("STARTTLS"):
            raise Unheard(Reason.NOT_OFFERED, "the service does not offer STARTTLS this time")

    async def _attempt(self, talk: Conversation, gap_s: float) -> InjectionAttempt:
        """One attempt in a conversation where EHLO was answered; nothing is pending before it."""
        starttls: Reply | None = None
        inside: list[Reply] = []
        try:
            await talk.interject("STARTTLS", "NOOP", answered=1, gap_s=gap_s or None)
            starttls = await talk.reply("reply to STARTTLS")
            if starttls.code != 220:
                return InjectionAttempt(gap_s, starttls, (), None)
            announced = bool(talk.keywords)
            await talk.enter_tls(self._service.host)
            inside.append(await talk.ehlo())
            if announced and inside[0].code == 250 and not talk.keywords:
                # No reply to EHLO, it seems. QUIT would come too early for the one that is due.
                further = await talk.further_reply(min(FAREWELL_S, self._settings.limits.reply_s))
                inside += [] if further is None else [further]
            if len(inside) == 1:
                inside.append(await talk.ask("QUIT"))
        except TlsFailed as failed:
            return InjectionAttempt(gap_s, starttls, (), failed.silence)
        except Unheard as unheard:
            return InjectionAttempt(gap_s, starttls, tuple(inside), unheard.silence)
        return InjectionAttempt(gap_s, starttls, tuple(inside), None)

    # --- early talk -----------------------------------------------------------------------------

    async def _talk_early(self) -> None:
        async with self._connected() as met:
            talk = met.talk
            if talk is None:
                return self._silent(met, EarlyTalk)
            replies: list[Reply] = []
            ended: Silence | None = None
            try:
                await talk.interject(f"EHLO {self._settings.probe.ehlo}", "NOOP")
                replies.append(await talk.greeting())
                for command in ("EHLO", "NOOP"):
                    replies.append(await talk.reply(f"reply to {command}"))
                talk.check_in_step()
            except Unheard as unheard:
                ended = unheard.silence
            if not replies and ended is not None and ended.reason is Reason.TIMEOUT:
                return self._findings.silent(ended, EarlyTalk)
            self._findings.saw(EarlyTalk(self._service, tuple(replies), ended))
            await talk.quit()

    def _silent(self, met: Connected, *kinds: type[Fact]) -> None:
        silence = met.attempt.silence
        if silence is None:
            silence = Silence(Reason.INTERNAL, f"{self._target} is open, but no talk came of it")
        self._findings.silent(silence, *kinds)
