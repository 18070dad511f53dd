"""SRV records for tests."""

from audits.facts.declared import FleetScope
from audits.facts.fact import Silence
from audits.facts.srv import ClientServices, SrvRecord, SrvService, SrvTarget
from audits.subject import Domain, Vantage
from tests.build import answer

SUBJECT = Domain("example.net")
SCOPE = FleetScope(Vantage("here"), ("mx1.example.net", "submit.example.net"), None)
LABELS = ("_submissions", "_submission", "_imaps", "_imap")


def srv(**found: tuple[tuple[int, int, str], ...] | Silence) -> ClientServices:
    """found: by label without `_`, priority, port and target of each record, or silence.

    All targets have an address.
    """
    services = tuple(_service(x, found.get(x[1:], ())) for x in LABELS)
    names = {record.target for service in services for record in service.offered}
    targets = tuple(SrvTarget(name, (), ("192.0.2.20",), None) for name in sorted(names))
    return ClientServices(SUBJECT, services, targets)


def leading_to(target: SrvTarget) -> ClientServices:
    """One service, and where it leads."""
    whole = srv(submissions=((0, 465, target.name),))
    return ClientServices(SUBJECT, whole.services, (target,))


def _service(label: str, found: tuple[tuple[int, int, str], ...] | Silence) -> SrvService:
    name = f"{label}._tcp.example.net"
    if isinstance(found, Silence):
        return SrvService(label, name, None, (), found)
    records = tuple(SrvRecord(priority, 1, port, target) for priority, port, target in found)
    return SrvService(label, name, answer(name, "NOERROR" if found else "NXDOMAIN"), records, None)
