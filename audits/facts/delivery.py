"""The way of mail through a service, station by station, as far as it was seen."""

import re
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from audits.facts.declared import HostRoles
from audits.facts.dns import HostAddresses, MxSet
from audits.facts.fact import Fact, Observation, Observed, Reason, Silence, Step, Unobserved
from audits.facts.smtp import (
    EhloInTls,
    EhloReply,
    Greeting,
    Reply,
    RoleRecipient,
    StartTls,
    Transcript,
    UnauthenticatedMail,
)
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake
from audits.subject import Domain, MailHost, Path, Service

RELAY_PORT = 25
IMPLICIT_TLS_PORT = 465

# Words of a refusal that is about who asks, not about what is asked.
_ABOUT_THE_CLIENT = re.compile(
    r"client host|(?:black|block)[ -]?list|\bdnsbl\b|\brbl\b|spamhaus|reputation"
    r"|reverse (?:dns|hostname)|\bptr\b|\bspf\b|sender address",
    re.IGNORECASE,
)


class StationState(StrEnum):
    """How far mail comes at a station.

    passed: answered as it should be. broken: answered so that it goes no further. silent: no
    answer, or one that decides nothing, such as a greylisting 450. not-reached: the way ended
    before. not-sent: not said to the server at all: nobody offered it, or it was right not to.
    """

    PASSED = "passed"
    BROKEN = "broken"
    SILENT = "silent"
    NOT_REACHED = "not-reached"
    NOT_SENT = "not-sent"


class Station(Struct, frozen=True):
    """One station of the delivery loop.

    answered: a word or two to stand beneath it: `220`, `TLSv1.3`, `not sent`.
    detail: the same in a clause, with the server's words. elapsed_s: None where nothing took time.
    reason: why a silent or unsent station is so. fact, pointer: where its answer stands.
    """

    step: Step
    state: StationState
    answered: str
    detail: str
    elapsed_s: float | None = None
    reason: Reason | None = None
    fact: Fact | None = None
    pointer: str = ""


Way = tuple[Station, ...]


class RelayFacts(Struct, frozen=True):
    """What was seen along one way of mail between servers, in its order; None: never asked for."""

    path: Path
    mx: MxSet
    addresses: Observation[HostAddresses] | None
    port: Observation[PortState] | None
    greeting: Observation[Greeting] | None
    ehlo: Observation[EhloReply] | None
    starttls: Observation[StartTls] | None
    handshake: Observation[TlsHandshake] | None
    recipient: Observation[RoleRecipient] | None
    transcript: Observation[Transcript] | None = None


def paths_into(snapshot: Snapshot, domain: Domain) -> tuple[Path, ...]:
    """Every way of mail into a domain that was seen, the most preferred MX host first."""
    mx = snapshot.fact(MxSet, domain)
    found: list[Path] = []
    for name in mx.targets if mx is not None else ():
        roles = snapshot.fact(HostRoles, MailHost(name))
        services = [s for s in roles.services if s.port == RELAY_PORT] if roles else []
        for at in services or [Service(name, "", RELAY_PORT)]:
            found.append(Path(domain.name, at.host, at.address, at.port))
    return tuple(found)


def relay_path(snapshot: Snapshot, path: Path) -> Way:
    """MX, address, TCP, greeting, EHLO, STARTTLS, TLS, MAIL, RCPT, DATA, QUIT of one way of mail.

    RFC 5321 sections 5.1 and 3.1 to 3.3. Empty where the domain's MX records were not seen.
    """
    mx = snapshot.fact(MxSet, Domain(path.domain))
    if mx is None:
        return ()
    service = path.service
    return relay_stations(
        RelayFacts(
            path,
            mx,
            snapshot.get(HostAddresses, MailHost(path.host)),
            snapshot.get(PortState, service),
            snapshot.get(Greeting, service),
            snapshot.get(EhloReply, service),
            snapshot.get(StartTls, service),
            snapshot.get(TlsHandshake, service),
            snapshot.get(RoleRecipient, path),
            snapshot.get(Transcript, service),
        )
    )


def relay_stations(seen: RelayFacts) -> Way:
    """The stations of one way of mail between servers, from what was seen of it."""
    mail, rcpt = _role_mailbox(seen.recipient)
    return _in_order(
        _mx(seen.mx, seen.path.host),
        _address(seen.addresses, seen.path.address),
        _tcp(seen.port),
        _greeting(seen.greeting),
        _ehlo(seen.ehlo),
        _starttls(seen.starttls, seen.ehlo, needed=False),
        _tls(seen.handshake),
        mail,
        rcpt,
        _data(),
        _quit(seen.transcript),
    )


def submission_path(snapshot: Snapshot, service: Service) -> Way:
    """TCP, greeting, EHLO, STARTTLS, TLS, AUTH, MAIL, RCPT, DATA and QUIT of a submission port.

    On 465 TLS comes right behind TCP (RFC 8314 section 3.3), and there is no STARTTLS. No login is
    made, so MAIL and RCPT are passed where the service turns a stranger away, and broken where it
    takes mail from one (RFC 6409 section 4.3).
    """
    port = _tcp(snapshot.get(PortState, service))
    greeting = _greeting(snapshot.get(Greeting, service))
    ehlo = _ehlo(snapshot.get(EhloReply, service))
    tls = _tls(snapshot.get(TlsHandshake, service))
    offered = snapshot.get(StartTls, service)
    starttls = _starttls(offered, snapshot.get(EhloReply, service), needed=True)
    auth = _auth(snapshot.get(EhloInTls, service))
    mail, rcpt = _stranger(snapshot.get(UnauthenticatedMail, service))
    end = (auth, mail, rcpt, _data(), _quit(snapshot.get(Transcript, service)))
    if service.port == IMPLICIT_TLS_PORT:
        return _in_order(port, tls, greeting, ehlo, *end)
    return _in_order(port, greeting, ehlo, starttls, tls, *end)


def domain_station(seen: Observation[MxSet]) -> Station:
    """The MX look-up of a domain by itself, before any of its hosts is turned to."""
    if not isinstance(seen, Observed):
        return _unseen(Step.MX, seen)
    mx = seen.fact
    rcode = mx.answer.rcode
    if mx.targets and mx.records:
        said = f"{len(mx.records)} MX"
        shown = [record for record in mx.records if record.exchange != "."]
        detail = ", ".join(f"{record.preference} {record.exchange}." for record in shown)
        return Station(Step.MX, StationState.PASSED, said, detail, fact=mx, pointer="/records")
    if mx.targets:
        detail = f"no MX record, so {mx.subject} itself is the MX host"
        return Station(
            Step.MX, StationState.PASSED, "no MX", detail, fact=mx, pointer="/answer/rcode"
        )
    if mx.records:
        detail = f"{mx.records[0].preference} . is all: {mx.subject} takes no mail"
        return Station(
            Step.MX, StationState.BROKEN, "null MX", detail, fact=mx, pointer="/records/0/exchange"
        )
    detail = f"{mx.subject} does not exist"
    return Station(Step.MX, StationState.BROKEN, rcode, detail, fact=mx, pointer="/answer/rcode")


def login_station(mechanism: str, reply: Reply, *, proved: bool = True) -> Station:
    """The end of an AUTH exchange (RFC 4954 section 4).

    proved: False where the server accepted the login and did not know the password itself.
    """
    station = _reply(Step.AUTH, reply, None, "", wanted=235)
    if station.state is StationState.PASSED and not proved:
        station = _reply_as(StationState.BROKEN, station)
    return replace(station, detail=f"{mechanism}: {reply.text}")


def message_station(heard: Reply | Silence) -> Station:
    """The reply to the end of a message, or to DATA where it is not 354."""
    if isinstance(heard, Silence):
        said, detail = heard.reason.value, heard.detail
        return Station(Step.DATA, StationState.SILENT, said, detail, reason=heard.reason)
    return _reply(Step.DATA, heard, None, "")


def service_path(snapshot: Snapshot, service: Service) -> Way:
    """The stations of a service whatever its port; on 25 those that concern no domain."""
    if service.port != RELAY_PORT:
        return submission_path(snapshot, service)
    return _in_order(
        _tcp(snapshot.get(PortState, service)),
        _greeting(snapshot.get(Greeting, service)),
        _ehlo(snapshot.get(EhloReply, service)),
        _starttls(snapshot.get(StartTls, service), snapshot.get(EhloReply, service), needed=False),
        _tls(snapshot.get(TlsHandshake, service)),
        _quit(snapshot.get(Transcript, service)),
    )


def decisive(way: Way) -> Station:
    """The station that says whether mail arrives: RCPT if passed, else where the way ended.

    TLS counts only where nothing else ends the way: senders may go on in clear.
    """
    rcpt = next((station for station in way if station.step is Step.RCPT), way[-1])
    if rcpt.state is StationState.PASSED:
        return rcpt
    in_tls = None
    for station in way:
        ended = station.state in _ENDED
        if station.step in _IN_TLS:
            in_tls = in_tls or (station if ended else None)
        elif ended or (station.step is Step.MAIL and station.state is StationState.NOT_SENT):
            return station
    return in_tls or rcpt


_ENDED = (StationState.BROKEN, StationState.SILENT)
_IN_TLS = (Step.STARTTLS, Step.TLS)


def _in_order(*stations: Station) -> Way:
    """The stations; behind the one at which the way ended, what was not seen was not reached."""
    return tuple(_behind(stations))


def _behind(stations: tuple[Station, ...]) -> Iterator[Station]:
    over: Step | None = None
    for station in stations:
        unseen = station.fact is None and station.step is not Step.DATA
        # What is never asked of a host stays so where senders may go on in clear.
        unasked = over in _IN_TLS and station.reason is Reason.SKIPPED
        if over is not None and unseen and not unasked:
            yield Station(station.step, StationState.NOT_REACHED, "", station.detail)
        else:
            yield station
        if over is None and station.state in _ENDED:
            over = station.step


def _unseen(step: Step, seen: Unobserved | None) -> Station:
    if seen is None or seen.reason is Reason.NOT_COLLECTED:
        detail = "this run did not ask"
        return Station(
            step, StationState.NOT_SENT, "not asked", detail, reason=Reason.NOT_COLLECTED
        )
    if seen.reason is Reason.NOT_OFFERED:
        return Station(step, StationState.NOT_SENT, "not offered", seen.detail, reason=seen.reason)
    if seen.reason is Reason.SKIPPED:
        return Station(step, StationState.NOT_SENT, "not sent", seen.detail, reason=seen.reason)
    if seen.reason.nothing_there:
        return Station(step, StationState.NOT_REACHED, "", seen.detail, reason=seen.reason)
    return Station(step, StationState.SILENT, seen.reason.value, seen.detail, reason=seen.reason)


def _mx(mx: MxSet, host: str) -> Station:
    for place, record in enumerate(mx.records):
        if record.exchange == host:
            said, pointer = f"MX {record.preference}", f"/records/{place}"
            detail = f"{record.preference} {record.exchange}."
            break
    else:
        said, pointer = "no MX", "/answer/rcode"
        detail = f"no MX record, so {host} itself is the MX host"
    return Station(Step.MX, StationState.PASSED, said, detail, fact=mx, pointer=pointer)


def _address(seen: Observation[HostAddresses] | None, address: str) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.ADDRESS, seen)
    found = seen.fact
    if found.addresses:
        shown = address or found.addresses[0]
        return Station(
            Step.ADDRESS, StationState.PASSED, shown, shown, fact=found, pointer="/addresses"
        )
    if found.silent:
        silence = found.silent[0].silence
        detail = f"{found.silent[0].rdtype}: {silence.detail}"
        return Station(
            Step.ADDRESS,
            StationState.SILENT,
            silence.reason.value,
            detail,
            reason=silence.reason,
            fact=found,
            pointer="/silent",
        )
    rcode = found.answers[0].rcode if found.answers else "no answer"
    said = rcode if rcode != "NOERROR" else "no address"
    detail = f"{found.subject.name} has no address ({rcode})"
    return Station(
        Step.ADDRESS, StationState.BROKEN, said, detail, fact=found, pointer="/addresses"
    )


def _tcp(seen: Observation[PortState] | None) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.TCP, seen)
    port = seen.fact
    state = {
        "open": StationState.PASSED,
        "closed": StationState.BROKEN,
        "filtered": StationState.SILENT,
    }[port.state]
    detail = f"port {port.subject.port} is {port.state}"
    if port.detail:
        detail += f": {port.detail}"
    reason = Reason.FILTERED if state is StationState.SILENT else None
    return Station(Step.TCP, state, port.state, detail, port.elapsed_s, reason, port, "/state")


def _greeting(seen: Observation[Greeting] | None) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.GREETING, seen)
    return _reply(Step.GREETING, seen.fact.reply, seen.fact, "/reply", wanted=220)


def _ehlo(seen: Observation[EhloReply] | None) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.EHLO, seen)
    reply = seen.fact.reply
    if reply.code in (500, 502):
        # RFC 5321 section 3.2: a client then tries HELO, and we don't.
        detail = f"{reply.text}; HELO was not tried"
        return Station(
            Step.EHLO,
            StationState.SILENT,
            str(reply.code),
            detail,
            reply.elapsed_s,
            Reason.PROTOCOL,
            seen.fact,
            "/reply",
        )
    return _reply(Step.EHLO, reply, seen.fact, "/reply", wanted=250)


def _starttls(
    seen: Observation[StartTls] | None, ehlo: Observation[EhloReply] | None, *, needed: bool
) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.STARTTLS, seen)
    found = seen.fact
    if not found.offered:
        state = StationState.BROKEN if needed else StationState.NOT_SENT
        detail = "EHLO does not list STARTTLS"
        place = ehlo.fact.stripped if isinstance(ehlo, Observed) else None
        if isinstance(ehlo, Observed) and place is not None:
            detail = f"EHLO lists {ehlo.fact.keywords[place].name} where STARTTLS belongs"
        return Station(
            Step.STARTTLS,
            state,
            "not offered",
            detail,
            reason=Reason.NOT_OFFERED,
            fact=found,
            pointer="/offered",
        )
    if found.reply is None:
        return Station(
            Step.STARTTLS,
            StationState.NOT_SENT,
            "offered",
            "offered, not tried",
            fact=found,
            pointer="/offered",
        )
    return _reply(Step.STARTTLS, found.reply, found, "/reply", wanted=220)


def _tls(seen: Observation[TlsHandshake] | None) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.TLS, seen)
    found = seen.fact
    if found.completed:
        version = found.version or "TLS"
        detail = f"{version} {found.cipher or ''}".rstrip()
        return Station(
            Step.TLS, StationState.PASSED, version, detail, found.elapsed_s, None, found, "/version"
        )
    detail = found.error or "the handshake failed"
    return Station(
        Step.TLS, StationState.BROKEN, "failed", detail, found.elapsed_s, None, found, "/error"
    )


def _auth(seen: Observation[EhloInTls] | None) -> Station:
    if not isinstance(seen, Observed):
        return _unseen(Step.AUTH, seen)
    mechanisms = seen.fact.params("AUTH")
    if mechanisms:
        said = " ".join(mechanisms)
        detail = f"AUTH {said}; no login was made"
        return Station(
            Step.AUTH, StationState.PASSED, said, detail, fact=seen.fact, pointer="/keywords"
        )
    detail = "EHLO inside TLS lists no AUTH mechanism"
    return Station(
        Step.AUTH, StationState.BROKEN, "not offered", detail, fact=seen.fact, pointer="/keywords"
    )


def _role_mailbox(seen: Observation[RoleRecipient] | None) -> tuple[Station, Station]:
    if not isinstance(seen, Observed):
        return _unseen(Step.MAIL, seen), _unseen(Step.RCPT, seen)
    found = seen.fact
    mail = _reply(Step.MAIL, found.mail, found, "/mail")
    if found.rcpt is None:
        return mail, Station(Step.RCPT, StationState.NOT_REACHED, "", "MAIL was not accepted")
    rcpt = _reply(Step.RCPT, found.rcpt, found, "/rcpt")
    if found.rcpt.denies_relaying:
        return mail, _reply_as(StationState.BROKEN, rcpt)
    return mail, rcpt


def _stranger(seen: Observation[UnauthenticatedMail] | None) -> tuple[Station, Station]:
    """MAIL and RCPT of somebody who did not log in: a refusal is what should come."""
    if not isinstance(seen, Observed):
        return _unseen(Step.MAIL, seen), _unseen(Step.RCPT, seen)
    found = seen.fact
    mail = _reply(Step.MAIL, found.mail, found, "/mail")
    if found.mail.denies_strangers:
        mail = _reply_as(StationState.PASSED, mail)
    asked = [
        (answer, pointer)
        for answer, pointer in ((found.foreign, "/foreign/reply"), (found.local, "/local/reply"))
        if answer is not None
    ]
    if not asked:
        return mail, Station(Step.RCPT, StationState.NOT_SENT, "not sent", "MAIL was refused")
    worst, pointer = next((a for a in asked if a[0].reply.positive), asked[0])
    rcpt = _reply(Step.RCPT, worst.reply, found, pointer)
    if worst.reply.positive:
        return mail, _reply_as(StationState.BROKEN, rcpt)
    if worst.reply.denies_strangers:
        return mail, _reply_as(StationState.PASSED, rcpt)
    return mail, rcpt


def _data() -> Station:
    detail = "no message was sent"
    return Station(Step.DATA, StationState.NOT_SENT, "not sent", detail, reason=Reason.SKIPPED)


def _quit(seen: Observation[Transcript] | None) -> Station:
    """The 221 to the last QUIT; replies to what was sent in one group with it stand before it."""
    lines = seen.fact.lines if isinstance(seen, Observed) else ()
    sent_s = None
    found = None
    for place, line in enumerate(lines):
        if (line.side, line.text) == ("C", "QUIT"):
            sent_s, found = line.at_s, None
        elif sent_s is not None and line.side == "S" and line.text.startswith("221"):
            found = place
    if found is None or sent_s is None or not isinstance(seen, Observed):
        return Station(Step.QUIT, StationState.NOT_REACHED, "", "QUIT was not answered")
    text = lines[found].text
    return Station(
        Step.QUIT,
        StationState.PASSED,
        "221",
        text,
        round(lines[found].at_s - sent_s, 4),
        fact=seen.fact,
        pointer=f"/lines/{found}/text",
    )


def _reply(step: Step, reply: Reply, fact: Fact | None, pointer: str, wanted: int = 0) -> Station:
    """A station that one reply decides; wanted: the only code that will do, 0 for any 2yz."""
    reason = None
    if reply.code == wanted or (not wanted and reply.positive):
        state = StationState.PASSED
    elif reply.transient:
        state, reason = StationState.SILENT, reply.put_off
    elif reply.permanent and _about_the_client(reply):
        state, reason = StationState.SILENT, Reason.DENIED
    else:
        state = StationState.BROKEN
    return Station(step, state, str(reply.code), reply.text, reply.elapsed_s, reason, fact, pointer)


def _about_the_client(reply: Reply) -> bool:
    """The refusal is about this vantage or our envelope sender (RFC 3463 X.1.7, X.1.8): another
    client may well be served."""
    sender = (reply.enhanced or "").partition(".")[2] in ("1.7", "1.8")
    return sender or _ABOUT_THE_CLIENT.search(reply.text) is not None


def _reply_as(state: StationState, station: Station) -> Station:
    return Station(
        station.step,
        state,
        station.answered,
        station.detail,
        station.elapsed_s,
        None,
        station.fact,
        station.pointer,
    )
