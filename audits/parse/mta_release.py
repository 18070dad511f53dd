"""Which releases of mail programs are looked after, as of the date that this table bears.

The makers mend their newest branches. Distributions keep older ones and mend those themselves: the
number that the program prints is then the same before and after.

What fails a release is what its maker said, or an advisory:

- Postfix: 3.11 ended the updates of 3.7 (postfix.org/announcements, as with every yearly release);
  3.8.16, 3.9.10, 3.10.9 and 3.11.2 of 2026-05-04 mend CVE-2026-43964.
- Exim: every version before the latest is obsolete (exim.org); 4.99.3 is of the advisory
  EXIM-Security-2026-05-01.1.
- Dovecot: 2.4.4 of 2026-05-12 mends CVE-2026-27851 and others; 2.3.21.1 mends CVE-2024-23184 and
  CVE-2024-23185. Whether 2.3 is mended further its maker does not say, and so neither do we.
- OpenSMTPD: CVE-2025-62875 is in all before 7.8.0 (security.opensuse.org, 2025-10-31).
- Sendmail: 8.18.1 is the current release (proofpoint.com, "Sendmail Open Source") and mends
  CVE-2023-51765.

How long distributions look after their releases is said by wiki.debian.org/LTS, by ubuntu.com and
by access.redhat.com/support/policy/updates/errata; which release of a program they carry, by their
lists of packages. That can only keep a release from failing: the question then stays open.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from audits.facts.mta import Mta

AS_OF = date(2026, 5, 31)
# After that the table does not vouch for any release: holes have been found since.
_TRUSTED_FOR = timedelta(days=365)

Version = tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """A branch that its maker looks after. least: the first release in it without known holes.

    why: what the release before that one has. mended: whether its maker says that it goes on.
    """

    branch: Version
    least: Version
    why: str
    mended: bool = True


@dataclass(frozen=True)
class Packaged:
    """A release that a distribution carries, with mends of its own, until a date."""

    release: Version
    distribution: str
    until: date


_STATUS_CODE = "a crash at a status code without text, CVE-2026-43964"

BRANCHES: Mapping[Mta, tuple[Branch, ...]] = {
    Mta.POSTFIX: (
        Branch((3, 8), (3, 8, 16), f"{_STATUS_CODE}, and before 3.8.4 CVE-2023-51764"),
        Branch((3, 9), (3, 9, 10), _STATUS_CODE),
        Branch((3, 10), (3, 10, 9), _STATUS_CODE),
        Branch((3, 11), (3, 11, 2), _STATUS_CODE),
    ),
    Mta.EXIM: (
        Branch((4, 99), (4, 99, 3), "memory freed and used again, EXIM-Security-2026-05-01.1"),
    ),
    Mta.DOVECOT: (
        Branch((2, 3), (2, 3, 21, 1), "CVE-2024-23184 and CVE-2024-23185", mended=False),
        Branch((2, 4), (2, 4, 4), "among others CVE-2026-27851 and CVE-2026-33603"),
    ),
    Mta.OPENSMTPD: (Branch((7,), (7, 8), "CVE-2025-62875"),),
    Mta.SENDMAIL: (Branch((8, 18), (8, 18, 1), "SMTP smuggling, CVE-2023-51765"),),
}

_DEBIAN_11, _DEBIAN_12, _DEBIAN_13 = (
    ("Debian 11", date(2026, 8, 31)),
    ("Debian 12", date(2028, 6, 30)),
    ("Debian 13", date(2030, 6, 30)),
)
_UBUNTU_22, _UBUNTU_24 = ("Ubuntu 22.04", date(2027, 4, 30)), ("Ubuntu 24.04", date(2029, 4, 30))
_RHEL_8, _RHEL_9, _RHEL_10 = (
    ("RHEL 8", date(2029, 5, 31)),
    ("RHEL 9", date(2032, 5, 31)),
    ("RHEL 10", date(2035, 5, 31)),
)

PACKAGED: Mapping[Mta, tuple[Packaged, ...]] = {
    Mta.POSTFIX: (
        Packaged((3, 5), *_RHEL_9),
        Packaged((3, 6), *_UBUNTU_22),
        Packaged((3, 7), *_DEBIAN_12),
        Packaged((3, 8, 5), *_RHEL_10),
        Packaged((3, 8, 6), *_UBUNTU_24),
        Packaged((3, 10), *_DEBIAN_13),
    ),
    Mta.EXIM: (
        Packaged((4, 94, 2), *_DEBIAN_11),
        Packaged((4, 95), *_UBUNTU_22),
        Packaged((4, 96), *_DEBIAN_12),
        Packaged((4, 97), *_UBUNTU_24),
        Packaged((4, 98, 2), *_DEBIAN_13),
    ),
    Mta.DOVECOT: (
        Packaged((2, 3, 13), *_DEBIAN_11),
        Packaged((2, 3, 16), *_RHEL_9),
        Packaged((2, 3, 19), *_DEBIAN_12),
        Packaged((2, 3, 21), *_RHEL_10),
        Packaged((2, 4, 1), *_DEBIAN_13),
    ),
    Mta.OPENSMTPD: (Packaged((7, 4), *_UBUNTU_24), Packaged((7, 6), *_DEBIAN_13)),
    Mta.SENDMAIL: (
        Packaged((8, 15, 2), *_RHEL_8),
        Packaged((8, 16, 1), *_RHEL_9),
        Packaged((8, 17, 1), *_DEBIAN_12),
    ),
}

# Releases that can't do their work, whoever packages them.
BROKEN: Mapping[tuple[Mta, str], str] = {
    (Mta.OPENSMTPD, "6.8.0p2"): "built for OpenSSL 3, as by Debian 12, it fails every TLS handshake"
}

_OF_A_DISTRIBUTION = re.compile(r"[-+~.](deb|ubuntu|el|fc|amzn|suse|alpine|bpo)\d*", re.IGNORECASE)


@dataclass(frozen=True)
class Standing:
    """Where a release stands; unsaid: nobody told. least: what to upgrade to, at least."""

    kind: Literal["supported", "outdated", "packaged", "unsaid", "unreadable"]
    why: str
    least: str = ""


def version_of(text: str) -> Version:
    """`3.7.11`, `8.17.1.9`, `2.3.19.1 (9b53102964)` as numbers; empty if it does not begin so."""
    found = re.match(r"\s*(\d{1,6}(?:\.\d{1,6}){1,3})", text)
    return tuple(map(int, found[1].split("."))) if found else ()


def standing(mta: Mta, text: str, on: date) -> Standing:
    """Where the release with that version stands on a day, as far as this table knows.

    A branch newer than all in the table counts as supported.
    """
    version = version_of(text)
    if not version:
        return Standing("unreadable", f"{text!r} is no version")
    branches = BRANCHES[mta]
    newest = branches[-1]
    least = _shown(newest.least)
    broken = BROKEN.get((mta, text.strip()))
    if broken:
        return Standing("outdated", broken, least)
    own = next((each for each in branches if version[: len(each.branch)] == each.branch), None)
    newer = version[: len(newest.branch)] > newest.branch
    if newer or (own is not None and _padded(version) >= _padded(own.least)):
        return _without_known_holes(own, on)
    mended = _packaged(mta, version, text, on)
    if mended:
        return Standing("packaged", f"{mended}, whose number does not show what it mended", least)
    if own is not None:
        return Standing("outdated", f"before {_shown(own.least)} it has {own.why}", least)
    first = _shown(next(each for each in branches if each.mended).branch)
    return Standing("outdated", f"its maker mends {first} and newer, as of {AS_OF}", least)


def _without_known_holes(own: Branch | None, on: date) -> Standing:
    if on > AS_OF + _TRUSTED_FOR:
        return Standing("unsaid", f"what is known of it is of {AS_OF}, too long ago")
    if own is None:
        return Standing("supported", f"newer than what was known on {AS_OF}")
    if not own.mended:
        return Standing("unsaid", f"whether {_shown(own.branch)} is still mended was not said")
    return Standing("supported", f"branch {_shown(own.branch)} is supported as of {AS_OF}")


def _packaged(mta: Mta, version: Version, text: str, on: date) -> str | None:
    """Whose package it may be."""
    if _OF_A_DISTRIBUTION.search(text):
        return "it is a distribution's package"
    for packaged in PACKAGED[mta]:
        same = version[: len(packaged.release)] == packaged.release
        if same and on <= packaged.until:
            return f"{packaged.distribution} has it, until {packaged.until}"
    return None


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0)[:4]


def _shown(version: Version) -> str:
    return ".".join(map(str, version))
