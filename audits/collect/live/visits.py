"""Connections to one service, each up to the EHLO after which a stranger may ask to relay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from audits.collect.live.conversation import Connected, Conversation, Deadline, connected
from audits.collect.live.pace import Pace
from audits.collect.live.service import IMPLICIT_TLS_PORT, RELAY_PORT
from audits.collect.live.tcp import Target, Unheard
from audits.facts.fact import Reason
from audits.facts.smtp import Reply
from audits.settings import Settings
from audits.subject import Service


class Visits:
    """One connection after the other to a service, within one deadline, and what they showed.

    source: the address that we came from. offers_tls: STARTTLS was announced in clear.
    """

    def __init__(self, service: Service, target: Target, settings: Settings, pace: Pace) -> None:
        self.service = service
        self.target = target
        self.deadline = Deadline(settings.limits.host_s)
        self.source = ""
        self.offers_tls = False
        self._settings = settings
        self._pace = pace

    @property
    def comes_from_target(self) -> bool:
        """The service is on this machine, as its own address says."""
        return self.source == self.target.address and not self.target.redirected

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connected]:
        """One connection within the pace of its address, closed at the end of the block."""
        async with connected(self.target, self._settings, self._pace, self.deadline) as met:
            if met.attempt.stream is not None:
                self.source = self.source or met.attempt.stream.local_address
            yield met

    async def introduce(self, talk: Conversation, ehlo: str, *, inside_tls: bool) -> Reply:
        """Up to the EHLO after which MAIL may come, and its reply; raises Unheard.

        What is not our own name, but `ehlo`, may be refused.
        """
        if self.service.port == IMPLICIT_TLS_PORT:
            await talk.enter_tls(self.service.host, implicit=True)
        greeting = await talk.greeting()
        if greeting.code != 220:
            reason = Reason.DEFERRED if greeting.transient else Reason.REFUSED
            raise Unheard(reason, f"the greeting was {greeting.text}")
        said = await self._ehlo(talk, ehlo)
        if said.code == 250 and await self._starts_tls(talk, inside_tls):
            await talk.enter_tls(self.service.host)
            said = await self._ehlo(talk, ehlo)
        return said

    async def _starts_tls(self, talk: Conversation, inside_tls: bool) -> bool:
        """Whether STARTTLS was offered, wanted and answered with 220; raises Unheard."""
        self.offers_tls = talk.offers("STARTTLS")
        optional = self.service.port != RELAY_PORT and not talk.encrypted
        if inside_tls and not self.offers_tls:
            raise Unheard(Reason.PROTOCOL, "STARTTLS was not offered this time")
        if not inside_tls and not (optional and self.offers_tls):
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

    async def introduce_again(self, talk: Conversation, ehlo: str, encrypted: bool) -> None:
        """The same way as when a form was accepted; raises Unheard."""
        said = await self.introduce(
            talk, ehlo, inside_tls=encrypted and self.service.port == RELAY_PORT
        )
        if said.code != 250:
            raise Unheard(Reason.PROTOCOL, f"EHLO was not accepted: {said.text}")
