"""A real SMTP server on loopback that takes messages, and does with them what a test wants."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session

NAME = "mx.example.net"


@dataclass
class Taking:
    """Takes mail for anybody. commands: what clients said. messages: what they gave.

    local: the only domain that it takes mail for, where not empty. forwards_to: the port on
    loopback that every message goes on to. bounces: sends a notification to the sender there,
    instead of the message. data_reply: instead of 354. hides: leaves no trace in Received.
    """

    local: str = ""
    forwards_to: int | None = None
    bounces: bool = False
    data_reply: str | None = None
    hides: bool = False
    commands: list[str] = field(default_factory=list)
    messages: list[Envelope] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.local and not address.endswith(f"@{self.local}"):
            return "454 4.7.1 Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.messages.append(envelope)
        if self.forwards_to is not None:
            await asyncio.to_thread(self._forward, envelope, self.forwards_to)
        return "250 2.0.0 Ok: queued"

    def _forward(self, envelope: Envelope, port: int) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        sender, recipients = envelope.mail_from or "", envelope.rcpt_tos
        if self.bounces:
            content = b"Subject: Undelivered\r\n\r\nThis came back:\r\n\r\n" + content
            sender, recipients = "", [sender]
        name = "elsewhere.example.org" if self.hides else NAME
        trace = f"Received: from audit.example.net by {name} with ESMTP; now\r\n".encode()
        with smtplib.SMTP("127.0.0.1", port, local_hostname=name) as client:
            client.sendmail(sender, recipients, (b"" if self.hides else trace) + content)


class _Listening(SMTP):
    """Writes down every command line."""

    def __init__(self, taking: Taking) -> None:
        super().__init__(taking, hostname=NAME, ident="ESMTP", enable_SMTPUTF8=True)
        self._taking = taking

    async def smtp_MAIL(self, arg: str | None) -> None:
        self._taking.commands.append(f"MAIL {arg}")
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        self._taking.commands.append(f"RCPT {arg}")
        await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        self._taking.commands.append("DATA")
        if self._taking.data_reply is not None:
            await self.push(self._taking.data_reply)
            return
        await super().smtp_DATA(arg)


@asynccontextmanager
async def taking(behaviour: Taking) -> AsyncIterator[Taking]:
    """The running server; its port is in `port`."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Listening(behaviour), "127.0.0.1", 0)
    behaviour.port = server.sockets[0].getsockname()[1]
    try:
        yield behaviour
    finally:
        server.close()
