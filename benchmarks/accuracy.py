"""Who gets the test vectors right: mailproof, checkdmarc, pyspf and spftrace, side by side.

Every vector of tests/data/vectors that says what any tool ought to find (`truth`) is asked of each
tool that answers such questions, over the same DNS server on loopback. mailproof has to say all
that the vector expects of its audits; of the others it is enough to come to the truth:

    spf      valid, invalid (permerror), none, or temporary (the DNS did not answer)
    dmarc    the policy in effect; absent; temporary
    mta-sts  whether the text of the policy is valid
    tlsrpt   valid, invalid or absent

pyspf and spftrace evaluate a record for a client that no term names, instead of judging it whole.
The others are installed into a virtual environment in a temporary directory, and every vector is
put to them in a process of its own, since checkdmarc remembers answers of other name servers.

    python benchmarks/accuracy.py
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import venv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.vectors import Case, World, cases, judged, words  # noqa: E402  # after the path

INSTALLED = ("checkdmarc==6.0.4", "pyspf==2.0.14", "spftrace==0.3.0")
TOOLS = ("mailproof", "checkdmarc", "pyspf", "spftrace")

# Runs in the environment of the other tools. Whatever they send goes to the stub: some look-ups
# take no port, and none may leave this machine.
_THEIR_SIDE = """
import json, logging, os, sys
import dns.asyncresolver, dns.query, dns.resolver
import spf as pyspf, spftrace
from checkdmarc import dmarc, mta_sts, smtp_tls_reporting, spf
logging.disable()

def send_to(port):
    for transport in ("udp", "tcp", "udp_with_fallback"):
        def to_stub(q, where, *args, _send=getattr(dns.query, transport), **more):
            more["port"] = port
            return _send(q, "127.0.0.1", *args, **more)
        setattr(dns.query, transport, to_stub)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    resolver.timeout = resolver.lifetime = 1
    dns.resolver.default_resolver = resolver
    return {"nameservers": ["127.0.0.1"], "resolver": resolver, "timeout": 0.3, "retries": 0}

def checkdmarc(kind, domain, body, stub):
    if kind == "mta-sts":
        try:
            mta_sts.parse_mta_sts_policy(body)
        except mta_sts.MTASTSError:
            return "invalid"
        return "valid"
    check = {
        "spf": spf.check_spf,
        "dmarc": dmarc.check_dmarc,
        "tlsrpt": smtp_tls_reporting.check_smtp_tls_reporting,
    }[kind]
    found = check(domain, **stub)
    if found["valid"]:
        return found["tags"]["p"]["value"] if kind == "dmarc" else "valid"
    error = str(found["error"]).lower()
    missing = ("does not exist", "not found", "no spf record", "does not have", "record not found")
    absent = any(words in error for words in missing) and found.get("record") is None
    return ("none" if kind == "spf" else "absent") if absent else f"invalid: {found['error']}"

_RESULTS = {"permerror": "invalid", "temperror": "temporary", "none": "none"}

def pyspf_says(domain):
    query = pyspf.query(
        i="203.0.113.77", s=f"a@{domain}", h="client.example", strict=True, timeout=1
    )
    result = query.check()[0]
    return _RESULTS.get(result, "valid")

def spftrace_says(domain, port):
    resolver = spftrace.LiveResolver(["127.0.0.1"], timeout=0.3)
    resolver.resolver.port = port
    found = spftrace.check("203.0.113.77", f"a@{domain}", "client.example", resolver=resolver)
    return _RESULTS.get(str(found.verdict), "valid")

def answer(job):
    stub = send_to(job["port"])
    asks = {"checkdmarc": lambda: checkdmarc(job["kind"], job["domain"], job["body"], stub)}
    if job["kind"] == "spf":
        asks["pyspf"] = lambda: pyspf_says(job["domain"])
        asks["spftrace"] = lambda: spftrace_says(job["domain"], job["port"])
    said = {}
    for tool, ask in asks.items():
        try:
            said[tool] = ask()
        except Exception as error:
            said[tool] = f"breaks: {type(error).__name__}: {error}"
    return said

for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "w") as out:
            json.dump(answer(json.loads(line)), out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        print(said.read() or "{}", flush=True)
    os.waitpid(child, 0)
"""


@contextmanager
def serving(case: Case, folder: Path) -> Iterator[int]:
    """The port of the DNS server of a case, which runs in a thread of its own."""
    ready, leave = threading.Event(), threading.Event()
    world = World(case, folder)

    async def serve() -> None:
        await world.start()
        ready.set()
        while not leave.is_set():
            await asyncio.sleep(0.02)
        await world.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield world.names.port
    finally:
        leave.set()
        thread.join(10)


class Others:
    """The other tools, in an environment and a process of their own."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        python = folder / "bin" / "python"
        install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*install, *INSTALLED], check=True)
        self._process = subprocess.Popen(
            [python, "-c", _THEIR_SIDE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, case: Case, kind: str, port: int) -> dict[str, str]:
        """What each of them says, by tool."""
        domain = next(iter(case.inventory.domains))
        body = "".join(page.body for page in case.https.values())
        job = {"kind": kind, "domain": domain, "body": body, "port": port}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        said: dict[str, str] = json.loads(self._process.stdout.readline())
        return said

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def ours(case: Case, truth: str, folder: Path) -> str:
    """The truth, where every audit says what the vector expects; else what is otherwise."""
    with asyncio.Runner() as loop:
        results = judged(case, loop, folder).results
    for audit, expected in case.expectations():
        found = [r for r in results if r.audit == audit]
        if not any(
            r.outcome == expected.outcome and (expected.says or "") in words(r) for r in found
        ):
            return f"{audit}: {', '.join(r.outcome for r in found)}"
    return truth


def _same(kind: str, said: str, truth: str) -> bool:
    """A DMARC record that is called invalid leaves no policy, just like one that is absent."""
    return said == truth or (kind == "dmarc" and (said, truth) == ("invalid", "absent"))


def main() -> None:
    asked = [(case, *pair) for case in cases() for pair in case.truth.items()]
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    out = sys.stdout
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        others = Others(folder / "others")
        out.write(
            f"| vector | rule | truth | {' | '.join(TOOLS)} |\n|{' --- |' * (3 + len(TOOLS))}\n"
        )
        for case, kind, truth in asked:
            with serving(case, folder) as port:
                said = others.ask(case, kind, port)
            said["mailproof"] = ours(case, truth, folder)
            cells = []
            for tool in TOOLS:
                if tool in said:
                    agrees = _same(kind, said[tool].partition(":")[0], truth)
                    right[tool] += agrees
                    total[tool] += 1
                    cells.append("agrees" if agrees else said[tool].replace("|", "\\|")[:60])
                else:
                    cells.append("")
            row = " | ".join([case.id, case.rule, f"{kind} {truth}", *cells])
            out.write(f"| {' '.join(row.split())} |\n")
        others.close()
    out.write("\n" + ", ".join(f"{t}: {right[t]} of {total[t]}" for t in TOOLS) + "\n")
    sys.exit(right["mailproof"] != total["mailproof"])


if __name__ == "__main__":
    main()
