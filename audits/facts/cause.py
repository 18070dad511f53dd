"""The classic causes for which mail stops at a station, read off what was answered there."""

import re
from enum import StrEnum

from audits.facts.delivery import Station, StationState
from audits.facts.fact import Reason, Step


class Cause(StrEnum):
    """Why mail goes no further, as far as an answer or its absence tells."""

    NO_SUCH_DOMAIN = "no-such-domain"
    NULL_MX = "null-mx"
    NO_ADDRESS = "no-address"
    DNS_FAILED = "dns-failed"
    DNS_SILENT = "dns-silent"
    DNS_REFUSED = "dns-refused"
    EGRESS_BLOCKED = "egress-blocked"
    FILTERED = "filtered"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    HUNG_UP = "hung-up"
    NOT_SMTP = "not-smtp"
    THROTTLED = "throttled"
    TURNED_AWAY = "turned-away"
    EHLO_REFUSED = "ehlo-refused"
    TLS_NOT_OFFERED = "tls-not-offered"
    TLS_REFUSED = "tls-refused"
    TLS_FAILED = "tls-failed"
    TLS_NOT_SPOKEN = "tls-not-spoken"
    TLS_WANTED = "tls-wanted"
    CERTIFICATE = "certificate"
    AUTH_NOT_OFFERED = "auth-not-offered"
    LOGIN_FAILED = "login-failed"
    LOGIN_WANTED = "login-wanted"
    BLOCKLISTED = "blocklisted"
    NO_REVERSE_NAME = "no-reverse-name"
    SENDER_NOT_OWNED = "sender-not-owned"
    SENDER_REFUSED = "sender-refused"
    GREYLISTED = "greylisted"
    DEFERRED = "deferred"
    USER_UNKNOWN = "user-unknown"
    MAILBOX_FULL = "mailbox-full"
    RELAY_DENIED = "relay-denied"
    CONTENT_REFUSED = "content-refused"
    REFUSED = "refused"
    OURS = "ours"


# RFC 3463 section 2, behind the reply code: status-code = class "." subject "." detail
_ENHANCED = re.compile(r"\d{3}[ -][245]\.(\d{1,3}\.\d{1,3})(?:\s|$)")

# Words of a refusal, the first that fits counts: servers seldom give the enhanced code its sense.
_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.IGNORECASE))
    for cause, pattern in (
        (Cause.GREYLISTED, r"gr[ea]y-?list"),
        (Cause.TLS_WANTED, r"must issue a? ?starttls|starttls (?:command )?(?:first|required)"),
        (Cause.LOGIN_WANTED, r"authentication (?:is )?(?:required|needed)|must authenticate"),
        (Cause.EHLO_REFUSED, r"\b(?:helo|ehlo)\b"),
        (Cause.SENDER_NOT_OWNED, r"not owned by user|not (?:allowed|authori[sz]ed) to send as"),
        (Cause.BLOCKLISTED, r"(?:black|block)[ -]?list|\bdnsbl\b|\brbl\b|spamhaus|reputation"),
        (Cause.NO_REVERSE_NAME, r"reverse (?:dns|hostname|name)|\bptr\b|\brdns\b"),
        (Cause.SENDER_REFUSED, r"sender (?:address|domain|verif)|\bspf\b|\bdmarc\b"),
        (Cause.RELAY_DENIED, r"\brelay|\brcpthosts\b"),
        (Cause.MAILBOX_FULL, r"quota|(?:mail)?box is full|mailbox full|over ?quota"),
        (
            Cause.USER_UNKNOWN,
            r"(?:user|recipient|mailbox|address) (?:is )?(?:unknown|not found|unavailable)"
            r"|unknown (?:user|recipient|local)|no such (?:user|recipient|mailbox|person)"
            r"|invalid recipient|does not exist|no mailbox here|undeliverable",
        ),
        (Cause.BLOCKLISTED, r"client host|your (?:ip|address|host)"),
    )
)
_TOPICS = {
    "1.1": Cause.USER_UNKNOWN,
    "1.6": Cause.USER_UNKNOWN,
    "1.10": Cause.NULL_MX,
    "1.7": Cause.SENDER_REFUSED,
    "1.8": Cause.SENDER_REFUSED,
    "2.1": Cause.USER_UNKNOWN,
    "2.2": Cause.MAILBOX_FULL,
    "7.25": Cause.NO_REVERSE_NAME,
    "7.8": Cause.LOGIN_FAILED,
}
_SILENCES = {
    Reason.SERVFAIL: Cause.DNS_FAILED,
    Reason.DNS_TIMEOUT: Cause.DNS_SILENT,
    Reason.DNS_REFUSED: Cause.DNS_REFUSED,
    Reason.EGRESS_BLOCKED: Cause.EGRESS_BLOCKED,
    Reason.FILTERED: Cause.FILTERED,
    Reason.UNREACHABLE: Cause.UNREACHABLE,
    Reason.TIMEOUT: Cause.SILENT,
    Reason.DISCONNECTED: Cause.HUNG_UP,
    Reason.PROTOCOL: Cause.NOT_SMTP,
    Reason.THROTTLED: Cause.THROTTLED,
    Reason.NOT_DECLARED: Cause.LOGIN_WANTED,
    Reason.INTERNAL: Cause.OURS,
    Reason.INTERRUPTED: Cause.OURS,
}
_AT = {
    Step.ADDRESS: Cause.NO_ADDRESS,
    Step.TCP: Cause.CLOSED,
    Step.TLS: Cause.TLS_FAILED,
    Step.AUTH: Cause.LOGIN_FAILED,
}


def cause_of(station: Station) -> Cause | None:
    """Why mail stops at a station; None for one where it does not.

    Told by the reason of a silence, else by the words of the reply and its enhanced status code
    (RFC 3463 section 3), else by the step.
    """
    if station.state not in (StationState.BROKEN, StationState.SILENT):
        return None
    if station.step is Step.MX and station.state is StationState.BROKEN:
        return Cause.NULL_MX if station.answered == "null MX" else Cause.NO_SUCH_DOMAIN
    if station.step is Step.ADDRESS and station.state is StationState.BROKEN:
        return Cause.NO_ADDRESS
    if station.answered == "not trusted":
        return Cause.CERTIFICATE
    if station.answered == "not offered":
        return Cause.AUTH_NOT_OFFERED if station.step is Step.AUTH else Cause.TLS_NOT_OFFERED
    if station.step is Step.TLS and station.detail.startswith("not TLS: "):
        return Cause.TLS_NOT_SPOKEN
    said = _of_reply(station) if station.answered[:1] in ("4", "5") else None
    silence = _SILENCES.get(station.reason) if station.reason is not None else None
    return silence or said or _AT.get(station.step, Cause.REFUSED)


def _of_reply(station: Station) -> Cause:
    """What a 4yz or 5yz is about."""
    transient = station.answered.startswith("4")
    if station.step is Step.STARTTLS:
        return Cause.TLS_REFUSED
    if station.step is Step.AUTH:
        return Cause.DEFERRED if transient else Cause.LOGIN_FAILED
    for cause, words in _WORDS:
        if words.search(station.detail):
            return cause
    enhanced = _ENHANCED.match(station.detail)
    if enhanced is not None and enhanced[1] in _TOPICS:
        return _TOPICS[enhanced[1]]
    if station.answered == "530":
        return Cause.LOGIN_WANTED
    if transient:
        return Cause.DEFERRED
    return _REFUSED_AT.get(station.step, Cause.REFUSED)


_REFUSED_AT = {
    Step.GREETING: Cause.TURNED_AWAY,
    Step.EHLO: Cause.EHLO_REFUSED,
    Step.MAIL: Cause.SENDER_REFUSED,
    Step.DATA: Cause.CONTENT_REFUSED,
}
