"""A small invented fleet with one of everything that a report has to show, and a large one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

from audits.evaluate.audit import Audit, Doc, Documentation, Reference, Rfc
from audits.evaluate.comparison import Comparison
from audits.evaluate.coverage import NotCovered
from audits.evaluate.policy import Policy, Rule
from audits.evaluate.result import Result, Unseen, WaiverUse
from audits.evaluate.target import Target
from audits.evaluate.verdict import Evidence, Outcome, Severity, Verdict, Violation
from audits.evaluate.waiver import Waiver
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.dns import DmarcStep, DmarcWalk
from audits.facts.fact import Fact, Observed, Provenance, Reason, Step, Unobserved
from audits.facts.smtp import (
    EhloInTls,
    EhloReply,
    Greeting,
    Keyword,
    Line,
    RcptReply,
    RoleRecipient,
    StartTls,
    Transcript,
    UnauthenticatedMail,
)
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import Certificate, CertificateChain, TlsHandshake, Verification
from audits.report.location import Repository
from audits.report.material import Material
from audits.report.remark import Gate, Remarks
from audits.report.view import ReportView, Run, view
from audits.selector import read_selection
from audits.subject import Domain, Path, Role, Service, Subject, Vantage
from tests.build import addresses, answer, domain, host, mx, reply, roles, silent

AS_OF = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
RUN = Run(
    id="20261123T020000Z-7f3a",
    started=AS_OF,
    ended=AS_OF + timedelta(minutes=3, seconds=12),
    vantage="office",
    version="0.1.0",
    fleet="example fleet",
    command="mailproof run --policy baseline",
    complete=True,
)

MX1 = Service("mx1.example.net", "192.0.2.10", 25)
MX1_MSA = Service("mx1.example.net", "192.0.2.10", 465)
MX2 = Service("mx2.example.net", "198.51.100.107", 25)
MX2_MSA = Service("mx2.example.net", "198.51.100.107", 587)
BACKUP = Service("backup.example.org", "203.0.113.25", 25)


def _never(*_: object) -> Verdict:
    raise AssertionError("reports are made from results: an invented audit is never run")


@cache
def invented(
    name: str,
    topic: str,
    title: str,
    severity: Severity,
    to: Target,
    remediation: str = "Put it right.",
    references: tuple[Reference, ...] = (Rfc(5321, "4.2"),),
) -> Audit:
    """An audit of which only the papers count."""

    def function() -> Verdict:
        return _never()

    function.__module__ = f"catalog.{topic.replace('-', '_')}.invented"
    return Audit(
        id=name,
        function=function,
        severity=severity,
        to=(to,),
        references=references,
        frameworks=(Doc("ISM", "0567"), Doc("PCI DSS", "2.2.4")),
        needs=(),
        parameters={"tries": (int, 2), "hosts": (tuple[str, ...], ("a", "b"))},
        documentation=Documentation(title, "Because.", remediation, ""),
    )


RELAY = invented(
    "relay-refused",
    "relay",
    "A service refuses to relay for strangers.",
    Severity.CRITICAL,
    Target.MAIL_SERVICE,
    "Add `-o smtpd_relay_restrictions=permit_sasl_authenticated,reject` to the `submission` "
    "service in `master.cf`:\n\n"
    "    submission inet n - y - - smtpd\n"
    "      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n\n"
    "Then `postfix reload`, and ask again.",
    (Rfc(5068, "3.2"), Rfc(6409, "4.3")),
)
CERT = invented(
    "cert-in-validity",
    "cert",
    "A certificate is within its dates.",
    Severity.HIGH,
    Target.MAIL_SERVICE,
    "Renew the certificate, and let the ACME client reload the server afterwards.",
    (Rfc(5280, "4.1.2.5"),),
)
GREETING = invented(
    "smtp-greeting-valid",
    "smtp",
    "A server greets with 220 and its name.",
    Severity.MEDIUM,
    Target.MAIL_SERVICE,
)
PORT = invented(
    "port-mx-reachable", "port", "Port 25 is reachable.", Severity.HIGH, Target.MX_SERVICE
)
AUTH = invented(
    "submission-auth-offered",
    "submission",
    "A submission port offers a login.",
    Severity.HIGH,
    Target.SUBMISSION_SERVICE,
)
DMARC = invented(
    "dmarc-published",
    "dmarc",
    "A domain publishes DMARC.",
    Severity.HIGH,
    Target.DOMAIN,
    "Publish `v=DMARC1; p=reject; rua=mailto:dmarc@example.net` at `_dmarc`.\n\n- First with "
    "`p=none`.\n- Then `p=reject`.",
    (Rfc(9989, "4.7"),),
)
SPF = invented("spf-published", "spf", "A domain publishes SPF.", Severity.HIGH, Target.DOMAIN)
DELIVERS = invented(
    "path-delivers", "path", "Mail arrives.", Severity.CRITICAL, Target.RECEIVING_DOMAIN
)
BROKEN = invented("mx-broken", "mx", "An audit that breaks.", Severity.LOW, Target.DOMAIN)
AUDITS = {
    audit.id: audit for audit in (RELAY, CERT, GREETING, PORT, AUTH, DMARC, SPF, DELIVERS, BROKEN)
}

POLICY = Policy(
    "baseline",
    "2026.11",
    "Baseline",
    Severity.HIGH,
    ("baseline",),
    (
        *(Rule(name, True, None, {}, None, "baseline.yaml:12") for name in sorted(AUDITS)),
        Rule(
            "cert-in-validity",
            True,
            Severity.CRITICAL,
            {"tries": 3},
            read_selection("role:mx"),
            "ours.yaml:4",
        ),
        Rule("dmarc-published", False, None, {}, read_selection("domain:*.test"), "ours.yaml:9"),
    ),
)


def waiver(name: str, audit: Audit, scope: str, expires: date) -> Waiver:
    return Waiver(
        name,
        audit.id,
        read_selection(scope),
        "The customer moves to another provider.",
        "Mail in the customer's name can be forged until then.",
        "mail team",
        "head of operations",
        date(2026, 10, 1),
        expires,
        "CHG-1042",
        "policies/waivers.yaml:3",
    )


WAIVERS = (
    waiver("customer-leaves", DMARC, "leaving.example", date(2026, 12, 10)),
    waiver("old-certificate", CERT, "mx2.example.net", date(2026, 11, 1)),
    waiver("never-needed", SPF, "example.net", date(2027, 6, 1)),
)


def at(seconds: float, collector: str = "smtp") -> Provenance:
    return Provenance(collector, "office", AS_OF + timedelta(seconds=seconds), "live")


def provenance(fact: Fact) -> Provenance:
    if isinstance(fact, DeclaredDomain):
        return declared("domains.yaml", DOMAINS.index(fact.subject.name))
    if isinstance(fact, DeclaredHost):
        return declared("hosts.yaml", (MX1.host, MX2.host, BACKUP.host).index(fact.subject.name))
    if isinstance(fact.subject, Domain):
        return at(3, "dns")
    return at(74 if fact.subject == MX2_MSA else 21)


def declared(file: str, place: int) -> Provenance:
    return Provenance("inventory", "office", AS_OF, f"inventory/{file}:{10 * place + 1}")


def certificate(name: str, not_after: datetime, *, key: str = "rsa") -> Certificate:
    return Certificate(
        subject=f"CN={name}",
        issuer="CN=Example CA 1,O=Example Trust,C=XX",
        serial="0a1b",
        dns_names=(name, f"mail.{name}"),
        ip_addresses=(),
        not_before=not_after - timedelta(days=90),
        not_after=not_after,
        key_type=key,
        key_bits=2048,
        curve=None,
        signature_algorithm="sha256WithRSAEncryption",
        is_ca=False,
        self_issued=False,
        eku=("serverAuth",),
        sha256=("ab" if "1" in name else "cd") * 32,
        sha512=("ab" if "1" in name else "cd") * 64,
        spki_sha256="ef" * 32,
        spki_sha512="ef" * 64,
    )


def chain(service: Service, not_after: datetime, code: int, message: str) -> CertificateChain:
    leaf = certificate(service.host, not_after)
    checked = Verification(code, message, 0, AS_OF, ("system",))
    return CertificateChain(service, (leaf,), (service.host,), checked, None, (None,))


def conversation(service: Service, banner: str = "", *, tls: bool = True) -> Iterator[Fact]:
    """A service that answers up to EHLO, and beyond where it speaks TLS."""
    implicit = service.port == 465
    yield PortState(service, "open", f"{service.address}:{service.port}", "", 0.021)
    yield Greeting(service, reply(220, banner or f"{service.host} ESMTP"), service.host)
    said = (Keyword("PIPELINING", ()), Keyword("SIZE", ("10240000",)), Keyword("8BITMIME", ()))
    keywords = (*said, Keyword("STARTTLS", ()))
    yield EhloReply(service, "audit.example", reply(250, service.host), keywords)
    if not implicit:
        yield StartTls(service, tls, reply(220, "2.0.0 Ready") if tls else None)
    if tls:
        yield TlsHandshake(
            service, True, None, "TLSv1.3", "TLS_AES_256_GCM_SHA384", service.host, 0.034
        )
        logins = (Keyword("AUTH", ("PLAIN", "LOGIN")),) if service.port != 25 else ()
        yield EhloInTls(service, "audit.example", reply(250, service.host), (*said, *logins))
    lines = (Line("C", "QUIT", 0.4), Line("S", "221 2.0.0 Bye", 0.41))
    yield Transcript(service, lines)


def stranger(service: Service, code: int, text: str) -> UnauthenticatedMail:
    asked = RcptReply("canary@sink.example", reply(code, text))
    return UnauthenticatedMail(service, "probe@audit.example", reply(250, "2.1.0 Ok"), asked, None)


def snapshot(hostile: str = "") -> Snapshot:
    """`hostile` is what mx1 says when it greets."""
    through = [
        RoleRecipient(
            Path(name, MX1.host, MX1.address, 25),
            "probe@audit.example",
            reply(250, "2.1.0 Ok"),
            f"postmaster@{name}",
            reply(250, "2.1.5 Ok"),
        )
        for name in ("example.net", "leaving.example")
    ]
    seen: list[Fact | Unobserved] = [
        FleetScope(
            Vantage("office"),
            ("backup.example.org", "mx1.example.net", "mx2.example.net", "spare.example.net"),
            "!spare.example.net",
        ),
        *(domain(name) for name in DOMAINS),
        *(host(name, roles=(Role.MX,)) for name in (MX1.host, MX2.host, BACKUP.host)),
        roles(MX1.host, Role.MX, Role.MSA, address=MX1.address, ports=(25, 465)),
        roles(MX2.host, Role.MX, Role.MSA, address=MX2.address, ports=(25, 587)),
        roles(BACKUP.host, Role.MX, address=BACKUP.address),
        roles("in.filter.example", in_inventory=False, address="203.0.113.99"),
        addresses(MX1.host, MX1.address),
        addresses(MX2.host, MX2.address),
        addresses(BACKUP.host, BACKUP.address),
        mx((10, MX1.host), (20, MX2.host), (30, BACKUP.host)),
        mx((10, MX1.host), name="leaving.example"),
        mx((10, "in.filter.example"), name="filtered.example"),
        silent_mx("dark.example"),
        *(no_dmarc(name) for name in ("filtered.example", "leaving.example", "parked.example")),
        *conversation(MX1, hostile),
        *conversation(MX1_MSA),
        stranger(MX1_MSA, 530, "5.7.0 Authentication required"),
        *conversation(MX2),
        *conversation(MX2_MSA),
        stranger(MX2_MSA, 250, "2.1.5 Ok"),
        PortState(BACKUP, "open", "203.0.113.25:25", "", 0.044),
        silent(Greeting, BACKUP, Reason.THROTTLED, "421 4.7.0 Too many connections"),
        chain(MX1, AS_OF + timedelta(days=64), 0, "ok"),
        chain(MX1_MSA, AS_OF + timedelta(days=64), 0, "ok"),
        chain(MX2, AS_OF - timedelta(days=4), 10, "certificate has expired"),
        *through,
    ]
    header = Header(SCHEMA, RUN.id, "office", AS_OF, "0.1.0")
    return Snapshot(
        header,
        (s if isinstance(s, Unobserved) else Observed(s, provenance(s)) for s in seen),
    )


def no_dmarc(name: str) -> DmarcWalk:
    absent = answer(f"_dmarc.{name}", "NXDOMAIN")
    return DmarcWalk(Domain(name), (DmarcStep(absent, (), ()),), name)


def silent_mx(name: str) -> Unobserved:
    found = silent(type(mx()), Domain(name), Reason.SERVFAIL, "SERVFAIL (EDE 6, DNSSEC Bogus)")
    return Unobserved(found.kind, found.subject, found.reason, found.detail, at(5))


DOMAINS = ("dark.example", "example.net", "filtered.example", "leaving.example", "parked.example")


def result(audit: Audit, subject: Subject, outcome: Outcome, **fields: object) -> Result:
    whole: dict[str, object] = {
        "violations": (),
        "evidence": (),
        "step": Step.DNS,
        "expected": audit.documentation.title,
        "unknown": (),
        "note": None,
        "waiver": None,
        "remediation": audit.documentation.remediation if outcome is Outcome.FAIL else None,
        "references": tuple(map(str, audit.references)),
        "frameworks": {"ISM": ("0567",), "PCI DSS": ("2.2.4",)},
        "severity": audit.severity,
    }
    return Result(audit=audit.id, subject=subject, outcome=outcome, **(whole | fields))  # type: ignore[arg-type]  # filled from a table


def failed(
    audit: Audit, subject: Subject, message: str, kind: str, pointer: str, quote: str,
    step: Step = Step.DNS, **fields: object,
) -> Result:  # fmt: skip
    evidence = Evidence(kind, subject, pointer, quote, step)
    return result(
        audit,
        subject,
        Outcome.FAIL,
        violations=(Violation(message, (evidence,)),),
        step=step,
        **fields,
    )


def unknown(audit: Audit, subject: Subject, unseen: Unseen, step: Step) -> Result:
    return result(audit, subject, Outcome.UNKNOWN, unknown=(unseen,), step=step)


def results() -> list[Result]:
    throttled = Unseen("smtp.greeting", BACKUP, Reason.THROTTLED, "421 4.7.0 Too many connections")
    bogus = Unseen(
        "dns.mx", Domain("dark.example"), Reason.SERVFAIL, "SERVFAIL (EDE 6, DNSSEC Bogus)"
    )
    covered = failed(
        DMARC, Domain("leaving.example"), "no DMARC record at _dmarc.leaving.example",
        "dns.mx", "/answer/rcode", "NOERROR",
    )  # fmt: skip
    use = WaiverUse("customer-leaves", "mail team", "head of operations", "2026-12-10", "It moves.")
    found = [
        failed(
            RELAY, MX2_MSA, "relays for strangers: RCPT to a foreign domain was accepted",
            "smtp.unauthenticated", "/foreign/reply", "250 2.1.5 Ok", Step.RCPT,
            expected="5xx, or 4.7.1, to RCPT without login",
        ),
        failed(
            CERT, MX2, "the certificate expired on 19 November 2026, 4 days ago",
            "tls.chain", "/certificates/0/not_after", "2026-11-19 02:00:00+00:00", Step.TLS,
            note="waiver old-certificate lapsed after 2026-11-01 (UTC)",
        ),
        *(
            failed(
                DMARC, Domain(name), f"no DMARC record at _dmarc.{name}",
                "dns.dmarc", "/steps/0/answer/rcode", "NXDOMAIN",
            )
            for name in ("filtered.example", "parked.example")
        ),
        result(
            DMARC, Domain("leaving.example"), Outcome.WAIVED,
            violations=covered.violations, waiver=use,
        ),
        result(
            BROKEN, Domain("example.net"), Outcome.ERROR,
            note="Traceback (most recent call last):\n  File \"broken.py\", line 7\n"
            "KeyError: 'mx'",
        ),
        unknown(GREETING, BACKUP, throttled, Step.GREETING),
        unknown(RELAY, BACKUP, throttled, Step.RCPT),
        unknown(SPF, Domain("dark.example"), bogus, Step.DNS),
        unknown(DELIVERS, Domain("dark.example"), bogus, Step.MX),
        result(PORT, BACKUP, Outcome.PASS, step=Step.TCP),
        result(DELIVERS, Domain("filtered.example"), Outcome.PASS, step=Step.RCPT),
        result(
            DELIVERS, Domain("parked.example"), Outcome.NOT_APPLICABLE,
            note="the audit is about domains that receive mail",
        ),
        *(result(SPF, Domain(n), Outcome.PASS) for n in DOMAINS if n != "dark.example"),
        *(result(DELIVERS, Domain(n), Outcome.PASS) for n in ("example.net", "leaving.example")),
    ]  # fmt: skip
    judged = {(r.audit, r.subject) for r in found}
    for service in (MX1, MX1_MSA, MX2, MX2_MSA):
        for audit in (RELAY, CERT, GREETING, PORT, AUTH):
            if (audit.id, service) in judged:
                continue
            port = service.port == 25
            applies = port if audit is PORT else not port if audit is AUTH else True
            outcome = Outcome.PASS if applies else Outcome.NOT_APPLICABLE
            note = None if applies else f"the audit is about {audit.to[0]}"
            found.append(result(audit, service, outcome, note=note))
    return found


def whole(
    hostile: str = "",
    found: Iterable[Result] | None = None,
    *,
    seen: Snapshot | None = None,
    gaps: Sequence[NotCovered] = (),
    comparison: Comparison | None = None,
) -> ReportView:
    return view(
        RUN,
        list(results() if found is None else found),
        seen or snapshot(hostile),
        POLICY,
        AUDITS,
        WAIVERS,
        gaps=gaps,
        comparison=comparison,
    )


def remarks(
    found: Iterable[Result] | None = None,
    *,
    repository: Repository | None = None,
    gate: Gate | None = None,
    comparison: Comparison | None = None,
    run: Run = RUN,
    seen: Snapshot | None = None,
    base: Snapshot | None = None,
) -> Remarks:
    """The same run as CI is told of it; the built-in policy is in no repository."""
    material = Material(
        run,
        list(results() if found is None else found),
        seen or snapshot(),
        POLICY,
        AUDITS,
        WAIVERS,
    )
    where = repository or Repository(foreign=frozenset({"baseline.yaml"}))
    return Remarks(material, where, gate or Gate(), comparison, base)


def large(domains: int, *, different: bool = False) -> ReportView:
    """Domains behind two hosts, nine in ten of them without DMARC.

    different: every failure says something else.
    """
    names = [f"customer{n:05}.example" for n in range(domains)]
    seen: list[Fact] = []
    found: list[Result] = []
    for place, name in enumerate(names):
        seen += [domain(name), mx((10, MX1.host), (20, MX2.host), name=name)]
        for other in (SPF, DELIVERS, *(invented_pass(n) for n in range(20))):
            found.append(result(other, Domain(name), Outcome.PASS))
        if place % 10:
            message = f"no record, try {place}" if different else f"no record at _dmarc.{name}"
            found.append(failed(DMARC, Domain(name), message, "dns.mx", "/answer/rcode", "NOERROR"))
    for service in (MX1, MX2):
        seen += [*conversation(service), addresses(service.host, service.address)]
        seen += [host(service.host), roles(service.host, address=service.address)]
        found.append(result(GREETING, service, Outcome.PASS))
    header = Header(SCHEMA, RUN.id, "office", AS_OF, "0.1.0")
    stored = Snapshot(header, (Observed(fact, at(1)) for fact in seen))
    audits = AUDITS | {a.id: a for a in map(invented_pass, range(20))}
    return view(RUN, found, stored, POLICY, audits, WAIVERS)


def invented_pass(number: int) -> Audit:
    return invented(f"dkim-rule-{number}", "dkim", "All is well.", Severity.LOW, Target.DOMAIN)
