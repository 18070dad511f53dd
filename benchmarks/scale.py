"""How time and memory grow with the fleet: `mailproof run` on 500 and on 2,000 domains, 100 hosts.

Everything is on loopback: one DNS server, one SMTP server a host, in a process of their own.
Prints the ratio of time a domain between the larger and the smaller fleet (1.0 is linear), and the
peak resident memory of each run.

    python benchmarks/scale.py [--domains 500 2000] [--hosts 100]
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from audits.demo.certificates import Authority
from audits.demo.dns_server import DnsServer
from audits.demo.smtp_server import Behaviour, SmtpServer

_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnF"
    "CjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6m"
    "cwGjaNBcWToIMmPSPDdQPNUYckcQ2QjZHwIDAQAB"
)


def zone(number: int, hosts: int) -> tuple[str, str]:
    """A well-kept domain with two of the hosts as MX."""
    first, second = number % hosts, (number + 1) % hosts
    origin = f"d{number}.example"
    return origin, (
        f"$TTL 3600\n@ SOA ns.{origin}. hostmaster.{origin}. 1 7200 900 604800 300\n"
        f"@ NS ns.{origin}.\n"
        f"@ MX 10 mx{first}.hosts.test.\n@ MX 20 mx{second}.hosts.test.\n"
        '@ TXT "v=spf1 mx -all"\n'
        f'_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{origin}"\n'
        f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{origin}"\n'
        f'a._domainkey TXT "v=DKIM1; k=rsa; p={_KEY[:200]}" "{_KEY[200:]}"\n'
    )


def host_zone(hosts: int) -> str:
    lines = ["$TTL 3600", "@ SOA ns.hosts.test. h.hosts.test. 1 7200 900 604800 300", "@ NS ns"]
    lines += [f"mx{n} A 192.0.2.{n + 1}" for n in range(hosts)]
    return "\n".join(lines) + "\n"


async def serve(hosts: int, domains: int, certificates: Path, ready: Connection) -> None:
    """All servers until the process is ended; sends the ports once they listen."""
    authority = Authority()
    certificates.write_bytes(authority.root_pem)
    zones = dict(zone(n, hosts) for n in range(domains)) | {"hosts.test": host_zone(hosts)}
    async with AsyncExitStack() as servers:
        names = await servers.enter_async_context(DnsServer(zones))
        ports = []
        for number in range(hosts):
            name = f"mx{number}.hosts.test"
            mine = [
                f"d{d}.example" for d in range(domains) if number in (d % hosts, (d + 1) % hosts)
            ]
            behaviour = Behaviour(
                hostname=name,
                local_domains=tuple(mine),
                tls=authority.issue(name).server_context(),
            )
            server = await servers.enter_async_context(SmtpServer(behaviour))
            ports.append(server.port)
        ready.send((names.port, ports))
        await asyncio.Event().wait()


def in_process(hosts: int, domains: int, certificates: Path, ready: Connection) -> None:
    asyncio.run(serve(hosts, domains, certificates, ready))


def write_fleet(folder: Path, domains: int, resolver: int, ports: list[int]) -> None:
    (folder / "inventory").mkdir(parents=True)
    config = {
        "policies": ["baseline"],
        "resolver": {"addresses": ["127.0.0.1"], "port": resolver},
        "trust": {"ca_file": "ca.pem"},
        "probe": {"recipient": "canary@sink.test", "sender": "probe@audit.test"},
    }
    (folder / "mailproof.yaml").write_text(json.dumps(config))
    hosts = {
        f"mx{n}.hosts.test": {
            "data": {
                "mail": {
                    "roles": ["mx"],
                    "addresses": [f"192.0.2.{n + 1}"],
                    "services": [{"port": 25, "connect": f"127.0.0.1:{port}"}],
                }
            }
        }
        for n, port in enumerate(ports)
    }
    (folder / "inventory" / "hosts.yaml").write_text(json.dumps(hosts))
    named = {
        f"d{n}.example": {
            "sends": True,
            "receives": True,
            "dkim": [{"selector": "a", "owner": "self"}],
        }
        for n in range(domains)
    }
    (folder / "inventory" / "domains.yaml").write_text(json.dumps(named))


def measure(domains: int, hosts: int) -> tuple[float, float, float, int]:
    """Wall seconds, CPU seconds, peak MiB and results of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mine, theirs = multiprocessing.Pipe()
        world = multiprocessing.Process(
            target=in_process, args=(hosts, domains, folder / "ca.pem", theirs), daemon=True
        )
        world.start()
        resolver, ports = mine.recv()
        write_fleet(folder, domains, resolver, ports)
        begun = time.monotonic()
        run = subprocess.Popen(
            [sys.executable, "-c", "from audits.cli import main; main()", "run", "-q"], cwd=folder
        )
        _, status, used = os.wait4(run.pid, 0)
        wall = time.monotonic() - begun
        world.terminate()
        world.join()
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 10, 11, 12):
            raise SystemExit(f"the run ended with {code}")
        results = next((folder / "runs").glob("*/results.jsonl")).read_bytes().count(b"\n")
        return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, nargs=2, default=[500, 2000])
    parser.add_argument("--hosts", type=int, default=100)
    options = parser.parse_args()
    seen = {}
    for domains in options.domains:
        wall, cpu, peak, results = measure(domains, options.hosts)
        seen[domains] = wall
        print(
            f"{domains:>6} domains, {options.hosts} hosts: {wall:6.1f} s, {cpu:6.1f} s of CPU, "
            f"peak {peak:5.0f} MiB, {results:,} results"
        )
    small, large = options.domains
    ratio = (seen[large] / large) / (seen[small] / small)
    print(f"time a domain, {large} against {small}: ratio {ratio:.2f} (1.00 is linear)")


if __name__ == "__main__":
    main()
