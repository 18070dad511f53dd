"""The demo's fleet as data: hosts and domains, each with the one thing that is wrong with it.

Names end in `.example` (RFC 2606 section 2) and say what is wrong; addresses are those that
documentation uses (RFC 5737, RFC 3849), so nothing here can mean a host of the real network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from audits.demo.https_server import Page

ORG = "example"
HOSTS_UNDER = f"fleet.{ORG}"
ALIAS = f"alias.{HOSTS_UNDER}"
FILTER = f"mx1.filter-service.{ORG}"
FILTER_ADDRESS = "192.0.2.99"
POLICY_ADDRESS = "192.0.2.80"
# A web server: senders go there for a domain without MX (RFC 5321 section 5.1), and find no MTA.
WEB = f"www.{ORG}"
WEB_ADDRESS = "192.0.2.30"
SILENT_ZONE = f"servfail.{ORG}"
RSA_SELECTOR = "s2026"
ED25519_SELECTOR = "e2026"
# Reports about a domain that has no server for mail of its own go to one that takes them.
_REPORTED = f"v=DMARC1; p=reject; rua=mailto:dmarc-reports@good.{ORG}"


@dataclass(frozen=True)
class DemoHost:
    """A host of the inventory. what: the first words of a sentence about it.

    sends: mail leaves from its address. ptr: the name that the reverse zone gives for it, if not
    its own; empty for none. domains: those it takes mail for without being their MX. login: the
    user name of the account that logins are tried with, empty for none.
    """

    label: str
    address: str
    what: str
    roles: tuple[str, ...] = ("mx",)
    ports: tuple[int, ...] = (25,)
    address6: str | None = None
    sends: bool = False
    ptr: str | None = None
    domains: tuple[str, ...] = ()
    login: str = ""

    @property
    def name(self) -> str:
        return f"{self.label}.{HOSTS_UNDER}"

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address,) if self.address6 is None else (self.address, self.address6)

    @property
    def reverse_name(self) -> str:
        """The name that its addresses have in the reverse zone, or empty."""
        return self.name if self.ptr is None else self.ptr


@dataclass(frozen=True)
class DemoDomain:
    """A domain and what it publishes. mx: `preference host` each.

    spf, dmarc: TXT at the domain and at `_dmarc`; `@@` is `@` and the domain. dkim_bits: of the RSA
    key under selector `s2026`, beside an Ed25519 key under `e2026`; 0 for a revoked key alone, None
    for none. sts: what the policy's address answers; None where nothing is published, TLS-RPT
    included.
    """

    label: str
    what: str
    mx: tuple[str, ...] = (f"10 good.{HOSTS_UNDER}.",)
    spf: tuple[str, ...] = ("v=spf1 mx -all",)
    dmarc: tuple[str, ...] = ("v=DMARC1; p=reject; rua=mailto:dmarc-reports@@",)
    dkim_bits: int | None = 2048
    sts: Page | None = field(default_factory=lambda: sts_policy(f"*.{HOSTS_UNDER}"))
    apex: str | None = None
    sends: bool = True
    receives: bool = True
    group: str = "customers"

    @property
    def name(self) -> str:
        return f"{self.label}.{ORG}"

    @property
    def selectors(self) -> tuple[str, ...]:
        """The DKIM selectors that it declares."""
        if self.dkim_bits is None:
            return ()
        return (RSA_SELECTOR, ED25519_SELECTOR) if self.dkim_bits else (RSA_SELECTOR,)


def sts_policy(*mx: str) -> Page:
    """A policy that enforces TLS for the given patterns (RFC 8461 section 3.2)."""
    lines = ("version: STSv1", "mode: enforce", *(f"mx: {m}" for m in mx), "max_age: 1209600", "")
    return Page("200 OK", "\r\n".join(lines))


def _mx_to(label: str) -> tuple[str, ...]:
    return (f"10 {label}.{HOSTS_UNDER}.",)


HOSTS = (
    DemoHost(
        "good",
        "192.0.2.10",
        "does everything right: takes mail for its domains, and from users with a login",
        roles=("mx", "msa"),
        ports=(25, 465, 587),
        address6="2001:db8::10",
        sends=True,
        login=f"probe@good.{ORG}",
    ),
    DemoHost(
        "open-relay",
        "192.0.2.11",
        "relays mail for anybody to anywhere, and takes suites of TLS that are of yesterday",
    ),
    DemoHost(
        "auth-in-clear",
        "192.0.2.12",
        "takes passwords on port 587 before TLS begins",
        roles=("msa",),
        ports=(465, 587),
    ),
    DemoHost(
        "no-auth",
        "192.0.2.13",
        "takes mail on port 587 from whoever comes, with no login",
        roles=("msa",),
        ports=(465, 587),
        domains=(f"good.{ORG}",),
    ),
    DemoHost(
        "no-starttls",
        "192.0.2.14",
        "takes mail in clear only, whatever its TLSA record promises, and its outbound address "
        "has no name in the reverse zone",
        sends=True,
        ptr="",
    ),
    DemoHost("expired", "192.0.2.15", "shows a certificate that has expired"),
    DemoHost(
        "wrong-name",
        "192.0.2.16",
        "shows its users a certificate for another name, and its reverse name leads elsewhere",
        roles=("msa",),
        ports=(465, 587),
        sends=True,
        ptr=f"good.{HOSTS_UNDER}",
    ),
    DemoHost(
        "lax-login",
        "192.0.2.22",
        "lets whoever has logged in send as anybody else, and says which users exist",
        roles=("msa",),
        ports=(465, 587),
        login=f"staff@good.{ORG}",
    ),
    DemoHost("greylisting", "192.0.2.17", "puts every stranger off with 450"),
    DemoHost("dead", "192.0.2.18", "has nobody listening on port 25"),
    DemoHost("silent", "192.0.2.19", "accepts the connection and says nothing"),
    DemoHost("busy", "192.0.2.20", "answers every connection with 421"),
    DemoHost(
        "injectable",
        "192.0.2.21",
        "obeys inside TLS what was sent in clear, and tells everybody how old it is",
    ),
)

DOMAINS = (
    DemoDomain("good", "does everything right"),
    DemoDomain(
        "filtered-elsewhere",
        "has its mail filtered by a service that is not in the inventory",
        mx=(f"10 {FILTER}.",),
        sts=sts_policy(f"*.filter-service.{ORG}"),
    ),
    DemoDomain(
        "no-mx",
        "has an address and no MX",
        mx=(),
        dmarc=(_REPORTED,),
        sts=sts_policy(f"no-mx.{ORG}"),
        apex=WEB_ADDRESS,
    ),
    DemoDomain(
        "parked",
        "takes no part in mail and says so",
        mx=("0 .",),
        spf=("v=spf1 -all",),
        dmarc=(_REPORTED,),
        dkim_bits=None,
        sts=None,
        apex=WEB_ADDRESS,
        sends=False,
        receives=False,
        group="parked",
    ),
    DemoDomain(
        "parked-without-null-mx",
        "takes no part in mail and forgot to say so",
        mx=(),
        spf=("v=spf1 -all",),
        dmarc=(_REPORTED,),
        dkim_bits=None,
        sts=None,
        apex=WEB_ADDRESS,
        sends=False,
        receives=False,
        group="parked",
    ),
    DemoDomain("mx-alias", "has an MX that is an alias", mx=(f"10 {ALIAS}.",)),
    DemoDomain(
        "mx-dangling",
        "has an MX whose name is gone",
        mx=(f"10 good.{HOSTS_UNDER}.", f"20 gone.{HOSTS_UNDER}."),
    ),
    DemoDomain("spf-twice", "has two SPF records", spf=("v=spf1 mx -all", "v=spf1 a ~all")),
    DemoDomain("spf-open", "lets anybody send in its name", spf=("v=spf1 mx +all",)),
    DemoDomain(
        "spf-misspelt",
        "has a term in its SPF record that does not exist",
        spf=("v=spf1 ipv4:192.0.2.10 -all",),
    ),
    DemoDomain("dkim-short", "signs with a key of 1024 bits", dkim_bits=1024),
    DemoDomain("dkim-revoked", "declares a selector whose key is revoked", dkim_bits=0),
    DemoDomain(
        "dmarc-none",
        "watches forged mail go through",
        dmarc=("v=DMARC1; p=none; rua=mailto:dmarc-reports@@",),
    ),
    DemoDomain("dmarc-missing", "has no DMARC record", dmarc=()),
    DemoDomain(
        "dmarc-twice",
        "has two DMARC records, which count as none",
        dmarc=("v=DMARC1; p=reject", "v=DMARC1; p=none"),
    ),
    DemoDomain(
        "mta-sts-redirected",
        "sends those who ask for its MTA-STS policy elsewhere",
        sts=Page("301 Moved Permanently", location=f"https://www.{ORG}/mta-sts.txt"),
    ),
    DemoDomain("no-mta-sts", "has neither MTA-STS nor TLS reports", sts=None),
    DemoDomain("servfail", "lies in a zone whose servers fail"),
    DemoDomain("waived", "has a soft SPF record that was accepted", spf=("v=spf1 mx ?all",)),
    DemoDomain(
        "waiver-expired",
        "had its weak DMARC policy accepted, until some days ago",
        dmarc=("v=DMARC1; p=none; sp=quarantine; rua=mailto:dmarc-reports@@",),
    ),
    DemoDomain("open-relay", "is served by the open relay", mx=_mx_to("open-relay")),
    DemoDomain("no-starttls", "is served in clear", mx=_mx_to("no-starttls")),
    DemoDomain("expired", "is served with an expired certificate", mx=_mx_to("expired")),
    DemoDomain("greylisting", "is served by the greylisting host", mx=_mx_to("greylisting")),
    DemoDomain("dead", "is served by nobody", mx=_mx_to("dead")),
    DemoDomain("silent", "is served by the silent host", mx=_mx_to("silent")),
    DemoDomain("busy", "is served by the busy host", mx=_mx_to("busy")),
    DemoDomain("injectable", "is served by the old host", mx=_mx_to("injectable")),
)


def policy_pages() -> dict[str, Page]:
    """The MTA-STS pages by host name."""
    return {f"mta-sts.{d.name}": d.sts for d in DOMAINS if d.sts is not None}


def zones(
    dkim: Mapping[str, Mapping[str, str]],
    tlsa: Mapping[str, Sequence[str]],
    keys: Sequence[str] = (),
) -> dict[str, str]:
    """Zone text by origin. dkim: key records by domain, then by selector.

    tlsa: the right-hand sides of TLSA records by host. keys: DNSKEY and DS records of the zone.
    """
    forward = [
        f"$ORIGIN {ORG}.",
        "$TTL 300",
        "@ SOA ns hostmaster 1 3600 600 86400 60",
        "@ NS ns",
        f'@ CAA 0 issue "ca.{ORG}"',
        "ns A 192.0.2.53",
        f"{ALIAS}. CNAME good.{HOSTS_UNDER}.",
        f"{FILTER}. A {FILTER_ADDRESS}",
        f"{WEB}. A {WEB_ADDRESS}",
        '*._report._dmarc.good TXT "v=DMARC1"',
        *(line for host in HOSTS for line in _host_lines(host)),
        *(f"_25._tcp.{host}. TLSA {record}" for host in tlsa for record in tlsa[host]),
        *(
            line
            for d in DOMAINS
            if d.name != SILENT_ZONE
            for line in _domain_lines(d, dkim[d.name])
        ),
    ]
    return {f"{ORG}.": _text(forward), **_reverse_zones()}


def _host_lines(host: DemoHost) -> Iterator[str]:
    yield f"{host.name}. A {host.address}"
    if host.address6 is not None:
        yield f"{host.name}. AAAA {host.address6}"
    if host.sends:
        yield f'{host.name}. TXT "v=spf1 a -all"'


def _domain_lines(domain: DemoDomain, dkim: Mapping[str, str]) -> Iterator[str]:
    name = f"{domain.name}."
    if domain.apex is not None:
        yield f"{name} A {domain.apex}"
    yield from (f"{name} MX {mx}" for mx in domain.mx)
    yield from (f"{name} TXT {_quoted(text)}" for text in domain.spf)
    for text in domain.dmarc:
        yield f"_dmarc.{name} TXT {_quoted(text.replace('@@', f'@{domain.name}'))}"
    for selector in domain.selectors:
        yield f"{selector}._domainkey.{name} TXT {_quoted(dkim[selector])}"
    if domain.sends:
        yield f"_submissions._tcp.{name} SRV 0 1 465 good.{HOSTS_UNDER}."
    if domain.sts is not None:
        yield f'_mta-sts.{name} TXT "v=STSv1; id=20260101"'
        yield f"mta-sts.{name} A {POLICY_ADDRESS}"
        yield f'_smtp._tls.{name} TXT "v=TLSRPTv1; rua=mailto:tls-reports@good.{ORG}"'


def _quoted(text: str) -> str:
    """As character-strings of at most 255 octets (RFC 1035 section 3.3)."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


def _reverse_zones() -> dict[str, str]:
    apex = ("$TTL 300", f"@ SOA ns.{ORG}. hostmaster.{ORG}. 1 3600 600 86400 60", f"@ NS ns.{ORG}.")
    pointers = [
        f"{ip_address(address).reverse_pointer}. PTR {host.reverse_name}."
        for host in HOSTS
        if host.reverse_name
        for address in host.addresses
    ]
    return {
        zone: _text([f"$ORIGIN {zone}", *apex, *(p for p in pointers if f"{zone} PTR" in p)])
        for zone in ("2.0.192.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.")
    }


def _text(lines: list[str]) -> str:
    return "\n".join([*lines, ""])
