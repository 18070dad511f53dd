"""From the files of mail programs to facts, the same for a running host and for a review."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Provenance,
    Reason,
    Silence,
    unobserved,
)
from audits.facts.mta import Mta, MtaListeners, MtaPrograms, TrustedNetworks
from audits.parse.config_tree import ConfigTree, Reading
from audits.subject import MailHost

KINDS: frozenset[type[Fact]] = frozenset({MtaPrograms, MtaListeners, TrustedNetworks})

# What reads a program's files: the tree, the path where its configuration begins, its version.
Reader = Callable[[ConfigTree, str, str | None], Reading | Silence]


# A reader is imported once a host has its program: few fleets have more than two.
def _postfix(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    from audits.parse.postfix.reading import read_postfix

    return read_postfix(tree, place, version)


def _exim(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    from audits.parse.exim.reading import read_exim

    return read_exim(tree, place, version)


def _dovecot(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    from audits.parse.dovecot.reading import read_dovecot

    return read_dovecot(tree, place, version)


def _opensmtpd(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    from audits.parse.opensmtpd.reading import read_opensmtpd

    return read_opensmtpd(tree, place, version)


def _sendmail(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    from audits.parse.sendmail.reading import read_sendmail

    return read_sendmail(tree, place, version)


READERS: Mapping[Mta, Reader] = {
    Mta.POSTFIX: _postfix,
    Mta.EXIM: _exim,
    Mta.DOVECOT: _dovecot,
    Mta.OPENSMTPD: _opensmtpd,
    Mta.SENDMAIL: _sendmail,
}

# Where a program's configuration begins on a host.
USUAL_PLACE: Mapping[Mta, str] = {
    Mta.POSTFIX: "/etc/postfix",
    Mta.EXIM: "/etc/exim4/exim4.conf",
    Mta.DOVECOT: "/etc/dovecot/dovecot.conf",
    Mta.OPENSMTPD: "/etc/smtpd.conf",
    Mta.SENDMAIL: "/etc/mail/sendmail.mc",
}


@dataclass(frozen=True)
class Installed:
    """A mail program on a host. place: where its configuration begins, in the tree."""

    mta: Mta
    place: str
    version: str | None


def read_programs(tree: ConfigTree, programs: Sequence[Installed]) -> list[Reading | Silence]:
    """What the files of each program say, or why they say nothing."""
    return [
        READERS[program.mta](tree, place, program.version)
        for program in programs
        for place in _places(tree, program)
    ]


def _places(tree: ConfigTree, program: Installed) -> list[str]:
    """Where the configuration of a program begins, and those of its other instances."""
    if program.mta is not Mta.POSTFIX:
        return [program.place]
    from audits.parse.postfix.reading import instances

    return list(dict.fromkeys((program.place, *instances(tree, program.place))))


def configured(
    host: MailHost,
    readings: Sequence[Reading | Silence],
    wanted: Collection[type[Fact]],
    provenance: Provenance,
) -> list[AnyObservation]:
    """The facts about a host's mail programs; none where not one of them could be read."""
    kinds = KINDS & frozenset(wanted)
    read = [reading for reading in readings if isinstance(reading, Reading)]
    silent = [reading for reading in readings if isinstance(reading, Silence)]
    if not read:
        why = silent[0] if silent else Silence(Reason.ABSENT, f"{host} has no mail program")
        return unobserved(kinds, host, why.reason, why.detail, provenance)
    reasons = [each.detail for each in silent]
    reasons += [reading.networks_open for reading in read if reading.networks_open]
    facts: tuple[Fact, ...] = (
        MtaPrograms(host, tuple(reading.program for reading in read)),
        MtaListeners(host, tuple(each for reading in read for each in reading.listeners)),
        TrustedNetworks(
            host,
            tuple(each for reading in read for each in reading.networks),
            "; ".join(reasons) or None,
        ),
    )
    return [Observed(fact, provenance) for fact in facts if type(fact) in kinds]
