"""DNS audits of a fleet of domains: `mailproof run` against checkdmarc, side by side in one run.

Both ask the same stub resolver, a process of its own that answers after 20 ms. checkdmarc takes one
domain after another, so that it gets a smaller sample, and all numbers are for one domain. It is
measured twice: `check_domains` as its users run it, and only its functions for the records that
mailproof audits too (MX, SPF, DMARC, MTA-STS, TLS-RPT). Its start-up is not counted.
mailproof does its whole job: start-up, inventory, DKIM keys, policy, results and report.

checkdmarc is installed into a virtual environment in a temporary directory.

    python benchmarks/dns_vs_checkdmarc.py [--domains 500] [--sample 40] [--delay-ms 20]
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import struct
import subprocess
import sys
import tempfile
import time
import venv
from base64 import b64encode
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CHECKDMARC = "checkdmarc==6.0.4"
THROUGHPUT_TARGET = 30.0
CPU_TARGET = 0.2

_KEY = b64encode(
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
_SOA = "ns.bench.example. hostmaster.bench.example. 1 7200 900 604800 300"

# What every domain publishes, by the labels before its name, and what its hosts do.
_DOMAIN = {
    ("", "MX"): ("10 mx1.bench.example.", "20 mx2.bench.example."),
    ("", "TXT"): ('"v=spf1 include:_spf.bench.example -all"',),
    ("", "A"): ("192.0.2.80",),
    ("_dmarc", "TXT"): ('"v=DMARC1; p=reject; rua=mailto:dmarc@bench.example"',),
    ("_smtp._tls", "TXT"): ('"v=TLSRPTv1; rua=mailto:tls@bench.example"',),
    ("a._domainkey", "TXT"): (f'"v=DKIM1; p={_KEY[:200]}" "{_KEY[200:]}"',),
}
_HOSTS = {
    ("mx1.bench.example", "A"): ("192.0.2.1",),
    ("mx2.bench.example", "A"): ("192.0.2.2",),
    ("_spf.bench.example", "TXT"): ('"v=spf1 ip4:192.0.2.0/24 -all"',),
    ("bench.example", "MX"): ("10 mx1.bench.example.",),
}


def names(count: int) -> list[str]:
    return [f"d{number}.bench.example" for number in range(count)]


class Stub(asyncio.DatagramProtocol):
    """Answers every query after a delay, over UDP and TCP."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.transport is not None
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay_s, self.transport.sendto, _answer(data), addr)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                await asyncio.sleep(self._delay_s)
                wire = _answer(data)
                writer.write(len(wire).to_bytes(2, "big") + wire)
        except (EOFError, ConnectionError):
            writer.close()


def _rdatas(rdtype: str, texts: tuple[str, ...]) -> bytes:
    """Answer records in wire form, each owned by the name in the question."""
    wire = b""
    for text in texts:
        rdata = dns.rdata.from_text("IN", rdtype, text).to_wire()
        assert rdata is not None
        kind = dns.rdatatype.from_text(rdtype)
        wire += struct.pack("!HHHIH", 0xC00C, kind, 1, 3600, len(rdata)) + rdata
    return wire


_READY = {
    table: {
        (prefix, int(dns.rdatatype.from_text(rdtype))): (len(texts), _rdatas(rdtype, texts))
        for (prefix, rdtype), texts in records.items()
    }
    for table, records in (("domain", _DOMAIN), ("hosts", _HOSTS))
}
_NAMES = {table: {name for name, _ in records} for table, records in _READY.items()}
_SOA_WIRE = dns.rdata.from_text("IN", "SOA", _SOA).to_wire() or b""
_ZONE_WIRE = dns.name.from_text("bench.example").to_wire()
_DENIAL = _ZONE_WIRE + struct.pack("!HHIH", dns.rdatatype.SOA, 1, 300, len(_SOA_WIRE)) + _SOA_WIRE


def _answer(data: bytes) -> bytes:
    """From prepared records: the stub must not be what is measured."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode().lower())
        at += 1 + data[at]
    end = at + 5
    rdtype = int.from_bytes(data[at + 1 : at + 3], "big")
    numbered = next((i for i, x in enumerate(labels) if x[0] == "d" and x[1:].isdigit()), None)
    table = "hosts" if numbered is None else "domain"
    prefix = ".".join(labels if numbered is None else labels[:numbered])
    count, records = _READY[table].get((prefix, rdtype), (0, b""))
    if count:
        rcode, authority = 0, b""
    else:
        rcode = dns.rcode.NOERROR if prefix in _NAMES[table] else dns.rcode.NXDOMAIN
        authority = _DENIAL
    flags = 0x8180 | rcode
    head = data[:2] + struct.pack("!HHHHH", flags, 1, count, int(not count), 0)
    return head + data[12:end] + records + authority


def serve(delay_s: float, ready: Connection) -> None:
    async def main() -> None:
        stub = Stub(delay_s)
        server = await asyncio.start_server(stub.serve_tcp, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        stub.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: stub, local_addr=("127.0.0.1", port)
        )
        ready.send(port)
        await asyncio.Event().wait()

    asyncio.run(main())


@dataclass(frozen=True)
class Measured:
    """What one side took for a number of domains, seconds."""

    domains: int
    wall_s: float
    cpu_s: float

    @property
    def per_second(self) -> float:
        return self.domains / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s / self.domains * 1000

    def __str__(self) -> str:
        return (
            f"{self.domains} domains in {self.wall_s:.2f} s: "
            f"{self.per_second:.1f} a second, {self.cpu_ms:.1f} ms of CPU each"
        )


# Runs in checkdmarc's own environment. Whatever it sends goes to the stub: some of its look-ups
# take no port, and none may leave this machine.
_THEIR_SIDE = """
import json, logging, sys, time
import dns.query, dns.resolver
port, domains = int(sys.argv[1]), json.loads(sys.argv[2])
for transport in ("udp", "tcp"):
    def to_stub(q, where, *args, _send=getattr(dns.query, transport), **more):
        more["port"] = port
        return _send(q, "127.0.0.1", *args, **more)
    setattr(dns.query, transport, to_stub)
import checkdmarc
from checkdmarc import dmarc, mta_sts, smtp, smtp_tls_reporting, spf
logging.disable()
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ["127.0.0.1"], port
stub = {"nameservers": ["127.0.0.1"], "resolver": resolver}

def whole(domain):
    found = checkdmarc.check_domains([domain], **stub)
    return found["spf"]["valid"] and found["dmarc"]["valid"] and len(found["mx"]["hosts"]) == 2

def same_records(domain):
    hosts = smtp.check_mx(domain, **stub)["hosts"]
    mta_sts.check_mta_sts(domain, **stub)
    reports = smtp_tls_reporting.check_smtp_tls_reporting(domain, **stub)["valid"]
    valid = spf.check_spf(domain, **stub)["valid"] and dmarc.check_dmarc(domain, **stub)["valid"]
    return valid and reports and len(hosts) == 2

taken = []
for part, check in zip((domains[0::2], domains[1::2]), (whole, same_records)):
    wall, cpu = time.monotonic(), time.process_time()
    valid = sum(map(check, part))
    taken.append([len(part), time.monotonic() - wall, time.process_time() - cpu, valid])
print(json.dumps(taken))
"""


def their_side(port: int, sample: int, folder: Path) -> list[Measured]:
    """checkdmarc, whole and for the same records, each on half of twice the sample.

    The halves are different domains, since it caches what it has asked.
    """
    environment = folder / "checkdmarc"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", CHECKDMARC]
    subprocess.run(install, check=True)
    command = [python, "-c", _THEIR_SIDE, str(port), json.dumps(names(2 * sample))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured = []
    for domains, wall_s, cpu_s, valid in json.loads(done.stdout):
        if valid != domains:
            raise SystemExit(f"checkdmarc found {valid} of {domains} domains valid, not all")
        measured.append(Measured(domains, wall_s, cpu_s))
    return measured


_AUDITS = """
mx-published mx-null-stands-alone mx-target-not-alias mx-target-resolves mx-host-in-inventory
spf-published spf-single-record spf-syntax-valid spf-not-open-to-all spf-all-strict-enough
dkim-selectors-published dkim-key-valid dkim-key-long-enough
dmarc-published dmarc-record-valid dmarc-policy-enforced mta-sts-published tlsrpt-published
"""
_POLICY = {
    "id": "dns-only",
    "title": "What the DNS says",
    "audits": dict.fromkeys(_AUDITS.split()),
}


def our_side(port: int, domains: int, folder: Path) -> Measured:
    """`mailproof run` as a user runs it, its start-up and its report counted."""
    write_fleet(folder, port, domains)
    begun = time.monotonic()
    run = subprocess.Popen(
        [sys.executable, "-c", "from audits.cli import main; main()", "run", "--quiet"], cwd=folder
    )
    _, status, used = os.wait4(run.pid, 0)
    wall_s = time.monotonic() - begun
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 10, 11, 12):
        raise SystemExit(f"mailproof ended with {code}")
    return Measured(domains, wall_s, used.ru_utime + used.ru_stime)


def write_fleet(folder: Path, port: int, domains: int) -> None:
    (folder / "inventory").mkdir(parents=True)
    (folder / "policies").mkdir()
    config = {
        "policies": ["policies/dns.yaml"],
        "resolver": {"addresses": ["127.0.0.1"], "port": port},
    }
    (folder / "mailproof.yaml").write_text(json.dumps(config))
    (folder / "policies" / "dns.yaml").write_text(json.dumps(_POLICY))
    (folder / "inventory" / "hosts.yaml").write_text(
        json.dumps({f"mx{n}.bench.example": {"data": {"mail": {"roles": ["mx"]}}} for n in (1, 2)})
    )
    domain = {"sends": True, "receives": True, "dkim": [{"selector": "a", "owner": "self"}]}
    (folder / "inventory" / "domains.yaml").write_text(
        json.dumps(dict.fromkeys(names(domains), domain))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--sample", type=int, default=40, help="domains that checkdmarc gets")
    parser.add_argument("--delay-ms", type=float, default=20.0)
    options = parser.parse_args()
    mine, theirs = multiprocessing.Pipe()
    stub = multiprocessing.Process(
        target=serve, args=(options.delay_ms / 1000, theirs), daemon=True
    )
    stub.start()
    port = mine.recv()
    with tempfile.TemporaryDirectory() as name:
        whole, same = their_side(port, options.sample, Path(name))
        ours = our_side(port, options.domains, Path(name) / "fleet")
    stub.terminate()
    stub.join()
    throughput, cpu = ours.per_second / whole.per_second, ours.cpu_ms / whole.cpu_ms
    lines = [
        f"checkdmarc, whole         {whole}",
        f"checkdmarc, same records  {same}",
        f"mailproof run             {ours}",
        f"against the whole:        {throughput:.1f} times the throughput "
        f"(target: at least {THROUGHPUT_TARGET:g}), {cpu:.3f} of its CPU a domain "
        f"(target: at most {CPU_TARGET:g})",
        f"against the same records: {ours.per_second / same.per_second:.1f} times the throughput, "
        f"{ours.cpu_ms / same.cpu_ms:.3f} of its CPU a domain",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(throughput < THROUGHPUT_TARGET or cpu > CPU_TARGET)


if __name__ == "__main__":
    main()
