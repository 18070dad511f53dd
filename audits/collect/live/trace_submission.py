"""One visit of a trace to a submission service, as a mail program makes it."""

import asyncio
from typing import ClassVar

from msgspec.structs import replace

from audits.collect.live.conversation import Conversation
from audits.collect.live.login import authenticate
from audits.collect.live.service import IMPLICIT_TLS_PORT
from audits.collect.live.tcp import Unheard
from audits.collect.live.trace_visit import Stopped, Visit, untrusted
from audits.facts.delivery import Station, StationState, login_station
from audits.facts.fact import Fact, Observed, Reason, Step
from audits.facts.tls import CertificateChain
from audits.parse.sasl import chosen


class Submission(Visit):
    """One address of a submission service: TLS first, trusted, then the login, then the envelope.

    RFC 6409 section 4.3, RFC 8314 section 3.3; a password goes nowhere but inside TLS.
    """

    NEEDS_TLS: ClassVar[bool] = True

    async def _converse(self, talk: Conversation, demands: asyncio.Task[tuple[Fact, ...]]) -> None:
        if self._service.port == IMPLICIT_TLS_PORT:
            await self._shake_hands(talk, demands, implicit=True)
            await self._greet(talk)
        else:
            await self._greet(talk)
            await self._encrypt(talk, demands)
        await self._log_in(talk)
        await self._envelope(talk)

    def _doubt(self, chain: CertificateChain | None, demands: tuple[Fact, ...]) -> str | None:
        if chain is None:
            return "its certificate can't be read"
        account = self._errand.account
        wanted = account.certificate if account is not None else "verified"
        if wanted == "any":
            return None
        if wanted == "verified":
            return untrusted(chain, self._service.host, self._around.origin.clock())
        pinned = chain.leaf is not None and wanted == f"sha256:{chain.leaf.spki_sha256}"
        return None if pinned else "its key is not the one that the inventory pins"

    async def _log_in(self, talk: Conversation) -> None:
        account = self._errand.account
        offered = [p for keyword in talk.keywords if keyword.name == "AUTH" for p in keyword.params]
        if account is None:
            listed = " ".join(offered) or "nothing"
            words = f"AUTH offers {listed}; no login was asked for"
            return self._say(Station(Step.AUTH, StationState.NOT_SENT, "not sent", words))
        name = chosen(offered)
        if name is None:
            words = f"EHLO inside TLS lists AUTH {' '.join(offered) or 'nothing'}"
            self._say(Station(Step.AUTH, StationState.BROKEN, "not offered", words))
            raise Stopped
        try:
            outcome = await authenticate(talk, name, account.username, account.password())
        except Unheard as unheard:
            silence = unheard.silence
            said, words = silence.reason.value, silence.detail
            self._say(Station(Step.AUTH, StationState.SILENT, said, words, reason=silence.reason))
            raise Stopped from unheard
        station = login_station(name, outcome.exchange.reply, proved=outcome.server != "false")
        self._say(station)
        if station.state is not StationState.PASSED:
            raise Stopped

    def _taken(self, station: Station) -> Station:
        """A stranger who is turned away says nothing of those who log in."""
        recipient = self._seen.recipient
        if self._errand.account is not None or not isinstance(recipient, Observed):
            return station
        found = recipient.fact
        reply = found.mail if station.step is Step.MAIL else found.rcpt
        if reply is None or not reply.denies_strangers:
            return station
        return replace(station, state=StationState.SILENT, reason=Reason.NOT_DECLARED)
