"""The canary: one message to a mailbox of the operator's own, to see what a server does with it."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from audits.collect.live.mailbox import Mailbox
from audits.collect.live.service import domain_of
from audits.collect.live.tcp import Unheard
from audits.facts.relay import BackscatterProbe, Delivery, RelayProbes
from audits.facts.smtp import Reply
from audits.facts.snapshot import Snapshot
from audits.parse.canary import (
    TOKEN_DIGITS,
    canary_address,
    canary_message,
    carries,
    received_fields,
)
from audits.parse.relay_form import Envelope
from audits.subject import Service


class Canary:
    """Messages with a token to one mailbox, at most one for each host in a run.

    address: the mailbox; it must take mail for `local+TOKEN@domain` as its own. mailbox: where what
    arrives is read. window_s: how long it is waited for.
    """

    def __init__(
        self,
        address: str,
        mailbox: Mailbox,
        window_s: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._address = address
        self._mailbox = mailbox
        self._window_s = window_s
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._claimed: set[str] = set()

    @property
    def domain(self) -> str:
        return domain_of(self._address)

    def remember(self, seen: Snapshot) -> None:
        """Hosts that a message was sent to before this run was cut off get no other."""
        for probes in seen.facts(RelayProbes):
            if probes.delivery is not None:
                self._claimed.add(probes.subject.host)
        for probe in seen.facts(BackscatterProbe):
            if probe.bounce is not None:
                self._claimed.add(probe.subject.host)

    def claim(self, host: str) -> bool:
        """Whether a message may be sent to this host; true once."""
        free = host not in self._claimed
        self._claimed.add(host)
        return free

    def token(self, run: str, host: str, label: str) -> str:
        """What nobody can know but who saw the message (RFC 2104)."""
        text = "\0".join((run, host, label)).encode()
        return hmac.new(self._key, text, "sha256").hexdigest()[:TOKEN_DIGITS]

    def address(self, token: str) -> str:
        """The mailbox's address with a token in it."""
        return canary_address(self._address, token)

    def content(self, sent: Envelope, token: str, service: Service) -> bytes:
        """The message that goes with an envelope."""
        return canary_message(
            token, self.address(token), sent.sender, str(service), sent.label, self._clock()
        )

    def delivery(
        self,
        sent: Envelope,
        token: str,
        reply: Reply | None,
        note: str,
        target: tuple[str, ...] = (),
    ) -> Delivery:
        """What is known of a message before the mailbox was looked at."""
        return Delivery(
            sent.label,
            sent.sender,
            sent.recipient,
            token,
            reply,
            note,
            target,
            received=None,
            waited_s=0.0,
            unread=None,
        )

    async def awaited(self, delivery: Delivery, until: float) -> Delivery:
        """The same once the message is there, or the window closed; `until`: of the loop's clock.

        Reads once more at the very end, so that nothing is missed between two looks.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        closes = min(begun + self._window_s, until)
        unread: str | None = None
        while True:
            last = loop.time() >= closes
            try:
                for content in await self._mailbox.holding(delivery.token):
                    if carries(content, delivery.token):
                        waited_s = round(loop.time() - begun, 3)
                        fields = received_fields(content)
                        return replace(delivery, received=fields, waited_s=waited_s)
                unread = None
            except Unheard as unheard:
                unread = unheard.silence.detail
            if last:
                return replace(delivery, waited_s=round(loop.time() - begun, 3), unread=unread)
            await asyncio.sleep(min(self._mailbox.pause_s, max(0.0, closes - loop.time())))
