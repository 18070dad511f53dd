"""SRV records for tests."""

from audits.facts.declared import FleetScope
from audits.facts.fact import Silence
from audits.facts.srv import ClientServices, SrvRecord, SrvService
from audits.subject import Domain, Vantage
from tests.build import answer

SUBJECT = Domain("example.net")
SCOPE = FleetScope(Vantage("here"), ("mx1.example.net", "submit.example.net"), None)
LABELS = ("_submissions", "_submission", "_imaps", "_imap")


def srv(**found: tuple[tuple[int, int, str], ...] | Silence) -> ClientServices:
    """found: by label without `_`, priority, port and target of each record, or silence."""
    return ClientServices(SUBJECT, tuple(_service(x, found.get(x[1:], ())) for x in LABELS))


def _service(label: str, found: tuple[tuple[int, int, str], ...] | Silence) -> SrvService:
    name = f"{label}._tcp.example.net"
    if isinstance(found, Silence):
        return SrvService(label, name, None, (), found)
    records = tuple(SrvRecord(priority, 1, port, target) for priority, port, target in found)
    return SrvService(label, name, answer(name, "NOERROR" if found else "NXDOMAIN"), records, None)
