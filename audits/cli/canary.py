"""What `--canary` needs before anything is sent: a mailbox that is ours, and a way to read it."""

import asyncio

from audits.cli.workspace import Workspace
from audits.collect.live.canary import Canary
from audits.collect.live.https import trust_context
from audits.collect.live.mailbox import ImapMailbox, Mailbox, MaildirMailbox
from audits.collect.live.tcp import Unheard
from audits.config import Config
from audits.errors import UsageError
from audits.secret import secret
from audits.settings import CanarySettings, ImapSettings


def canary_of(workspace: Workspace) -> Canary:
    """The canary that the configuration describes, its mailbox found readable.

    Raises UsageError where there is none, where nobody says that its domain is ours, or where what
    arrives could not be seen: a message is sent only if somebody can look for it.
    """
    settings = workspace.settings.probe.canary
    where = workspace.config.path or "mailproof.yaml"
    if settings is None:
        raise UsageError(
            f"--canary: {where}: found no probe.canary, expected a mailbox of yours, such as "
            "{mailbox: canary@sink.example.org, owned: true, maildir: sink}"
        )
    if not _owned(settings, workspace):
        domain = settings.mailbox.rpartition("@")[2]
        raise UsageError(
            f"--canary: {where}: probe.canary.mailbox: found {settings.mailbox!r}, expected a "
            f"mailbox of yours: put {domain} into domains.yaml, or say `owned: true`"
        )
    mailbox = reader_of(settings, workspace.config)
    try:
        asyncio.run(mailbox.check())
    except Unheard as unheard:
        said = unheard.silence.detail
        raise UsageError(f"--canary: probe.canary can't be read: {said}") from unheard
    return Canary(settings.mailbox, mailbox, settings.window_s)


def _owned(settings: CanarySettings, workspace: Workspace) -> bool:
    """Said outright, or the domain is one of the inventory's or below one."""
    name = settings.mailbox.rpartition("@")[2].lower()
    ours = {declared.fact.subject.name for declared in workspace.whole_fleet.domains}
    return settings.owned or any(name == own or name.endswith(f".{own}") for own in ours)


def reader_of(settings: CanarySettings, config: Config) -> Mailbox:
    """How what arrives in the canary's mailbox is read. Raises UsageError."""
    match settings:
        case CanarySettings(maildir=str(path), imap=None):
            return MaildirMailbox(config.root / path)
        case CanarySettings(maildir=None, imap=ImapSettings() as imap):
            return ImapMailbox(
                imap.host,
                imap.port,
                imap.username,
                secret(imap.password),
                imap.folder,
                trust_context(config.settings.trust),
            )
        case _:
            raise UsageError(
                "probe.canary: expected either maildir, such as the store of `mailproof "
                "sink`, or imap"
            )
