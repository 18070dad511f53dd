"""Private keys and password maps can be read by nobody but the programs that need them.

## Rationale
Whoever has an account on the host, or takes over any program there, reads the key of the server's
certificate or the password for its smarthost where the file is open to all.

## Remediation
    chown root:root FILE && chmod 0600 FILE

or mode 0640 with the group of the service that reads it. What `postmap` makes of a map, a file that
ends in `.db`, `.lmdb` or `.cdb`, has the same passwords in it.

## Limits
About the files that the mail programs name for TLS keys, passwords and logins to databases, and the
DKIM keys that OpenDKIM and rspamd name; those of another signer are not known. A folder above that
keeps everybody out is not weighed. A file in a folder that the user of the audit can't enter stays
unknown.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.host import FileMode, FileModes

_OTHERS = 0o007
_GROUP_WRITES = 0o020
_GROUP = 0o070
_OWNERS = (
    "root",
    "postfix",
    "exim",
    "Debian-exim",
    "dovecot",
    "_smtpd",
    "smtpd",
    "opensmtpd",
    "smmsp",
    "smmta",
    "opendkim",
    "rspamd",
    "_rspamd",
    "_dkimsign",
)
_GROUPS = ("root", "wheel", "ssl-cert")


@audit(
    to=Target.ANY_HOST,
    severity=Severity.HIGH,
    references=(Doc("NIST SP 800-177 Rev. 1", "4-4"), Doc("ISO/IEC 27002", "8.24")),
)
def evaluate(
    secrets: FileModes,
    *,
    allow_owner: tuple[str, ...] = _OWNERS,
    allow_group_read: tuple[str, ...] = _GROUPS,
) -> Verdict:
    """allow_owner: whose the files may be; allow_group_read: groups that may read them.

    The group of an allowed owner's own name may, too.
    """
    groups = (*allow_group_read, *allow_owner)
    evidence = [cite(secrets, f"/files/{place}/mode") for place in range(len(secrets.files))]
    violations = tuple(
        Violation(f"{file.path} {wrong}", (seen,), expected="mode 0600, or 0640 for a service")
        for file, seen in zip(secrets.files, evidence, strict=True)
        if (wrong := _wrong(file, allow_owner, groups)) is not None
    )
    if violations:
        return Fail(violations)
    for place, unseen in enumerate(secrets.silent):
        if unseen.silence.reason is not Reason.ABSENT:
            cited = (cite(secrets, f"/silent/{place}/path"),)
            return Undecided(unseen.silence.reason, unseen.silence.detail, cited)
    if not evidence:
        return NotApplicable("the mail programs name no private key and no password map")
    return Pass(tuple(evidence))


def _wrong(file: FileMode, owners: tuple[str, ...], groups: tuple[str, ...]) -> str | None:
    """What is wrong with the permissions of a file, as the end of a sentence."""
    shown = f"has mode {file.mode}, {file.owner}:{file.group}"
    if file.bits & _OTHERS:
        return f"is open to every user of the host: it {shown}"
    if file.bits & _GROUP_WRITES:
        return f"may be changed by the group {file.group}: it {shown}"
    if file.bits & _GROUP and file.group not in groups:
        return f"may be read by the group {file.group}: it {shown}"
    if file.owner not in owners:
        return f"belongs to {file.owner}: it {shown}"
    return None
