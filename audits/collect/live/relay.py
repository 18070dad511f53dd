"""Attempts to relay through our own services, up to RCPT and never further."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.conversation import Conversation, Deadline, Exchange, connected
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
from audits.facts.relay import FormOutcome, RelayForm, RelayProbes
from audits.facts.smtp import EhloReply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.parse.relay_reply import classify
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject


@dataclass(frozen=True)
class _Form:
    """One pair of envelope addresses to try, and its label in symbols."""

    label: str
    sender: str
    recipient: str


class RelayWalk:
    """Tries the usual ways of relaying at hosts of the inventory, without login.

    The usual forms go through one connection, the controls through a last one, and where all forms
    are wanted, the others through more between: together they would be refused often enough for
    Postfix to slow down, and be wrong often enough for Exim to hang up. In clear on port 25, inside
    TLS on the others where they offer it. Never sends DATA.
    """

    name: ClassVar[str] = "relay"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({RelayProbes})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloReply}
    )

    def __init__(
        self, origin: Origin, wanted: Iterable[type[Fact]], settings: Settings, pace: Pace
    ) -> None:
        self.origin = origin
        self.wanted = frozenset(wanted) & self.provides
        self.settings = settings
        self.pace = pace

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """The probes of the service, or why there are none."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        if not self.wanted:
            return ()
        found = await self._probe(subject, seen)
        provenance = self.origin.live(self.name)
        if isinstance(found, Silence):
            return unobserved(self.wanted, subject, found.reason, found.detail, provenance)
        return [Observed(found, provenance)]

    async def _probe(self, service: Service, seen: Snapshot) -> RelayProbes | Silence:
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
        walk = _Walk(self, service, target_of(service, declared, self.settings.redirect))
        return await walk.run(served, self._is_trusted(declared))

    def _is_trusted(self, declared: DeclaredHost | None) -> bool:
        """Whether we are seen under an address that the inventory gives to the host itself."""
        if declared is None:
            return False
        own = {*declared.addresses, *declared.sends_from}
        return not own.isdisjoint(self.settings.vantage.addresses)


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

    def __init__(self, collector: RelayWalk, service: Service, target: Target) -> None:
        self._settings = collector.settings
        self._pace = collector.pace
        self._service = service
        self._target = target
        self._deadline = Deadline(self._settings.limits.host_s)
        self._encrypted = False

    async def run(self, served: Sequence[str], trusted_vantage: bool) -> RelayProbes | Silence:
        forms = await self._try(_forms(self._settings, self._service))
        if isinstance(forms, Silence):
            return forms
        encrypted = self._encrypted
        if self._settings.probe.relay_forms == "all":
            for transactions in _rare_forms(self._settings, self._service):
                forms += await self._try_or_tell(transactions)
        controls = await self._try_or_tell(_controls(self._settings, served))
        return RelayProbes(
            self._service,
            ehlo=self._settings.probe.ehlo,
            encrypted=encrypted,
            trusted_vantage=trusted_vantage,
            forms=forms,
            controls=controls,
        )

    async def _try_or_tell(self, transactions: Sequence[Sequence[_Form]]) -> tuple[RelayForm, ...]:
        """Transactions in one connection, or the same untested where it never came to MAIL."""
        met = await self._try(transactions)
        return _untested(transactions, met) if isinstance(met, Silence) else met

    async def _try(
        self, transactions: Sequence[Sequence[_Form]]
    ) -> tuple[RelayForm, ...] | Silence:
        """Transactions in one connection, one MAIL each; a silence where it never came to MAIL."""
        async with connected(self._target, self._settings, self._pace, self._deadline) as met:
            if met.attempt.silence is not None:
                return met.attempt.silence
            if met.talk is None:
                return Silence(Reason.INTERNAL, f"{self._target} is open, but no talk came of it")
            try:
                await self._introduce(met.talk)
            except Unheard as unheard:
                await met.talk.quit()
                return unheard.silence
            exchange = await met.talk.exchange(_commands(transactions))
            await met.talk.quit()
            return tuple(_read(transactions, exchange))

    async def _introduce(self, talk: Conversation) -> None:
        """Up to the EHLO after which MAIL may come; raises Unheard."""
        if self._service.port == IMPLICIT_TLS_PORT:
            await talk.enter_tls(self._service.host, implicit=True)
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")
        await self._ehlo(talk)
        wants_tls = self._service.port != RELAY_PORT and not talk.encrypted
        if wants_tls and talk.offers("STARTTLS") and (await talk.ask("STARTTLS")).code == 220:
            await talk.enter_tls(self._service.host)
            await self._ehlo(talk)
        self._encrypted = talk.encrypted

    async def _ehlo(self, talk: Conversation) -> None:
        reply = await talk.ehlo()
        if reply.code != 250:
            reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
            raise Unheard(reason, f"EHLO was not accepted: {reply.text}")


def _forms(settings: Settings, service: Service) -> list[list[_Form]]:
    """The forms that find most and cost at most eight refusals, by their MAIL."""
    sender, recipient = settings.probe.sender, settings.probe.recipient
    user, _, domain = recipient.rpartition("@")
    host, literal = service.host, _literal(service.address)
    plain = [
        _Form("<S> U@D", sender, recipient),
        _Form("<S> U%D@H", sender, f"{user}%{domain}@{host}"),
        _Form('<S> "U@D"@H', sender, f'"{recipient}"@{host}'),
        _Form("<S> D!U@H", sender, f"{domain}!{user}@{host}"),
        _Form("<S> @H:U@D", sender, f"@{host}:{recipient}"),
        _Form("<S> U%D@[IP]", sender, f"{user}%{domain}@{literal}"),
    ]
    local_sender = f"{_local_part(sender)}@{host}"
    return [plain, [_Form("<> U@D", "", recipient)], [_Form("<S@H> U@D", local_sender, recipient)]]


def _rare_forms(settings: Settings, service: Service) -> list[list[list[_Form]]]:
    """Forms that seldom find more, by connection and by their MAIL.

    Exim takes most of them for syntax errors and hangs up after the fourth, so three at a time.
    """
    sender, recipient = settings.probe.sender, settings.probe.recipient
    user, _, domain = recipient.rpartition("@")
    host, literal = service.host, _literal(service.address)
    bare = _local_part(sender)
    return [
        [
            [
                _Form('<S> "U@D"@[IP]', sender, f'"{recipient}"@{literal}'),
                _Form("<S> D!U@[IP]", sender, f"{domain}!{user}@{literal}"),
                _Form("<S> @[IP]:U@D", sender, f"@{literal}:{recipient}"),
            ]
        ],
        [
            [
                _Form('<S> "U@D"', sender, f'"{recipient}"'),
                _Form('<S> "U%D"', sender, f'"{user}%{domain}"'),
                _Form("<S> D!U", sender, f"{domain}!{user}"),
            ]
        ],
        [
            [
                _Form("<S> U@D@H", sender, f"{recipient}@{host}"),
                _Form("<S> U@D@[IP]", sender, f"{recipient}@{literal}"),
                _Form("<S> U@D@", sender, f"{recipient}@"),
            ]
        ],
        [
            [_Form("<S@> U@D", bare, recipient)],
            [_Form("<S@[IP]> U@D", f"{bare}@{literal}", recipient)],
            [_Form("<S@localhost> U@D", f"{bare}@localhost", recipient)],
        ],
    ]


def _local_part(mailbox: str) -> str:
    return mailbox.rpartition("@")[0] or "postmaster"


def _controls(settings: Settings, served: Sequence[str]) -> list[list[_Form]]:
    """Recipients that exist nowhere: one at a domain served here, one at an impossible domain.

    RFC 2606 section 2: `.invalid` is never delegated.
    """
    sender = settings.probe.sender
    word = f"mailproof-{secrets.token_hex(4)}"
    forms = [_Form("<S> x@<random>.invalid", sender, f"mailproof@{word}.invalid")]
    if served:
        forms.insert(0, _Form("<S> <random>@served", sender, f"{word}@{served[0]}"))
    return [forms]


def _literal(address: str) -> str:
    """The address as a domain literal (RFC 5321 section 4.1.3)."""
    return f"[IPv6:{address}]" if ip_address(address).version == 6 else f"[{address}]"


def _commands(transactions: Sequence[Sequence[_Form]]) -> list[str]:
    """All transactions in a row, RSET between them, QUIT at the end."""
    commands: list[str] = []
    for forms in transactions:
        commands += ["RSET"] if commands else []
        commands += [mail_from(forms[0].sender), *(rcpt_to(form.recipient) for form in forms)]
    return [*commands, "QUIT"]


def _read(transactions: Sequence[Sequence[_Form]], exchange: Exchange) -> Iterator[RelayForm]:
    """The forms with their replies, from an exchange of `_commands(transactions)`."""
    place = 0
    for forms in transactions:
        mail = exchange.replies[place]
        for number, form in enumerate(forms, start=1):
            rcpt = exchange.replies[place + number] if mail is None or mail.positive else None
            outcome, note = classify(mail, rcpt)
            missing = mail is None or (mail.positive and rcpt is None)
            if missing and exchange.silence is not None:
                note = exchange.silence.detail
            yield RelayForm(
                form.label, form.sender, form.recipient, mail, rcpt, outcome=outcome, note=note
            )
        place += len(forms) + 2


def _untested(transactions: Sequence[Sequence[_Form]], silence: Silence) -> tuple[RelayForm, ...]:
    """Forms that could not be tried at all."""
    return tuple(
        RelayForm(
            form.label,
            form.sender,
            form.recipient,
            None,
            None,
            outcome=FormOutcome.NOT_TESTED,
            note=silence.detail,
        )
        for forms in transactions
        for form in forms
    )
