"""Messages to our own mailboxes that do not end as they should, and what servers make of them."""

from collections.abc import Sequence
from email.utils import format_datetime, make_msgid
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.conversation import Conversation, Deadline, connected
from audits.collect.live.pace import Pace
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
from audits.collect.live.tcp import Unheard, target_of
from audits.facts.conduct import SmuggledEnd, Smuggling
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, observation
from audits.facts.smtp import EhloReply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

# In the order in which they are tried; the first that is taken ends it.
SEQUENCES = (("LF.LF", b"\n.\n"), ("LF.CRLF", b"\n.\r\n"), ("CR.CRLF", b"\r.\r\n"))

# How long a server may think about a message, content filters included, before no reply means
# that it waits for more.
WAIT_S = 5.0
ROUND_TRIPS = 10

_NOT_ASKED_FOR = Silence(Reason.SKIPPED, "only asked with --smuggling: it sends messages")
_NEEDS_LOGIN = Silence(Reason.SKIPPED, "only port 25 takes a message without login")
_NO_MAILBOX = Silence(
    Reason.NOT_DECLARED, "probe.own_mailboxes has none at a domain that the host serves"
)


class SmugglingProbe:
    """One connection a sequence; what stands behind the false end is NOOP.

    The true end of a message is never sent, so that a server that ignores the false one has
    nothing to deliver when the connection is dropped.
    """

    name: ClassVar[str] = "smuggling"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({Smuggling})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, PortState, EhloReply}
    )

    def __init__(self, origin: Origin, settings: Settings, pace: Pace) -> None:
        self.origin = origin
        self.settings = settings
        self.pace = pace

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """What came of each sequence, or why none was tried."""
        if not isinstance(subject, Service):
            raise TypeError(f"{self.name} is about services, not {subject}")
        found = await self._probe(subject, seen)
        return [observation(Smuggling, subject, found, self.origin.live(self.name))]

    async def _probe(self, service: Service, seen: Snapshot) -> Smuggling | Silence:
        if self.settings.probe.smuggling == "off":
            return _NOT_ASKED_FOR
        roles = seen.fact(HostRoles, MailHost(service.host))
        if roles is None:
            return silence_of_roles(service)
        if not roles.in_inventory:
            return NOT_OURS
        if service.port != RELAY_PORT:
            return _NEEDS_LOGIN
        if not service.address:
            return silence_of_address(service, seen)
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        served = served_domains(roles, declared)
        own = [box for box in self.settings.probe.own_mailboxes if domain_of(box) in served]
        if not own:
            return _NO_MAILBOX
        known = known_silence(service, seen)
        if known is not None:
            return known
        target = target_of(service, declared, self.settings.redirect)
        deadline = Deadline(self.settings.limits.host_s)
        ends: list[SmuggledEnd] = []
        for name, sequence in SEQUENCES:
            async with connected(target, self.settings, self.pace, deadline) as met:
                silence = met.attempt.silence
                if met.talk is not None:
                    silence = await self._try(met.talk, own[0], name, sequence, ends)
            if silence is not None:
                ends.append(SmuggledEnd(name, 0.0, None, None, silence))
            if ends[-1].taken:
                break
        return Smuggling(service, own[0], tuple(ends))

    async def _try(
        self,
        talk: Conversation,
        recipient: str,
        name: str,
        sequence: bytes,
        ends: list[SmuggledEnd],
    ) -> Silence | None:
        """Adds what came of a sequence, or gives the reason why it never came to DATA."""
        try:
            round_trip_s = await self._up_to_data(talk, recipient)
        except Unheard as unheard:
            await talk.quit()
            return unheard.silence
        patience_s = min(WAIT_S, self.settings.limits.reply_s)
        wait_s = max(patience_s, ROUND_TRIPS * round_trip_s)
        message = self._message(recipient, name)
        try:
            reply, command = await talk.end_falsely(message + sequence, name, wait_s)
        except Unheard as unheard:
            ends.append(SmuggledEnd(name, wait_s, None, None, unheard.silence))
            return None
        ends.append(SmuggledEnd(name, wait_s, reply, command, None))
        await talk.quit()
        return None

    async def _up_to_data(self, talk: Conversation, recipient: str) -> float:
        """Up to the 354 after which a message may come; the time of one round trip."""
        greeting = await talk.greeting()
        if greeting.code != 220:
            raise _refused("the greeting was", greeting.code, greeting.text)
        ehlo = await talk.ehlo()
        if ehlo.code != 250:
            raise _refused("EHLO got", ehlo.code, ehlo.text)
        for command in (mail_from(self.settings.probe.sender), rcpt_to(recipient), "DATA"):
            reply = await talk.ask(command)
            talk.check_in_step()
            if reply.code != (354 if command == "DATA" else 250):
                raise _refused(f"{command} got", reply.code, reply.text)
        return ehlo.elapsed_s

    def _message(self, recipient: str, name: str) -> bytes:
        """A message that says what it is, without an end; RFC 5322 section 3.6."""
        sender = self.settings.probe.sender
        lines = (
            f"Date: {format_datetime(self.origin.clock())}",
            f"From: <{sender}>",
            f"To: <{recipient}>",
            f"Subject: mailproof: this message ended in {name}",
            f"Message-ID: {make_msgid('mailproof', domain_of(sender))}",
            "",
            "mailproof sent this message to see whether the server takes another sequence than",
            f"<CRLF>.<CRLF> for the end of a message. It took {name}: somebody else could have",
            "put a second message behind it, with any sender.",
        )
        return "\r\n".join(lines).encode("ascii", "replace")


def _refused(what: str, code: int, text: str) -> Unheard:
    reason = Reason.DEFERRED if 400 <= code < 500 else Reason.DENIED
    return Unheard(reason, f"{what} {text}")
