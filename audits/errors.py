"""The errors of mailproof: one root, and a leaf only where a caller acts differently."""


class MailproofError(Exception):
    """Anything that mailproof itself reports, in words for the person who reads it."""


class UsageError(MailproofError):
    """The command line or `mailproof.yaml` can't be acted on as it stands."""


class PolicyError(UsageError):
    """A policy or a waiver file is wrong; the message names file, line, key, found and expected."""


class InventoryError(UsageError):
    """The inventory is wrong; the message names file, line, key, found and expected."""


class SnapshotError(MailproofError):
    """A stored run can't be read back, or is not of a schema that this version knows."""


class OutputError(MailproofError):
    """A report or evidence file could not be written; the message names path and cause."""


class ParseError(MailproofError):
    """Text or bytes from outside do not follow their grammar; the message says where and how."""
