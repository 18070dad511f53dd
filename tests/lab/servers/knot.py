"""The lab's authoritative name server: Knot DNS, and the zones that it serves."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm, DSDigest

from tests.lab.network import run
from tests.lab.servers.server import Server


class Security(StrEnum):
    """How a zone stands towards DNSSEC.

    bogus: signed, but its parent vouches for another key. island: signed, and the parent says
    nothing. expired: its signatures ended yesterday. unproven: what it denies, it denies without
    signatures.
    """

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    BOGUS = "bogus"
    ISLAND = "island"
    EXPIRED = "expired"
    UNPROVEN = "unproven"


_SIGNED_BY_KNOT = (Security.SIGNED, Security.BOGUS, Security.ISLAND)


@dataclass(frozen=True)
class Zone:
    """A zone of the lab. name: without final dot; records: zone file lines below SOA and NS."""

    name: str
    security: Security
    records: tuple[str, ...]


class Knot(Server):
    """An authoritative server for the root and for all zones of the lab, delegated below it."""

    HOST = "ns1.example.net"

    def serve(self, zones: Iterable[Zone]) -> None:
        """Makes keys, writes the zones and starts; Knot signs them as it loads them."""
        zones = list(zones)
        self._configuration = self.folder / "knot.conf"
        self._configuration.write_text(self._knot_conf(zones))
        delegations: dict[str, list[str]] = defaultdict(list)
        # Children first: a parent's zone holds their DS records when it is signed.
        for zone in sorted(zones, key=lambda zone: -zone.name.count(".")):
            self._write(zone.name, (*zone.records, *delegations[zone.name]))
            delegations[_parent(zone, zones)] += self._delegation(zone)
        self._write("", [*self._glue(), *delegations[""]])
        self._generate_key("")
        self.launch("knotd", "-c", str(self._configuration))

    def trust_anchor(self) -> str:
        """The root's DS records, as a validating resolver takes them."""
        return "\n".join(f". IN DS {digest}" for digest in self._digests("")) + "\n"

    def ready(self) -> bool:
        """The root is served and signed, and so are the other zones, which are far smaller."""
        asked = self.namespace.run(
            "kdig", "+dnssec", "+timeout=1", "+retry=0", f"@{self.namespace.ipv4}", ".", "SOA"
        )
        return "RRSIG" in asked.stdout

    def _knot_conf(self, zones: Iterable[Zone]) -> str:
        lines = [
            "server:",
            f"  rundir: {self.folder}",
            "  listen: 0.0.0.0@53",
            "log:",
            "  - target: stderr",
            "    any: info",
            "database:",
            f"  storage: {self.folder}",
            "policy:",
            "  - id: lab",
            "    manual: on",
            "template:",
            "  - id: default",
            f"    storage: {self.folder}",
            "    journal-content: none",
            "    zonefile-load: whole",
            "    zonefile-sync: -1",
            "zone:",
            *_knot_zone("", signed=True),
        ]
        for zone in zones:
            lines += _knot_zone(zone.name, signed=zone.security in _SIGNED_BY_KNOT)
        return "\n".join(lines) + "\n"

    def _write(self, name: str, records: Iterable[str]) -> None:
        start = (
            f"$ORIGIN {name}.",
            "$TTL 300",
            f"@ SOA {self.HOST}. hostmaster.example.net. 1 3600 600 86400 60",
            f"@ NS {self.HOST}.",
        )
        path = self.folder / _zone_file(name)
        path.write_text("\n".join((*start, *records)) + "\n")

    def _glue(self) -> list[str]:
        return [f"{self.HOST}. A {self.namespace.ipv4}"]

    def _delegation(self, zone: Zone) -> list[str]:
        lines = [f"{zone.name}. NS {self.HOST}."]
        if zone.security is Security.UNSIGNED:
            return lines
        if zone.security not in _SIGNED_BY_KNOT:
            return [*lines, f"{zone.name}. DS {self._sign(zone)}"]
        self._generate_key(zone.name)
        if zone.security is Security.ISLAND:
            return lines
        digests = self._digests(zone.name)
        if zone.security is Security.BOGUS:
            digests = [digest[:-8] + "deadbeef" for digest in digests]
        return lines + [f"{zone.name}. DS {digest}" for digest in digests]

    def _sign(self, zone: Zone) -> str:
        """Signs a zone's file the way no signer does; the right-hand side of its DS record."""
        path = self.folder / _zone_file(zone.name)
        origin = dns.name.from_text(zone.name)
        content = dns.zone.from_text(path.read_text(), origin=origin, relativize=False)
        private = ec.generate_private_key(ec.SECP256R1())
        key = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ECDSAP256SHA256, flags=257)
        ends = timedelta(days=-1 if zone.security is Security.EXPIRED else 14)
        now = datetime.now(UTC)
        dns.dnssec.sign_zone(
            content,
            keys=[(private, key)],
            inception=now - timedelta(days=7),
            expiration=now + ends,
        )
        if zone.security is Security.UNPROVEN:
            for node in content.values():
                node.delete_rdataset(
                    dns.rdataclass.IN, dns.rdatatype.RRSIG, covers=dns.rdatatype.NSEC
                )
        path.write_text(content.to_text(relativize=False))
        return dns.dnssec.make_ds(origin, key, DSDigest.SHA256).to_text()

    def _generate_key(self, name: str) -> None:
        self._keymgr(name, "generate", "algorithm=13", "ksk=yes", "zsk=yes")

    def _digests(self, name: str) -> list[str]:
        """The right-hand sides of the zone's DS records."""
        lines = self._keymgr(name, "ds").splitlines()
        return [line.split(" DS ", 1)[1] for line in lines if " DS " in line]

    def _keymgr(self, name: str, *command: str) -> str:
        return run("keymgr", "-c", str(self._configuration), f"{name}.", *command).stdout


def _parent(zone: Zone, zones: Iterable[Zone]) -> str:
    """The name of the zone that it is delegated from: the nearest one above it, or the root."""
    above = [other.name for other in zones if zone.name.endswith(f".{other.name}")]
    return max(above, key=len, default="")


def _knot_zone(name: str, *, signed: bool) -> list[str]:
    lines = [f'  - domain: "{name}."', f"    file: {_zone_file(name)}"]
    return lines + (["    dnssec-signing: on", "    dnssec-policy: lab"] if signed else [])


def _zone_file(name: str) -> str:
    return f"{name or 'root'}.zone"


def reverse_name(address: str) -> str:
    """The name below in-addr.arpa or ip6.arpa where the address has its PTR, without final dot."""
    return ip_address(address).reverse_pointer
