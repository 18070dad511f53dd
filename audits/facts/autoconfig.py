"""What the configuration files for mail programs say that a domain publishes."""

from msgspec import Struct

from audits.facts.fact import Fact, Silence
from audits.subject import Domain


class ClientServer(Struct, frozen=True):
    """One server of a configuration. direction: `incoming` or `outgoing`.

    protocol: imap, pop3, smtp. socket_type: `plain`, `STARTTLS` or `SSL`, as written; what
    Autodiscover says otherwise, in these words. authentication: methods as written, in order.
    """

    direction: str
    protocol: str
    host: str
    port: str
    socket_type: str
    authentication: tuple[str, ...]


class AutoconfigDocument(Struct, frozen=True):
    """What was found at one address.

    url: where it was asked for, or the SRV name where that would have said. location: where the
    answer leads to instead, by HTTP or in its text.
    failure: why nobody answered there, though the question was; None for an HTTP answer.
    servers: of a document that could be read. silence: why it is not known.
    """

    url: str
    address: str | None
    failure: str | None
    status: int | None
    location: str | None
    servers: tuple[ClientServer, ...]
    malformed: str | None
    silence: Silence | None


class ClientAutoconfig(Fact, frozen=True, tag="https.autoconfig"):
    """The configuration for mail programs, in the order in which they look for it.

    First that of Thunderbird and others, then Autodiscover, at the domain's name for it and at the
    targets of its SRV records.
    """

    subject: Domain
    documents: tuple[AutoconfigDocument, ...]
