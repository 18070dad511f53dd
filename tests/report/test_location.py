"""Where a result is shown: a line of the repository, whatever there is to go by."""

from msgspec.structs import replace

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence, Outcome, Violation, cite
from audits.facts.fact import Observed, Provenance, Step
from audits.facts.mta import (
    ConfigLine,
    ConfiguredListener,
    Mta,
    MtaListeners,
    Question,
    Ruling,
)
from audits.facts.place import Place
from audits.facts.snapshot import Snapshot
from audits.report.location import Repository
from audits.subject import Domain, MailHost, Service
from tests.build import domain, mx, roles
from tests.report import fleet


def place(
    result: Result, repository: Repository | None = None, seen: Snapshot | None = None
) -> str:
    (remark,) = fleet.remarks([result], repository=repository, seen=seen).all
    return f"{remark.place}:{remark.place.column}"


def at(*places: Place | None) -> Result:
    evidence = tuple(
        Evidence("smtp.greeting", fleet.MX1, "/reply", "220 x", Step.GREETING, where)
        for where in places
    )
    return fleet.result(
        fleet.GREETING, fleet.MX1, Outcome.FAIL, violations=(Violation("it is so", evidence),)
    )


def test_evidence_with_a_line_has_the_first_word() -> None:
    assert place(at(None, Place("postfix/main.cf", 12, 5))) == "postfix/main.cf:12:5"


def test_other_lines_of_the_evidence_are_kept() -> None:
    first, second = Place("postfix/main.cf", 12), Place("postfix/master.cf", 3)
    (remark,) = fleet.remarks([at(first, second, first)]).all
    assert remark.places == (first, second)


def test_file_of_a_host_is_no_file_of_the_repository() -> None:
    for file in ("/etc/postfix/main.cf", "../elsewhere/main.cf"):
        assert place(at(Place(file, 12))) == "inventory/hosts.yaml:1:1"


def test_evidence_from_a_file_under_review_has_its_line() -> None:
    found = fleet.failed(
        fleet.SPF, Domain("example.net"), "it is so", "dns.mx", "/answer/rcode", "NOERROR"
    )
    observed = Observed(mx(), Provenance("zones", "office", fleet.AS_OF, "dns/example.net.zone:7"))
    seen = Snapshot(fleet.snapshot().header, [*fleet.snapshot(), observed])
    assert place(found, seen=seen) == "dns/example.net.zone:7:1"


def configured(*lines: ConfigLine, why: str = "") -> MtaListeners:
    """A host with one listener of Postfix and one ruling on relaying."""
    ruling = Ruling(Question.RELAY, "yes", why, lines)
    start = ConfigLine(Place("postfix/master.cf", 3), "smtp inet smtpd")
    listener = ConfiguredListener(
        Mta.POSTFIX, "/etc/postfix", "smtp inet", (), 25, False, start, (ruling,)
    )
    return MtaListeners(MailHost("mx1.example.net"), (listener,))


def relays(fact: MtaListeners, *pointers: str) -> Result:
    evidence = tuple(cite(fact, f"/listeners/0/rulings/0{pointer}") for pointer in pointers)
    return fleet.result(
        fleet.RELAY, fact.subject, Outcome.FAIL, violations=(Violation("relays", evidence),)
    )


def stored(fact: MtaListeners) -> Snapshot:
    return Snapshot(fleet.snapshot().header, [*fleet.snapshot(), Observed(fact, fleet.at(0))])


def test_line_that_a_change_brought_comes_first() -> None:
    rule = ConfigLine(Place("postfix/main.cf", 8), "smtpd_relay_restrictions = permit_mynetworks")
    narrow = ConfigLine(Place("postfix/main.cf", 4), "mynetworks = 127.0.0.0/8")
    wide = ConfigLine(Place("postfix/main.cf", 5), "mynetworks = 0.0.0.0/0")
    fact = configured(rule, wide)
    found = relays(fact, "/lines/0", "/lines/1")
    assert place(found, seen=stored(fact)) == "postfix/main.cf:8:1"
    (remark,) = fleet.remarks([found], seen=stored(fact), base=stored(configured(rule, narrow))).all
    assert remark.places == (wide.place, rule.place)


def test_built_in_value_has_the_line_of_its_listener() -> None:
    fact = configured(why="it is so by default")
    assert place(relays(fact, "/why"), seen=stored(fact)) == "postfix/master.cf:3:1"


def test_domain_and_host_have_the_line_that_declares_them() -> None:
    found = fleet.failed(fleet.SPF, Domain("example.net"), "so", "dns.mx", "", "x")
    assert place(found) == "inventory/domains.yaml:11:1"
    assert place(fleet.result(fleet.RELAY, fleet.MX2_MSA, Outcome.FAIL)) == (
        "inventory/hosts.yaml:11:1"
    )


def test_host_that_nobody_declared_has_the_line_of_a_domain_that_leads_there() -> None:
    foreign = Service("in.filter.example", "203.0.113.99", 25)
    assert place(fleet.result(fleet.PORT, foreign, Outcome.FAIL)) == "inventory/domains.yaml:21:1"


def bare() -> Snapshot:
    """A fleet whose inventory came from a plugin: no line declares anything."""
    plugin = Provenance("inventory", "office", fleet.AS_OF, "inventory plugin X: hosts")
    stated = (Observed(fact, plugin) for fact in (domain(), roles("mx1.example.net")))
    return Snapshot(fleet.snapshot().header, stated)


def test_without_lines_the_policy_of_the_fleet_is_shown() -> None:
    own = Repository(foreign=frozenset({"baseline.yaml"}))
    found = fleet.result(fleet.CERT, MailHost("mx1.example.net"), Outcome.FAIL)
    assert place(found, own, bare()) == "ours.yaml:4:1"


def test_policy_that_comes_with_mailproof_is_never_shown() -> None:
    own = Repository(foreign=frozenset({"baseline.yaml"}))
    found = fleet.result(fleet.RELAY, MailHost("mx1.example.net"), Outcome.FAIL)
    assert place(found, own, bare()) == "mailproof.yaml:1:1"


def test_files_are_named_from_the_top_of_the_repository() -> None:
    below = Repository("mail/fleet", frozenset({"baseline.yaml"}))
    assert place(at(Place("postfix/main.cf", 12)), below) == "mail/fleet/postfix/main.cf:12:1"
    found = fleet.result(fleet.RELAY, MailHost("mx1.example.net"), Outcome.FAIL)
    assert place(found, below, bare()) == "mail/fleet/mailproof.yaml:1:1"


def test_fingerprint_is_of_audit_and_subject_alone() -> None:
    first = at(Place("postfix/main.cf", 12))
    other = replace(at(Place("exim.conf", 1)), severity=fleet.Severity.LOW)
    elsewhere = replace(first, subject=fleet.MX2)
    (a,), (b,), (c,) = (fleet.remarks([r]).all for r in (first, other, elsewhere))
    assert a.fingerprint == b.fingerprint != c.fingerprint
    assert a.fingerprint == "9db26945efd791f72c4c6fe357b13166"
