"""What services do when asked what a sender asks seldom: well, unless a test says worse."""

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
from audits.facts.fact import Reason, Silence
from audits.facts.smtp import RcptReply, Reply
from audits.subject import Service
from tests.build import reply
from tests.catalog import wire

SENDER = "probe@audit.example.org"
OK = reply(250, "2.0.0 Ok")
UNKNOWN_USER = reply(550, "5.1.1 <mailproof-00ff@example.net>: User unknown")
HUNG_UP = Silence(Reason.DISCONNECTED, "the server closed the connection before its reply to NOOP")


def recipients(
    *,
    mail: Reply = OK,
    known: Reply = OK,
    unknown: Reply = UNKNOWN_USER,
    bare: Reply = OK,
    null_mail: Reply = OK,
    null_rcpt: Reply = OK,
    seen_as: tuple[str, ...] = (),
) -> LocalRecipients:
    asked = {
        "known": RcptReply("postmaster@example.net", known),
        "unknown": RcptReply("mailproof-00ff@example.net", unknown),
        "bare": RcptReply("postmaster", bare),
    }
    taken = {name: each if mail.positive else None for name, each in asked.items()}
    return LocalRecipients(
        wire.MX,
        encrypted=False,
        seen_as=seen_as,
        sender=SENDER,
        mail=mail,
        null_mail=null_mail,
        null_rcpt=null_rcpt if null_mail.positive else None,
        **taken,
    )


def before_tls(answer: Reply = OK) -> MailBeforeTls:
    return MailBeforeTls(wire.MX, SENDER, answer)


def address_commands(
    known: Reply, unknown: Reply | None, expansion: Reply, at: Service = wire.MX
) -> AddressCommands:
    return AddressCommands(
        at,
        False,
        AddressCommand("VRFY postmaster@example.net", known),
        AddressCommand("VRFY mailproof-00ff@example.net", unknown) if unknown else None,
        AddressCommand("EXPN postmaster@example.net", expansion),
    )


def help_reply(answer: Reply, at: Service = wire.MX) -> HelpReply:
    return HelpReply(at, answer)


def attempt(
    *inside: Reply,
    gap_s: float = 0.0,
    starttls: Reply | None = None,
    ended: Silence | None = None,
) -> InjectionAttempt:
    return InjectionAttempt(gap_s, starttls or reply(220, "go ahead"), inside, ended)


def injection(*attempts: InjectionAttempt) -> StarttlsInjection:
    return StarttlsInjection(wire.MX, attempts)


def early(*codes: int, ended: Silence | None = None) -> EarlyTalk:
    return EarlyTalk(wire.MX, tuple(reply(code, "said") for code in codes), ended)
