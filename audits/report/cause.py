"""What each cause of a break means, and how to mend it, in the words of every report."""

from typing import Final

from msgspec import Struct

from audits.facts.cause import Cause, cause_of
from audits.facts.delivery import Station
from audits.report.sanitise import visible


class Place(Struct, frozen=True):
    """Where a way stopped: the names that its explanation speaks of, each as it was seen."""

    domain: str
    host: str
    address: str
    port: int
    recipient: str
    sender: str


class Explanation(Struct, frozen=True):
    """means: what the answer says. mend: what to do about it, and whose task it is."""

    cause: Cause
    means: str
    mend: str


def explanation(station: Station, place: Place) -> Explanation | None:
    """Why mail stops at a station and what to do; None where it does not stop there."""
    cause = cause_of(station)
    if cause is None:
        return None
    means, mend = _WORDS[cause]
    names = {name: visible(str(getattr(place, name))) for name in place.__struct_fields__}
    return Explanation(cause, means.format_map(names), mend.format_map(names))


_WORDS: Final[dict[Cause, tuple[str, str]]] = {
    Cause.NO_SUCH_DOMAIN: (
        "The DNS says that {domain} does not exist, so a sender returns the message at once.",
        "Look for a slip in the address. If the domain is yours, renew its registration, or put "
        "its delegation and zone back.",
    ),
    Cause.NULL_MX: (
        "{domain} says with a null MX that it takes no mail (RFC 7505).",
        "Write to another address. If the domain is yours and is to take mail, replace `MX 0 .` "
        "by the names of its MX hosts.",
    ),
    Cause.NO_ADDRESS: (
        "{host} has neither an A nor an AAAA record, so there is nothing to connect to.",
        "Publish the address of {host}, or take the MX record that names it out of {domain}.",
    ),
    Cause.DNS_FAILED: (
        "The resolver got no answer that it trusts: name servers of the zone are broken, or its "
        "DNSSEC is. Senders keep the message and ask again.",
        "Ask past the validation, `dig +cd MX {domain}`: an answer then means that signatures or "
        "DS records are at fault; none, that the zone's name servers are.",
    ),
    Cause.DNS_SILENT: (
        "The resolver did not answer in time. Senders keep the message and ask again.",
        "See with `mailproof doctor` whether the resolver answers anything; if it does, the name "
        "servers of {domain} are silent.",
    ),
    Cause.DNS_REFUSED: (
        "The resolver does not answer this machine.",
        "Set `resolver` in mailproof.yaml to one that does; `mailproof doctor` tells.",
    ),
    Cause.EGRESS_BLOCKED: (
        "A packet filter on this very machine forbids the connection; it was never sent.",
        "Let port {port} out here, or trace from the machine that sends your mail.",
    ),
    Cause.FILTERED: (
        "Nothing came back from port {port} of {address}: a firewall drops it, on this side or on "
        "theirs, or the host is down.",
        "If no host at all answers on port {port} (`mailproof doctor` tries), it is this network "
        "that blocks it, as homes and clouds do; else open the port on the firewall of {host}.",
    ),
    Cause.CLOSED: (
        "{address} is up, but nothing listens on its port {port}, or its firewall says no.",
        "Start the mail server of {host} and let it listen on {address} (Postfix: "
        "`inet_interfaces`, `inet_protocols`).",
    ),
    Cause.UNREACHABLE: (
        "The network here knows no way to {address}.",
        "If it is an IPv6 address and this place has no IPv6, that is all; senders go on to the "
        "next. Otherwise mend the routing.",
    ),
    Cause.SILENT: (
        "The connection stands, and the server of {host} says nothing in time: it is overloaded, "
        "holds unknown clients up, or something between speaks for it.",
        "Look at its load and process limits, and at what it does before it answers, such as "
        "look-ups that time out.",
    ),
    Cause.HUNG_UP: (
        "The server closed the connection in the middle.",
        "Its log says why: a crash, a process limit, or a filter that hangs up on clients.",
    ),
    Cause.NOT_SMTP: (
        "What answers on port {port} of {address} does not speak SMTP.",
        "Look for another service on that port, or a middlebox that rewrites the conversation.",
    ),
    Cause.THROTTLED: (
        "The server has had enough for now and asks to come back later.",
        "Wait. If it happens all the time, its limits are too low, or this address sends too much.",
    ),
    Cause.TURNED_AWAY: (
        "{host} turns this client away before it says what it wants.",
        "Follow what the reply says; it is about the address that this machine connects from, or "
        "the host is out of service and its MX record should go.",
    ),
    Cause.EHLO_REFUSED: (
        "{host} does not like the name that this client gives of itself.",
        "Set `probe: ehlo` in mailproof.yaml to a name that leads to this machine's address and "
        "back, as a mail server's has to.",
    ),
    Cause.TLS_NOT_OFFERED: (
        "{host} offers no STARTTLS, and TLS is needed here: by its DANE or MTA-STS, or because a "
        "login must not go in clear.",
        "Switch TLS on (Postfix: `smtpd_tls_security_level = may` and a certificate), and look for "
        "a middlebox that takes STARTTLS out.",
    ),
    Cause.TLS_REFUSED: (
        "{host} offers STARTTLS and then refuses it. Senders that need no TLS go on in clear.",
        "Its log says why, most often a certificate or key that can't be read.",
    ),
    Cause.TLS_FAILED: (
        "The TLS handshake failed. Between servers, senders that need no TLS come back in clear "
        "where nothing demands it, and others wait; a mail program gives up.",
        "Let {host} take TLS 1.2 and 1.3 with a certificate and its key that belong together.",
    ),
    Cause.TLS_NOT_SPOKEN: (
        "{host} speaks in clear on port {port} at the point where TLS has to begin.",
        "On port 465 let TLS come before the greeting (Postfix: `smtpd_tls_wrappermode = yes` in "
        "master.cf; Exim: `tls_on_connect_ports = 465`). Behind STARTTLS, look at its log, and for "
        "a proxy that does not know the command.",
    ),
    Cause.TLS_WANTED: (
        "{host} takes nothing in clear.",
        "Its STARTTLS has to be offered and to work, for mail to come in at all.",
    ),
    Cause.CERTIFICATE: (
        "The certificate does not prove that this is {host}, and something here insists on proof: "
        "DANE or MTA-STS of the domain, or a password that is to be sent.",
        "Give {host} a certificate for its name from an authority that clients trust, or publish "
        "the TLSA record of the one that it has. A private authority is named with `private_ca` in "
        "the inventory, or `trust` in mailproof.yaml.",
    ),
    Cause.AUTH_NOT_OFFERED: (
        "{host} offers no way to log in, not even inside TLS.",
        "Switch SASL on for this port (Postfix: `smtpd_sasl_auth_enable = yes` in master.cf).",
    ),
    Cause.LOGIN_FAILED: (
        "The login was refused.",
        "Check the user name and what the password reference leads to, then the server's "
        "authentication log.",
    ),
    Cause.LOGIN_WANTED: (
        "{host} wants a login before it takes mail, as a submission service should.",
        "Give one with `--login`, to see how it goes on behind it.",
    ),
    Cause.BLOCKLISTED: (
        "{host} refuses the address that this machine connects from: it is on a block list, or "
        "of a network that is not to send mail.",
        "Trace from the machine that sends your mail. If that one is listed, find out why, then "
        "ask the list that the reply names to take it off.",
    ),
    Cause.NO_REVERSE_NAME: (
        "{host} wants a reverse name for the address that this machine connects from.",
        "Publish a PTR record for it whose name leads back to the address, or trace from the "
        "machine that sends your mail.",
    ),
    Cause.SENDER_NOT_OWNED: (
        "This login may not send as {sender}, as it should be where the mailbox is another's.",
        "Send as the mailbox of the login, with `--from`, or give the login that address on {host} "
        "(Postfix: `smtpd_sender_login_maps`).",
    ),
    Cause.SENDER_REFUSED: (
        "{host} does not take mail from {sender}: its domain does not resolve, or does not let "
        "this machine send for it.",
        "Give a sender that exists with `--from`, and trace from a machine that its SPF names.",
    ),
    Cause.GREYLISTED: (
        "Greylisting: {host} puts strangers off once. A sender comes back after some minutes and "
        "is let in; nothing is broken.",
        "Trace again in ten minutes, with the same sender and recipient.",
    ),
    Cause.DEFERRED: (
        "{host} can't or won't take it now, and asks to try again later.",
        "Follow what the reply says. If it stays so for hours, something behind {host} is broken: "
        "a full disk, a database, a look-up.",
    ),
    Cause.USER_UNKNOWN: (
        "{host} takes mail for {domain}, and has no mailbox {recipient}.",
        "Look for a slip in the address, or create the mailbox or alias on {host}.",
    ),
    Cause.MAILBOX_FULL: (
        "The mailbox {recipient} is full.",
        "Its owner has to clear it, or its quota has to grow.",
    ),
    Cause.RELAY_DENIED: (
        "{host} does not take {domain} for its own: the MX record leads to the wrong host, or the "
        "host was not told of the domain.",
        "Add {domain} on {host} (Postfix: `mydestination`, `virtual_mailbox_domains` or "
        "`relay_domains`; Exim: `local_domains` or `relay_to_domains`), or correct the MX record.",
    ),
    Cause.CONTENT_REFUSED: (
        "{host} refused the message itself.",
        "Follow what the reply says: a filter, a size limit, or DMARC of the sender's domain.",
    ),
    Cause.REFUSED: (
        "{host} refused for good; the reply says why, in its own words.",
        "Follow what the reply says. The log of {host} says more.",
    ),
    Cause.OURS: (
        "The walk was cut short on this side.",
        "Trace again; if it happens again, please report it.",
    ),
}
