"""What was fetched over HTTPS, the MTA-STS policy, and which domains of a host announce one."""

from audits.facts.fact import Fact, Silence
from audits.subject import Domain, MailHost


class MtaStsPolicy(Fact, frozen=True, tag="https.mta-sts"):
    """The policy at `https://mta-sts.<domain>/.well-known/mta-sts.txt` (RFC 8461 section 3.2).

    failure: why there was no HTTP answer though somebody answered, or the name has no address:
    name absent, connection refused, certificate not valid for the name; else None. Time-outs make
    the fact unobserved instead. status, location, content_type: of the answer, redirects not
    followed. body: at most 64 KiB, decoded; body_bytes: what was received; truncated: more came.
    version, mode, mx, max_age_s: first value of each key, None or empty where absent.
    malformed: the first deviation from the grammar.
    """

    subject: Domain
    url: str
    address: str | None
    failure: str | None
    status: int | None
    location: str | None
    content_type: str | None
    body: str
    body_bytes: int
    truncated: bool
    version: str | None
    mode: str | None
    mx: tuple[str, ...]
    max_age_s: int | None
    malformed: str | None


class MtaStsDomains(Fact, frozen=True, tag="fleet.mta-sts"):
    """The domains of an MX host that announce MTA-STS, as far as this run looked at them.

    domains: sorted, without those whose policy says `mode: none`. silence: why it is not known of
    one of the others; None where it is known of all.
    """

    subject: MailHost
    domains: tuple[str, ...]
    silence: Silence | None
