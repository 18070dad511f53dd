"""Facts and snapshots for tests, with everything that a test does not speak of filled in."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from audits.evaluate.audit import Audit
from audits.evaluate.engine import evaluate
from audits.evaluate.policy import Policy, Rule
from audits.evaluate.result import Result
from audits.evaluate.verdict import Severity
from audits.facts.declared import DeclaredDomain, DeclaredHost, HostRoles
from audits.facts.dns import Answer, HostAddresses, MxRecord, MxSet
from audits.facts.fact import Fact, Observed, Provenance, Reason, Unobserved, kind_of
from audits.facts.smtp import Reply
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.subject import Domain, MailHost, Role, Service, Subject

AS_OF = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PROVENANCE = Provenance("test", "here", AS_OF, "live")


def answer(name: str, rcode: str = "NOERROR", *, authenticated: bool = False) -> Answer:
    return Answer(name, rcode, authenticated, (), 300)


def reply(code: int, *lines: str, elapsed_s: float = 0.01) -> Reply:
    return Reply(code, lines or ("ok",), elapsed_s)


def domain(
    name: str = "example.net",
    *,
    sends: bool = True,
    receives: bool = True,
    groups: tuple[str, ...] = (),
    **fields: Any,
) -> DeclaredDomain:
    whole: dict[str, Any] = {
        "mx": None,
        "submission": (),
        "senders": (),
        "dkim": (),
        "mail_class": None,
        "sending": (),
    }
    return DeclaredDomain(
        subject=Domain(name), groups=groups, sends=sends, receives=receives, **(whole | fields)
    )


def host(
    name: str = "mx1.example.net", *, roles: tuple[Role, ...] = (Role.MX,), **fields: Any
) -> DeclaredHost:
    whole: dict[str, Any] = {
        "groups": (),
        "addresses": ("192.0.2.10",),
        "services": (),
        "domains": (),
        "helo_name": None,
        "sends_from": (),
        "behind_gateway": (),
        "tls_mandatory": False,
        "private_ca": None,
        "login": None,
        "attestations": (),
    }
    return DeclaredHost(subject=MailHost(name), roles=roles, **(whole | fields))


def roles(
    name: str = "mx1.example.net",
    *roles: Role,
    in_inventory: bool = True,
    address: str = "192.0.2.10",
    ports: tuple[int, ...] = (25,),
    sends_from: tuple[str, ...] = (),
    mx_of: tuple[str, ...] = ("example.net",),
) -> HostRoles:
    return HostRoles(
        subject=MailHost(name),
        in_inventory=in_inventory,
        roles=roles or (Role.MX,),
        mx_of=mx_of,
        addresses=(address,) if address else (),
        sends_from=sends_from,
        services=tuple(Service(name, address, port) for port in ports),
    )


def mx(*records: tuple[int, str], name: str = "example.net", rcode: str = "NOERROR") -> MxSet:
    return MxSet(Domain(name), answer(name, rcode), tuple(MxRecord(p, x) for p, x in records))


def addresses(name: str = "mx1.example.net", *found: str, **fields: Any) -> HostAddresses:
    whole: dict[str, Any] = {"answers": (answer(name),), "alias_chain": (), "silent": ()}
    return HostAddresses(subject=MailHost(name), addresses=found, **(whole | fields))


def silent(
    fact: type[Fact], subject: Subject, reason: Reason, detail: str = "no answer"
) -> Unobserved:
    return Unobserved(kind_of(fact), subject, reason, detail, PROVENANCE)


def snapshot(*seen: Fact | Unobserved) -> Snapshot:
    header = Header(SCHEMA, "test", "here", AS_OF, "0")
    return Snapshot(
        header, (s if isinstance(s, Unobserved) else Observed(s, PROVENANCE) for s in seen)
    )


def policy(audits: Iterable[Audit], params: Mapping[str, Any] | None = None) -> Policy:
    rules = tuple(Rule(a.id, True, None, dict(params or {}), None, "test:1") for a in audits)
    return Policy("test", "1", "Test", Severity.HIGH, ("test",), rules)


def judge(
    audit: Audit,
    subject: Subject,
    *seen: Fact | Unobserved,
    previous: Snapshot | None = None,
    **params: Any,
) -> Result:
    """The result of one audit on one subject, through the engine, from these observations.

    previous: what an earlier run saw.
    """
    results = evaluate(snapshot(*seen), policy([audit], params), {audit.id: audit}, (), previous)
    found = [result for result in results if result.subject == subject]
    assert len(found) == 1, f"{len(found)} results for {subject}"
    return found[0]
