"""Attempts to relay through our own services: up to RCPT unless more was asked for."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from msgspec import structs

from audits.collect.collector import Origin
from audits.collect.live.canary import Canary
from audits.collect.live.conversation import Conversation, Deadline, Exchange, connected
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
from audits.collect.live.tcp import Target, Unheard, target_of
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    unobserved,
)
from audits.facts.relay import (
    BackscatterProbe,
    DataReply,
    Delivery,
    FormOutcome,
    RelayForm,
    RelayProbes,
)
from audits.facts.smtp import EhloReply, Reply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.parse.relay_form import (
    FORGED_EHLO,
    LITERAL,
    LOCAL_SENDER,
    MALFORMED,
    SENDERS,
    USUAL,
    Envelope,
    Names,
    Transactions,
    envelope,
    form_of,
    split,
)
from audits.parse.relay_reply import classify
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

_NO_CONTROL = Silence(Reason.NOT_DECLARED, "no domain is known that this host serves")
_NOT_AN_MX = Silence(Reason.SKIPPED, "mail for a domain comes in on port 25")
_LOCK_STEP_SIZE = 3
_START_MAIL_INPUT = 354

Envelopes = Sequence[Sequence[Envelope]]


@dataclass(frozen=True)
class Beyond:
    """What is done beyond RCPT, because the command line asked for it.

    data_abort: what is accepted is asked for DATA too, and the connection closed without content;
    RFC 5321 section 4.1.1.10 has a server drop the message then. canary: one message for each host
    that accepts anything, to a mailbox of the operator's own.
    """

    data_abort: bool = False
    canary: Canary | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The options that ask for it, without hyphens in front."""
        return self.names_of(data_abort=self.data_abort, canary=self.canary is not None)

    @staticmethod
    def names_of(*, data_abort: bool, canary: bool) -> tuple[str, ...]:
        options = {"canary": canary, "data-abort": data_abort}
        return tuple(name for name, asked in options.items() if asked)


UP_TO_RCPT = Beyond()


class RelayWalk:
    """Tries the usual ways of relaying at hosts of the inventory, without login.

    The usual forms go through one connection, in clear and again inside TLS on port 25, inside TLS
    on the others where they offer it; the controls go through a last one. Where all forms are
    wanted, the others go through more: together they would be refused often enough for Postfix to
    slow down, and be wrong often enough for Exim to hang up.

    Never sends DATA unless told to go beyond RCPT.
    """

    name: ClassVar[str] = "relay"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({RelayProbes, BackscatterProbe})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloReply}
    )

    def __init__(
        self,
        origin: Origin,
        wanted: Iterable[type[Fact]],
        settings: Settings,
        pace: Pace,
        beyond: Beyond = UP_TO_RCPT,
    ) -> None:
        self.origin = origin
        self.wanted = frozenset(wanted) & self.provides
        self.settings = settings
        self.pace = pace
        self.beyond = beyond

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """The probes of the service, or why there are none."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        if not self.wanted:
            return ()
        found = await self._probe(subject, seen)
        provenance = self.origin.live(self.name)
        observations: list[AnyObservation] = []
        for kind in self.wanted:
            fact = found if isinstance(found, Silence) else found[kind]
            if isinstance(fact, Silence):
                observations += unobserved([kind], subject, fact.reason, fact.detail, provenance)
            else:
                observations.append(Observed(fact, provenance))
        return observations

    async def _probe(
        self, service: Service, seen: Snapshot
    ) -> dict[type[Fact], Fact | Silence] | Silence:
        roles = seen.fact(HostRoles, MailHost(service.host))
        if roles is None:
            return silence_of_roles(service)
        if not roles.in_inventory:
            return NOT_OURS
        if not service.address:
            return silence_of_address(service, seen)
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        served = served_domains(roles, declared)
        if domain_of(self.settings.probe.recipient) in served:
            words = (
                "probe.recipient is in a domain that this host serves; "
                "set probe.recipient to a mailbox elsewhere"
            )
            return Silence(Reason.NOT_DECLARED, words)
        known = _known_silence(service, seen)
        if known is not None:
            return known
        target = target_of(service, declared, self.settings.redirect)
        if self.beyond.canary is not None:
            self.beyond.canary.remember(seen)
        return await _Walk(self, service, target, served, roles).run(seen)


def _known_silence(service: Service, seen: Snapshot) -> Silence | None:
    """Why there is nothing to ask, as far as this run already knows."""
    for kind in (PortState, EhloReply):
        met = seen.get(kind, service)
        if isinstance(met, Unobserved):
            return Silence(met.reason, met.detail)
    port = seen.fact(PortState, service)
    if port is None or port.state == "open":
        return None
    reason = Reason.REFUSED if port.state == "closed" else Reason.FILTERED
    return Silence(reason, f"{port.dialled} is {port.state}: {port.detail}")


class _Walk:
    """The connections to one service."""

    def __init__(
        self,
        collector: RelayWalk,
        service: Service,
        target: Target,
        served: Sequence[str],
        roles: HostRoles,
    ) -> None:
        self._settings = collector.settings
        self._pace = collector.pace
        self._data_abort = collector.beyond.data_abort
        self._canary = collector.beyond.canary
        self._service = service
        self._target = target
        self._served = served
        self._roles = roles
        self._deadline = Deadline(self._settings.limits.host_s)
        self._source = ""
        self._encrypted = False
        self._offers_tls = False
        self._pipelining = False
        probe = self._settings.probe
        first = served[0] if served else ""
        self._names = Names(probe.sender, probe.recipient, service.host, service.address, first)

    async def run(self, seen: Snapshot) -> dict[type[Fact], Fact | Silence] | Silence:
        usual = await self._try(self._envelopes(USUAL))
        if isinstance(usual, Silence):
            return usual
        forms = list(usual)
        if self._service.port == RELAY_PORT and self._offers_tls:
            forms += await self._try_or_tell(self._envelopes(USUAL), inside_tls=True)
        senders: list[list[Envelope]] = []
        if self._settings.probe.relay_forms == "all":
            forms += await self._try_rare()
            senders = self._envelopes(self._senders)
        controls = self._controls()
        last = await self._try_or_tell([*senders, controls])
        forms += last[: len(last) - len(controls)]
        answered = last[len(last) - len(controls) :]
        trusted = self._is_trusted(seen)
        data = () if trusted or not self._data_abort else await self._ask_data(forms)
        delivery = None if trusted else await self._prove(forms, seen)
        probes = RelayProbes(
            self._service, self._source, trusted, tuple(forms), answered, data, delivery
        )
        return {RelayProbes: probes, BackscatterProbe: await self._backscatter(probes, seen)}

    def _is_trusted(self, seen: Snapshot) -> bool:
        """Whether we are seen under an address that the inventory gives to the host itself."""
        if self._source == self._target.address and not self._target.redirected:
            return True
        declared = seen.fact(DeclaredHost, MailHost(self._service.host))
        if declared is None:
            return False
        own = {*declared.addresses, *declared.sends_from}
        return not own.isdisjoint({*self._settings.vantage.addresses, self._source})

    # --- up to RCPT -----------------------------------------------------------------------------

    def _envelopes(self, transactions: Transactions) -> list[list[Envelope]]:
        return [[envelope(form, self._names) for form in forms] for forms in transactions]

    @property
    def _senders(self) -> Transactions:
        return (*SENDERS, (LOCAL_SENDER,)) if self._served else SENDERS

    async def _try_rare(self) -> list[RelayForm]:
        """The forms that seldom find more, but for those in the connection of the controls."""
        literal = [LITERAL] if self._pipelining else split(LITERAL[0], _LOCK_STEP_SIZE)
        forms: list[RelayForm] = []
        for transactions in (*literal, MALFORMED, *(((form,),) for form in FORGED_EHLO)):
            forms += await self._try_or_tell(self._envelopes(transactions))
        return forms

    def _controls(self) -> list[Envelope]:
        """Recipients that exist nowhere: at a domain served here, at the host, at no domain.

        RFC 2606 section 2: `.invalid` is never delegated.
        """
        word = f"mailproof-{secrets.token_hex(4)}"
        recipients = {
            "<S> <random>@served": f"{word}@{self._served[0]}" if self._served else "",
            "<S> <random>@H": f"{word}@{self._service.host}",
            "<S> x@<random>.invalid": f"mailproof@{word}.invalid",
        }
        sender = self._settings.probe.sender
        return [Envelope("", label, "", sender, to) for label, to in recipients.items() if to]

    async def _try_or_tell(
        self, transactions: Envelopes, *, inside_tls: bool = False
    ) -> tuple[RelayForm, ...]:
        """Transactions in one connection, or the same untested where it never came to MAIL."""
        met = await self._try(transactions, inside_tls=inside_tls)
        if not isinstance(met, Silence):
            return met
        encrypted = inside_tls or self._service.port != RELAY_PORT
        return tuple(
            self._form(each, encrypted, None, None, met.detail)
            for envelopes in transactions
            for each in envelopes
        )

    async def _try(
        self, transactions: Envelopes, *, inside_tls: bool = False
    ) -> tuple[RelayForm, ...] | Silence:
        """Transactions in one connection, one MAIL each; a silence where it never came to MAIL."""
        ehlo = transactions[0][0].ehlo
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.attempt.stream is None or met.talk is None:
                words = f"{self._target} is open, but no talk came of it"
                return met.attempt.silence or Silence(Reason.INTERNAL, words)
            self._source = self._source or met.attempt.stream.local_address
            try:
                said = await self._introduce(met.talk, ehlo, inside_tls)
                if said.code != 250:
                    await met.talk.quit()
                    return tuple(self._refused(each, met.talk, said) for each in transactions[0])
            except Unheard as unheard:
                await met.talk.quit()
                return unheard.silence
            exchange = await met.talk.exchange(_commands(transactions))
            await met.talk.quit()
            return tuple(self._read(transactions, exchange, met.talk.encrypted))

    async def _introduce(self, talk: Conversation, ehlo: str, inside_tls: bool) -> Reply:
        """Up to the EHLO after which MAIL may come, and its reply; raises Unheard.

        What is not our own name, but `ehlo`, may be refused.
        """
        if self._service.port == IMPLICIT_TLS_PORT:
            await talk.enter_tls(self._service.host, implicit=True)
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")
        said = await self._ehlo(talk, ehlo)
        if said.code == 250 and await self._starts_tls(talk, inside_tls):
            await talk.enter_tls(self._service.host)
            said = await self._ehlo(talk, ehlo)
        self._pipelining = talk.offers("PIPELINING")
        return said

    async def _starts_tls(self, talk: Conversation, inside_tls: bool) -> bool:
        """Whether STARTTLS was offered, wanted and answered with 220; raises Unheard."""
        self._offers_tls = talk.offers("STARTTLS")
        optional = self._service.port != RELAY_PORT and not talk.encrypted
        if inside_tls and not self._offers_tls:
            raise Unheard(Reason.PROTOCOL, "STARTTLS was not offered this time")
        if not inside_tls and not (optional and self._offers_tls):
            return False
        reply = await talk.ask("STARTTLS")
        if inside_tls and reply.code != 220:
            reason = reply.put_off or Reason.TLS
            raise Unheard(reason, f"STARTTLS was not accepted: {reply.text}")
        return reply.code == 220

    async def _ehlo(self, talk: Conversation, forged: str) -> Reply:
        reply = await (talk.ask(f"EHLO {forged}") if forged else talk.ehlo())
        if reply.code != 250 and not forged:
            reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
            raise Unheard(reason, f"EHLO was not accepted: {reply.text}")
        return reply

    def _read(
        self, transactions: Envelopes, exchange: Exchange, encrypted: bool
    ) -> Iterator[RelayForm]:
        """The forms with their replies, from an exchange of `_commands(transactions)`."""
        place = 0
        for envelopes in transactions:
            mail = exchange.replies[place]
            for number, each in enumerate(envelopes, start=1):
                rcpt = exchange.replies[place + number] if mail is None or mail.positive else None
                missing = mail is None or (mail.positive and rcpt is None)
                silence = exchange.silence.detail if missing and exchange.silence else ""
                yield self._form(each, encrypted, mail, rcpt, silence)
            place += len(envelopes) + 2

    def _form(
        self,
        sent: Envelope,
        encrypted: bool,
        mail: Reply | None,
        rcpt: Reply | None,
        silence: str,
    ) -> RelayForm:
        outcome, note = classify(mail, rcpt)
        return RelayForm(
            sent.pattern,
            sent.label,
            sent.ehlo or self._settings.probe.ehlo,
            encrypted,
            sent.sender,
            sent.recipient,
            mail,
            rcpt,
            outcome,
            silence or note,
        )

    def _refused(self, sent: Envelope, talk: Conversation, said: Reply) -> RelayForm:
        """A form whose EHLO was not accepted: with a forged name that is an answer."""
        outcome = FormOutcome.DEFERRED if said.transient else FormOutcome.DENIED
        untried = self._form(sent, talk.encrypted, None, None, f"EHLO was refused: {said.text}")
        return structs.replace(untried, outcome=outcome)

    # --- beyond RCPT, where it was asked for ----------------------------------------------------

    async def _ask_data(self, forms: Sequence[RelayForm]) -> tuple[DataReply, ...]:
        """DATA behind whatever was accepted, the strongest first, until one gets 354."""
        accepted = _by_strength(forms)
        told: list[DataReply] = []
        for kind in dict.fromkeys((form.ehlo, form.encrypted) for form in accepted):
            alike = [form for form in accepted if (form.ehlo, form.encrypted) == kind]
            for start in range(0, len(alike), MAX_REFUSALS):
                some = alike[start : start + MAX_REFUSALS]
                told += [
                    DataReply(forms.index(form), reply, note)
                    for form, (reply, note) in zip(some, await self._data_of(some), strict=False)
                ]
                if told and told[-1].reply is not None and told[-1].reply.code == _START_MAIL_INPUT:
                    return tuple(told)
        return tuple(told)

    async def _data_of(self, forms: Sequence[RelayForm]) -> list[tuple[Reply | None, str]]:
        """Replies to DATA, or why there are none, in one connection: the last, where it is 354.

        The connection is closed then without content, and without QUIT, which would be content.
        """
        told: list[tuple[Reply | None, str]] = []
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.talk is None:
                return [(None, met.attempt.detail)]
            try:
                await self._introduce_again(met.talk, _forged(forms[0]), forms[0].encrypted)
                for form in forms:
                    told.append(await _data(met.talk, form.mail_from, form.rcpt_to))
                    reply = told[-1][0]
                    if reply is not None and reply.code == _START_MAIL_INPUT:
                        return told
                    await met.talk.ask("RSET")
            except Unheard as unheard:
                told.append((None, unheard.silence.detail))
            await met.talk.quit()
        return told

    async def _introduce_again(self, talk: Conversation, ehlo: str, encrypted: bool) -> None:
        """The same way as when a form was accepted; raises Unheard."""
        said = await self._introduce(talk, ehlo, encrypted and self._service.port == RELAY_PORT)
        if said.code != 250:
            raise Unheard(Reason.PROTOCOL, f"EHLO was not accepted: {said.text}")

    async def _prove(self, forms: Sequence[RelayForm], seen: Snapshot) -> Delivery | None:
        """What comes of one message by the strongest form that was accepted."""
        best = next(iter(_by_strength(forms)), None)
        canary = self._canary
        if best is None or canary is None or not canary.claim(self._service.host):
            return None
        token = canary.token(seen.header.run, self._service.host, best.label)
        names = replace(self._names, recipient=canary.address(token))
        sent = envelope(form_of(best.label), names)
        return await self._deliver(canary, sent, best.encrypted, token)

    async def _backscatter(self, probes: RelayProbes, seen: Snapshot) -> BackscatterProbe | Silence:
        """What the control at a served domain says of it; with a canary, whether it bounces."""
        if self._service.port != RELAY_PORT:
            return _NOT_AN_MX
        if not self._served:
            return _NO_CONTROL
        control = probes.controls[0]
        canary = self._canary
        accepted = control.outcome is FormOutcome.ACCEPTED and not probes.trusted_vantage
        bounce = None
        if accepted and canary is not None and canary.claim(self._service.host):
            token = canary.token(seen.header.run, self._service.host, control.label)
            sender = canary.address(token)
            sent = Envelope("", control.label, "", sender, control.rcpt_to)
            bounce = await self._deliver(canary, sent, control.encrypted, token)
        return BackscatterProbe(self._service, self._served[0], control, bounce)

    async def _deliver(
        self, canary: Canary, sent: Envelope, encrypted: bool, token: str
    ) -> Delivery:
        """Sends one message and waits for it at the canary's mailbox."""
        if canary.domain in self._served:
            words = "not sent: the canary's domain is served by this host"
            return canary.delivery(sent, token, None, words)
        reply, note, gone = await self._send(canary, sent, encrypted, token)
        target = (self._service.host, *self._roles.addresses, *self._roles.sends_from)
        delivery = canary.delivery(sent, token, reply, note, target)
        if not gone or (reply is not None and not reply.positive):
            return delivery
        return await canary.awaited(delivery, self._deadline.ends)

    async def _send(
        self, canary: Canary, sent: Envelope, encrypted: bool, token: str
    ) -> tuple[Reply | None, str, bool]:
        """The reply to the end of the message, or why there is none; whether it left us."""
        content = canary.content(sent, token, self._service)
        gone = False
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.talk is None:
                return None, met.attempt.detail, gone
            try:
                await self._introduce_again(met.talk, sent.ehlo, encrypted)
                reply, note = await _data(met.talk, sent.sender, sent.recipient)
                if reply is not None and reply.code == _START_MAIL_INPUT:
                    gone = True
                    reply = await met.talk.deliver(content)
                else:
                    reply, note = None, note or "DATA was refused"
                await met.talk.quit()
            except Unheard as unheard:
                return None, unheard.silence.detail, gone
            return reply, note, gone


async def _data(talk: Conversation, sender: str, recipient: str) -> tuple[Reply | None, str]:
    """The reply to DATA, which is sent only once RCPT is accepted; else why not. Raises Unheard."""
    exchange = await talk.exchange([mail_from(sender), rcpt_to(recipient)])
    mail = exchange.need(0)
    if not mail.positive:
        return None, f"MAIL was refused: {mail.text}"
    rcpt = exchange.need(1)
    if not rcpt.positive:
        return None, f"RCPT was refused: {rcpt.text}"
    data = await talk.ask("DATA")
    return data, "" if data.code == _START_MAIL_INPUT else f"DATA was refused: {data.text}"


def _by_strength(forms: Sequence[RelayForm]) -> list[RelayForm]:
    """The accepted forms, those first that say most; one without a domain says nothing."""
    accepted = [
        form for form in forms if form.outcome is FormOutcome.ACCEPTED and form.names_a_domain
    ]
    return sorted(accepted, key=lambda form: not form.plain)


def _forged(form: RelayForm) -> str:
    """The name in EHLO, where it was not our own."""
    return form.ehlo if form.label.startswith("EHLO ") else ""


def _commands(transactions: Envelopes) -> list[str]:
    """All transactions in a row, RSET between them, QUIT at the end."""
    commands: list[str] = []
    for envelopes in transactions:
        commands += ["RSET"] if commands else []
        commands += [mail_from(envelopes[0].sender), *(rcpt_to(e.recipient) for e in envelopes)]
    return [*commands, "QUIT"]
