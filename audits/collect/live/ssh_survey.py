"""What is looked at on a host: sockets, mail programs with their files, who may see secrets."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import dirname, isabs, normpath

from msgspec import structs

from audits.collect.configured import READERS, USUAL_PLACE, Installed
from audits.collect.live.ssh_certificate import Certificates, certificates
from audits.collect.live.ssh_command import HostShell, Ran
from audits.collect.live.ssh_secret import Secrets, secrets
from audits.facts.fact import Reason, Silence
from audits.facts.host import BoundSocket, FileMode
from audits.facts.mta import ConfiguredListener, Mta, Program, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.host_command import (
    dovecot_version,
    exim_version,
    listening_sockets,
    opensmtpd_version,
    postfix_instances,
    postfix_version,
    sendmail_version,
)

# A configuration names files that name files; none is known to go deeper.
_MOST_ROUNDS = 8
_MOST_FILES = 300
_SMTP_PORTS = (25, 465, 587)
_PRIVATE_KEY = "PRIVATE KEY-----"
# Files of OpenSMTPD where its own system and others have them.
_SMTPD_CONF = ("/etc/mail/smtpd.conf", "/etc/smtpd.conf")
_SENDMAIL_CF = "/etc/mail/sendmail.cf"
# Files that are not there, or that nobody wants.
_NOT_WITHHELD = frozenset({Reason.ABSENT, Reason.SKIPPED})
_OF_PROGRAMS = (Question.OUTBOUND_TLS, Question.OUTBOUND_DANE, Question.OUTBOUND_MTA_STS)


@dataclass(frozen=True)
class Found:
    """What a visit to a host brought."""

    sockets: tuple[BoundSocket, ...] | Silence
    readings: tuple[Reading | Silence, ...]
    secrets: Secrets | Silence
    certificates: Certificates | Silence


def survey(shell: HostShell) -> Found:
    """All there is to see. Raises Unheard where the host goes away, or the time is over."""
    sockets = _sockets(shell)
    # A program that is absent has its package there, and nobody configured it.
    read = [
        each
        for each in _read(shell, list(_installed(shell)))
        if isinstance(each.reading, Reading) or each.reading.reason is not Reason.ABSENT
    ]
    readings = [each.reading for each in read]
    unread = [(each.program, each.doubt) for each in read if each.doubt is not None]
    silent = [reading for reading in readings if isinstance(reading, Silence)]
    if len(silent) == len(readings):
        none = Silence(Reason.ABSENT, "the host has no mail program")
        why = silent[0] if silent else none
        return Found(sockets, tuple(readings), why, why)
    presented = certificates(shell, readings)
    kept = secrets(
        shell, set(_secret_files(readings)), {program.place: why for program, why in unread}
    )
    readings += _unexplained(sockets, readings, unread)
    return Found(sockets, tuple(readings), kept, presented)


def _sockets(shell: HostShell) -> tuple[BoundSocket, ...] | Silence:
    ran = shell.run("ss", "-Hltn")
    if isinstance(ran, Silence):
        return ran
    if ran.missing or ran.status:
        return Silence(Reason.PROTOCOL, f"ss -Hltn: {ran.complaint}")
    return listening_sockets(ran.out)


def _installed(shell: HostShell) -> Iterator[Installed]:
    """The mail programs that may be there, by what they print of themselves.

    One that gives no answer may be there, too: its files tell.
    """
    yield from _postfix(shell)
    yield from _exim(shell)
    yield from _opensmtpd(shell)
    yield from _sendmail(shell)
    dovecot = shell.run("doveconf", "-n")
    if _maybe(dovecot):
        release, first = dovecot_version(_out(dovecot)) or (None, USUAL_PLACE[Mta.DOVECOT])
        yield Installed(Mta.DOVECOT, first, release)


def _postfix(shell: HostShell) -> Iterator[Installed]:
    postconf = shell.run("postconf", "mail_version")
    if _maybe(postconf):
        version = postfix_version(_out(postconf))
        folders = postfix_instances(_out(shell.run("postmulti", "-l")))
        for folder in folders or (USUAL_PLACE[Mta.POSTFIX],):
            yield Installed(Mta.POSTFIX, folder, version)


def _exim(shell: HostShell) -> Iterator[Installed]:
    exim = shell.run("exim", "-bV")
    if _maybe(exim):
        version, place = exim_version(_out(exim)) or (None, None)
        yield Installed(Mta.EXIM, place or USUAL_PLACE[Mta.EXIM], version)


def _opensmtpd(shell: HostShell) -> Iterator[Installed]:
    opensmtpd = shell.run("smtpd", "-h")
    version = opensmtpd_version(_out(opensmtpd))
    if version is not None or isinstance(opensmtpd, Silence):
        there = [path for path in _SMTPD_CONF if isinstance(shell.mode(path), FileMode)]
        yield Installed(Mta.OPENSMTPD, (*there, USUAL_PLACE[Mta.OPENSMTPD])[0], version)


def _sendmail(shell: HostShell) -> Iterator[Installed]:
    """Every mail server has a program of that name, so it is asked where its own files are alone.

    `-bt` is for rules, of which none is given to it: with `-bv` another program would send mail.
    """
    if not shell.modes((_SENDMAIL_CF, USUAL_PLACE[Mta.SENDMAIL])):
        return
    ran = shell.run("sendmail", "-d0.1", "-bt")
    version = sendmail_version(_out(ran))
    if version is not None or isinstance(ran, Silence):
        yield Installed(Mta.SENDMAIL, USUAL_PLACE[Mta.SENDMAIL], version)


def _maybe(ran: Ran | Silence) -> bool:
    """Whether the program of a command may be there."""
    return isinstance(ran, Silence) or not ran.missing


def _out(ran: Ran | Silence) -> str:
    """All that a command printed: `smtpd -h` does it as an error."""
    return "" if isinstance(ran, Silence) else f"{ran.out}\n{ran.err}"


# --- files --------------------------------------------------------------------------------------


class _AskedTree(ConfigTree):
    """Files that notes what its readers ask for, so that it can be fetched for the next reading."""

    def __init__(self, files: dict[str, ConfigText], silent: dict[str, Silence]) -> None:
        super().__init__(files, silent)
        self.asked: set[str] = set()
        self.patterns: set[str] = set()

    def read(self, path: str) -> ConfigText | Silence:
        self.asked.add(normpath(path))
        return super().read(path)

    def matching(self, pattern: str) -> Iterator[str]:
        self.patterns.add(pattern)
        return super().matching(pattern)

    def would_match(self, path: str) -> bool:
        """Whether a file, or a whole folder, would have been among what was matched."""
        alone = ConfigTree({path: ConfigText(path, "")})
        return any(
            dirname(pattern) == path or path in alone.matching(pattern) for pattern in self.patterns
        )


@dataclass(frozen=True)
class _Read:
    """What the files of a program say. doubt: why that may not be all, or why it is nothing."""

    program: Installed
    reading: Reading | Silence
    doubt: Silence | None


def _read(shell: HostShell, programs: Sequence[Installed]) -> list[_Read]:
    """What the programs' files say: they are read until they name no further file."""
    files: dict[str, ConfigText] = {}
    silent: dict[str, Silence] = {}
    folders: dict[str, Silence | None] = {}
    trees: list[_AskedTree] = []
    readings: list[Reading | Silence] = []
    for _ in range(_MOST_ROUNDS):
        trees = [_AskedTree(files, silent) for _ in programs]
        readings = list(map(_reading, trees, programs))
        secret = set(_secret_files(readings))
        patterns = {pattern for tree in trees for pattern in tree.patterns}
        fresh = {path for tree in trees for path in tree.asked}
        fresh.update(_matching(shell, patterns, folders))
        fresh -= files.keys() | silent.keys()
        if not fresh:
            break
        for path in sorted(fresh):
            text = _fetched(shell, path, secret, len(files))
            if isinstance(text, Silence):
                silent[path] = text
            else:
                files[path] = ConfigText(path, text)
    withheld = silent | {path: why for path, why in folders.items() if why is not None}
    withheld = {p: why for p, why in withheld.items() if why.reason not in _NOT_WITHHELD}
    return [
        _doubted(program, reading, tree, withheld)
        for program, reading, tree in zip(programs, readings, trees, strict=True)
    ]


def _matching(
    shell: HostShell, patterns: Collection[str], folders: dict[str, Silence | None]
) -> Iterator[str]:
    """The paths that match patterns in folders that were not looked into yet, noted now."""
    for folder in sorted({dirname(pattern) for pattern in patterns if isabs(pattern)}):
        if folder in folders:
            continue
        names = shell.names(folder)
        folders[folder] = names if isinstance(names, Silence) else None
        found = [] if isinstance(names, Silence) else names
        listed = ConfigTree({name: ConfigText(name, "") for name in found})
        for pattern in patterns:
            yield from listed.matching(pattern)


def _doubted(
    program: Installed,
    reading: Reading | Silence,
    tree: _AskedTree,
    withheld: Mapping[str, Silence],
) -> _Read:
    """A reading without what it can't know, where files were withheld that are part of it."""
    if isinstance(reading, Silence):
        return _Read(program, reading, reading)
    if program.mta is Mta.POSTFIX:
        # It can miss tables alone, and says itself what depends on them.
        return _Read(program, reading, None)
    named = " ".join((*reading.program.unread, reading.networks_open or ""))
    for path, why in withheld.items():
        # A reader does not even know of the files that would have matched its pattern.
        is_unknown = tree.would_match(path)
        if is_unknown or path in named:
            # Exim's reader says itself which of its answers a missing include might change.
            precise = program.mta is Mta.EXIM and not is_unknown
            return _Read(program, reading if precise else _all_open(reading, why.detail), why)
    return _Read(program, reading, None)


def _all_open(reading: Reading, why: str) -> Reading:
    """The same with every question left open: the missing file might answer any of them."""

    def leave_open(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
        return tuple(Ruling(each.question, "undecided", why, each.lines) for each in rulings)

    program = structs.replace(reading.program, rulings=leave_open(reading.program.rulings))
    listeners = tuple(
        structs.replace(each, rulings=leave_open(each.rulings)) for each in reading.listeners
    )
    return replace(reading, program=program, listeners=listeners, networks_open=why)


def _reading(tree: ConfigTree, program: Installed) -> Reading | Silence:
    reader = READERS.get(program.mta)
    if reader is None:
        words = f"{program.mta} is installed, and its configuration is not understood"
        return Silence(Reason.NOT_COLLECTED, words)
    found = reader(tree, program.place, program.version)
    if isinstance(found, Silence) and found.reason is Reason.ABSENT and program.mta is Mta.SENDMAIL:
        words = f"{_SENDMAIL_CF} is there, and {program.place}, which it was made of, is not"
        return Silence(Reason.NOT_COLLECTED, words)
    return found


def _fetched(shell: HostShell, path: str, secret: Collection[str], fetched: int) -> str | Silence:
    if not isabs(path) or "\n" in path or "\0" in path:
        return Silence(Reason.NOT_COLLECTED, f"{path!r} is no absolute path")
    if path in secret:
        return Silence(Reason.SKIPPED, f"{path} holds secrets, which nobody reads")
    if fetched >= _MOST_FILES:
        return Silence(Reason.NOT_COLLECTED, f"{path} is one file more than {_MOST_FILES}")
    text = shell.read(path)
    if not isinstance(text, Silence) and _PRIVATE_KEY in text:
        return Silence(Reason.SKIPPED, f"{path} holds a private key, and was dropped")
    return text


def _secret_files(readings: Iterable[Reading | Silence]) -> Iterator[str]:
    for reading in readings:
        if isinstance(reading, Reading):
            yield from map(normpath, reading.secret_files)


# --- programs that could not be read ------------------------------------------------------------


def _unexplained(
    sockets: tuple[BoundSocket, ...] | Silence,
    readings: Sequence[Reading | Silence],
    unread: Sequence[tuple[Installed, Silence]],
) -> Iterator[Reading]:
    """Mail ports that a program may serve whose configuration could not be read.

    Without them all that could be read would speak for the whole host.
    """
    explained = {
        listener.port
        for reading in readings
        if isinstance(reading, Reading)
        for listener in reading.listeners
    }
    if isinstance(sockets, Silence):
        bound = set(_SMTP_PORTS)
    else:
        bound = {socket.port for socket in sockets if not socket.loopback}
    open_ports = [port for port in _SMTP_PORTS if port in bound - explained]
    for program, why in unread if open_ports else ():
        yield _undecided(program, why, open_ports)


def _undecided(program: Installed, why: Silence, ports: Sequence[int]) -> Reading:
    def ruling(question: Question) -> Ruling:
        return Ruling(question, "undecided", why.detail, ())

    of_programs = tuple(map(ruling, _OF_PROGRAMS))
    of_listeners = tuple(ruling(each) for each in Question if each not in _OF_PROGRAMS)
    return Reading(
        Program(
            program.mta, program.place, program.version, (), of_programs, (), (), (why.detail,)
        ),
        tuple(
            ConfiguredListener(
                program.mta, program.place, f"port {port}", (), port, False, None, of_listeners
            )
            for port in ports
        ),
        (),
        why.detail,
        (),
    )
