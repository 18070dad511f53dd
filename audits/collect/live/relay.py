"""Attempts to relay through our own services: up to RCPT unless more was asked for."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from msgspec import structs

from audits.collect.collector import Origin
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.conversation import Conversation, Exchange
from audits.collect.live.pace import Pace
from audits.collect.live.relay_proof import Proof
from audits.collect.live.service import (
    NOT_OURS,
    RELAY_PORT,
    domain_of,
    known_silence,
    mail_from,
    rcpt_to,
    served_domains,
    silence_of_address,
    silence_of_roles,
)
from audits.collect.live.tcp import Target, Unheard, target_of
from audits.collect.live.visits import Visits
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    unobserved,
)
from audits.facts.relay import (
    BackscatterProbe,
    DataReply,
    FormOutcome,
    RelayControls,
    RelayForm,
    RelayProbes,
)
from audits.facts.smtp import EhloReply, Reply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.parse.relay_form import (
    FORGED_EHLO,
    Envelope,
    Form,
    Names,
    controls,
    envelope,
    others,
    usual,
)
from audits.parse.relay_reply import form_tried
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

Envelopes = Sequence[Sequence[Envelope]]
Forms = tuple[RelayForm, ...]


class RelayWalk:
    """Tries the usual ways of relaying at hosts of the inventory, without login.

    The usual forms go through one connection, in clear and again inside TLS on port 25, inside TLS
    on the others where they offer it. The controls were asked in the usual conversation; where that
    had no room for them, they go through a connection of their own. Others that are wanted
    go through up to five more: together they would be refused often enough for Postfix to slow
    down, and be wrong often enough for Exim to hang up.

    Never sends DATA unless told to go beyond RCPT.
    """

    name: ClassVar[str] = "relay"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({RelayProbes, BackscatterProbe})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloReply, RelayControls}
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
        known = known_silence(service, seen)
        if known is not None:
            return known
        target = target_of(service, declared, self.settings.redirect)
        if self.beyond.canary is not None:
            self.beyond.canary.remember(seen)
        return await _Walk(self, service, target, served, roles).run(seen)


class _Walk:
    """The probes of one service, connection by connection."""

    def __init__(
        self,
        collector: RelayWalk,
        service: Service,
        target: Target,
        served: Sequence[str],
        roles: HostRoles,
    ) -> None:
        self._settings = collector.settings
        self._beyond = collector.beyond
        self._for_relaying = RelayProbes in collector.wanted
        self._service = service
        self._served = served
        self._roles = roles
        self._visits = Visits(service, target, collector.settings, collector.pace)
        probe = self._settings.probe
        first = served[0] if served else ""
        # MAIL was refused before, so that it is pointless to send RCPT along.
        self._mail_first = False
        self._names = Names(probe.sender, probe.recipient, service.host, service.address, first)

    async def run(self, seen: Snapshot) -> dict[type[Fact], Fact | Silence] | Silence:
        known = seen.fact(RelayControls, self._service)
        ehlo = seen.fact(EhloReply, self._service)
        if known is not None:
            self._visits.source = known.source
            self._mail_first = _refuses_mail(known.controls)
        if not self._for_relaying:
            answers = known.controls if known else await self._try_or_tell([self._controls()])
            return await self._proved((), answers, seen)
        first = self._envelopes(usual(serves=bool(self._served)))
        in_clear = asyncio.ensure_future(self._try(first))
        # Where the walk had a reply to MAIL, all go together; else one tells of it.
        if known is None:
            met = await in_clear
            if isinstance(met, Silence):
                return met
            self._mail_first = _refuses_mail(met[:1])
        asked = [] if known else self._controls()
        offered = _offers_tls(ehlo) if known else self._visits.offers_tls
        inside = first if offered and self._service.port == RELAY_PORT else ()
        *further, last = self._others()
        # Side by side, as far as the pace of the address lets them.
        tried = await asyncio.gather(
            self._try_or_tell(inside, inside_tls=True),
            *(self._try_or_tell(each) for each in further),
            self._try_or_tell([*last, *([asked] if asked else [])]),
        )
        met = await in_clear
        if isinstance(met, Silence):
            return met
        forms = [form for each in (met, *tried) for form in each]
        end = len(forms) - len(asked)
        return await self._proved(
            forms[:end], known.controls if known else tuple(forms[end:]), seen
        )

    def _others(self) -> list[list[list[Envelope]]]:
        """The rarer forms that are wanted, by connection, the last with room for more."""
        wanted = self._settings.probe.relay_forms
        if wanted == "usual":
            return [[]]
        forged = FORGED_EHLO if wanted == "all" else ()
        rarer = (*forged, *others(serves=bool(self._served)))
        return [self._envelopes(each) for each in rarer]

    async def _proved(
        self, forms: Sequence[RelayForm], controls: tuple[RelayForm, ...], seen: Snapshot
    ) -> dict[type[Fact], Fact | Silence]:
        """The facts, with what comes beyond RCPT where it was asked for and says something."""
        trusted = self._is_trusted(seen)
        target = (self._service.host, *self._roles.addresses, *self._roles.sends_from)
        canary = self._beyond.canary
        proof = Proof(self._visits, self._names, self._served, target, canary, seen.header.run)
        data: tuple[DataReply, ...] = ()
        if self._beyond.data_abort and not trusted:
            data = await proof.ask_data(forms)
        delivery = None if trusted else await proof.prove(forms, data)
        source = self._visits.source
        probes = RelayProbes(self._service, source, trusted, tuple(forms), controls, data, delivery)
        return {RelayProbes: probes, BackscatterProbe: await proof.backscatter(probes)}

    def _is_trusted(self, seen: Snapshot) -> bool:
        """Whether we are seen under an address that the inventory gives to the host itself."""
        if self._visits.comes_from_target:
            return True
        declared = seen.fact(DeclaredHost, MailHost(self._service.host))
        if declared is None:
            return False
        own = {*declared.addresses, *declared.sends_from}
        return not own.isdisjoint({*self._settings.vantage.addresses, self._visits.source})

    def _envelopes(self, transactions: Sequence[Sequence[Form]]) -> list[list[Envelope]]:
        return [[envelope(form, self._names) for form in forms] for forms in transactions]

    def _controls(self) -> list[Envelope]:
        return list(controls(self._names, f"mailproof-{secrets.token_hex(4)}"))

    async def _try_or_tell(
        self, transactions: Envelopes, *, inside_tls: bool = False
    ) -> tuple[RelayForm, ...]:
        """Transactions in one connection, or the same untested where it never came to MAIL."""
        if not transactions:
            return ()
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
        async with self._visits.connected() as met:
            if met.talk is None:
                words = f"{self._visits.target} is open, but no talk came of it"
                return met.attempt.silence or Silence(Reason.INTERNAL, words)
            try:
                said = await self._visits.introduce(met.talk, ehlo, inside_tls=inside_tls)
                if said.code != 250:
                    await met.talk.quit()
                    return tuple(self._refused(each, met.talk, said) for each in transactions[0])
            except Unheard as unheard:
                await met.talk.quit()
                return unheard.silence
            commands = _commands(transactions)
            exchange = await met.talk.exchange(commands, mail_first=self._mail_first)
            await met.talk.quit()
            return tuple(self._read(transactions, exchange, met.talk.encrypted))

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
        ehlo = self._settings.probe.ehlo
        return form_tried(sent, ehlo, encrypted=encrypted, mail=mail, rcpt=rcpt, silence=silence)

    def _refused(self, sent: Envelope, talk: Conversation, said: Reply) -> RelayForm:
        """A form whose EHLO was not accepted: with a forged name that is an answer."""
        outcome = FormOutcome.DEFERRED if said.transient else FormOutcome.DENIED
        untried = self._form(sent, talk.encrypted, None, None, f"EHLO was refused: {said.text}")
        return structs.replace(untried, outcome=outcome)


def _offers_tls(ehlo: EhloReply | None) -> bool:
    return ehlo is not None and any(each.name == "STARTTLS" for each in ehlo.keywords)


def _refuses_mail(forms: Sequence[RelayForm]) -> bool:
    return any(form.mail is not None and not form.mail.positive for form in forms)


def _commands(transactions: Envelopes) -> list[str]:
    """All transactions in a row, RSET between them, QUIT at the end."""
    commands: list[str] = []
    for envelopes in transactions:
        commands += ["RSET"] if commands else []
        commands += [mail_from(envelopes[0].sender), *(rcpt_to(e.recipient) for e in envelopes)]
    return [*commands, "QUIT"]
