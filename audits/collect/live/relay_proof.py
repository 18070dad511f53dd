"""What becomes of mail that a service accepted from a stranger: DATA, and one canary message."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from audits.collect.live.conversation import Conversation
from audits.collect.live.service import MAX_REFUSALS, RELAY_PORT, mail_from, rcpt_to
from audits.collect.live.tcp import Unheard
from audits.collect.live.visits import Visits
from audits.facts.fact import Reason, Silence
from audits.facts.relay import (
    BackscatterProbe,
    DataReply,
    Delivery,
    FormOutcome,
    RelayForm,
    RelayProbes,
)
from audits.facts.smtp import Reply
from audits.parse.relay_form import Envelope, Names, envelope, form_of

if TYPE_CHECKING:  # few runs send a message, and what sends it is much to import
    from audits.collect.live.canary import Canary

_NO_CONTROL = Silence(Reason.NOT_DECLARED, "no domain is known that this host serves")
_NOT_AN_MX = Silence(Reason.SKIPPED, "mail for a domain comes in on port 25")
_START_MAIL_INPUT = 354


class Proof:
    """Asks a service of ours for more than RCPT, as far as the run was told to.

    names: of the forms that were tried. run: its name. target: names and addresses of the host, as
    they may stand in Received.
    """

    def __init__(
        self,
        visits: Visits,
        names: Names,
        served: Sequence[str],
        target: tuple[str, ...],
        canary: "Canary | None",
        run: str,
    ) -> None:
        self._visits = visits
        self._service = visits.service
        self._names = names
        self._served = served
        self._target = target
        self._canary = canary
        self._run = run

    async def ask_data(self, forms: Sequence[RelayForm]) -> tuple[DataReply, ...]:
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
        async with self._visits.connected() as met:
            if met.talk is None:
                return [(None, met.attempt.detail)]
            try:
                await self._visits.introduce_again(
                    met.talk, _forged(forms[0]), encrypted=forms[0].encrypted
                )
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

    async def prove(self, forms: Sequence[RelayForm], data: Sequence[DataReply]) -> Delivery | None:
        """What comes of one message by the strongest form that was accepted, with a canary.

        data: what is known already of DATA behind those forms.
        """
        refused = {told.form for told in data if told.reply is not None and told.reply.permanent}
        left = [form for form in _by_strength(forms) if forms.index(form) not in refused]
        if not left or self._canary is None or not self._canary.claim(self._service.host):
            return None
        best = left[0]
        token = self._canary.token(self._run, self._service.host, best.label)
        names = replace(self._names, recipient=self._canary.address(token))
        sent = envelope(form_of(best.label), names)
        return await self._deliver(self._canary, sent, best.encrypted, token)

    async def backscatter(self, probes: RelayProbes) -> BackscatterProbe | Silence:
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
            token = canary.token(self._run, self._service.host, control.label)
            sender = canary.address(token)
            sent = Envelope("", control.label, "", sender, control.rcpt_to)
            bounce = await self._deliver(canary, sent, control.encrypted, token)
        return BackscatterProbe(self._service, self._served[0], control, bounce)

    async def _deliver(
        self, canary: "Canary", sent: Envelope, encrypted: bool, token: str
    ) -> Delivery:
        """Sends one message and waits for it at the canary's mailbox."""
        if canary.domain in self._served:
            words = "not sent: the canary's domain is served by this host"
            return canary.delivery(sent, token, None, words)
        reply, note, gone = await self._send(canary, sent, encrypted, token)
        delivery = canary.delivery(sent, token, reply, note, self._target)
        if not gone or (reply is not None and not reply.positive):
            return delivery
        return await canary.awaited(delivery, self._visits.deadline.ends)

    async def _send(
        self, canary: "Canary", sent: Envelope, encrypted: bool, token: str
    ) -> tuple[Reply | None, str, bool]:
        """The reply to the end of the message, or why there is none; whether it left us."""
        content = canary.content(sent, token, self._service)
        gone = False
        async with self._visits.connected() as met:
            if met.talk is None:
                return None, met.attempt.detail, gone
            try:
                await self._visits.introduce_again(met.talk, sent.ehlo, encrypted=encrypted)
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
