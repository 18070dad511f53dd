"""path-delivers."""

import pytest

from audits.catalog.path.delivers import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import HostAddresses, MxSet
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import (
    EhloReply,
    Greeting,
    Reply,
    RoleRecipient,
    StartTls,
)
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake
from audits.subject import Domain, MailHost, Path, Service
from tests.build import addresses, answer, domain, judge, mx, reply, roles, silent
from tests.catalog import wire

DOMAIN = Domain("example.net")
SECOND = Service("mx2.example.net", "192.0.2.20", 25)
Seen = Fact | Unobserved
CONVERSATION = (Greeting, EhloReply, StartTls, TlsHandshake)


def of(*seen: Seen, records: MxSet | None = None) -> Result:
    return judge(evaluate, DOMAIN, domain(), records or mx((10, wire.HOST)), *seen)


def two(*seen: Seen, preferences: tuple[int, int] = (10, 20)) -> Result:
    first, second = preferences
    return of(*seen, records=mx((first, wire.HOST), (second, SECOND.host)))


def host(at: Service, *, ours: bool = True) -> tuple[Seen, ...]:
    return (
        roles(at.host, address=at.address, in_inventory=ours),
        addresses(at.host, at.address),
    )


def good(at: Service = wire.MX, rcpt: Reply | None = None, *, ours: bool = True) -> list[Seen]:
    """A host that goes through with all of it, or answers RCPT as given."""
    path = Path(DOMAIN.name, at.host, at.address, at.port)
    unasked = silent(RoleRecipient, path, Reason.SKIPPED, "not in the inventory")
    return [
        *host(at, ours=ours),
        wire.port(at),
        wire.greeting(at),
        wire.ehlo(at, "STARTTLS"),
        wire.starttls(at),
        wire.handshake(at),
        wire.recipient(at, rcpt) if ours else unasked,
    ]


def ended(
    at: Service, *seen: Seen, reason: Reason, detail: str = "no answer", ours: bool = True
) -> list[Seen]:
    """A host of which only `seen` was seen, for this reason."""
    path = Path(DOMAIN.name, at.host, at.address, at.port)
    kinds = {type(one) for one in seen}
    rest = [silent(kind, at, reason, detail) for kind in CONVERSATION if kind not in kinds]
    return [*host(at, ours=ours), *seen, *rest, silent(RoleRecipient, path, reason, detail)]


def closed(at: Service = wire.MX, *, ours: bool = True) -> list[Seen]:
    port = wire.port(at, "closed", "Connection refused")
    return ended(at, port, reason=Reason.REFUSED, ours=ours)


def filtered(at: Service = wire.MX) -> list[Seen]:
    port = wire.port(at, "filtered", "no answer within 10 s")
    return ended(at, port, reason=Reason.FILTERED)


def test_mail_that_is_taken_for_the_role_mailbox_passes() -> None:
    result = of(*good())
    assert (result.outcome, result.step) == (Outcome.PASS, Step.RCPT)


def test_refused_mailbox_fails_at_rcpt() -> None:
    result = of(*good(rcpt=reply(550, "5.1.1 User unknown")))
    assert (result.outcome, result.severity, result.step) == (
        Outcome.FAIL,
        Severity.HIGH,
        Step.RCPT,
    )
    message = "mail stops at mx1.example.net, RCPT: 550 5.1.1 User unknown"
    assert result.violations[0].message == message


def test_relaying_denied_for_the_own_domain_fails() -> None:
    assert of(*good(rcpt=wire.RELAYING_DENIED)).outcome is Outcome.FAIL


def test_refusal_at_mail_fails_at_mail() -> None:
    seen = [*good()[:-1], wire.recipient(mail=reply(553, "5.7.1 not here"))]
    assert of(*seen).step is Step.MAIL


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (wire.GREYLISTED, Reason.DEFERRED),
        (reply(421, "4.7.0 too busy"), Reason.THROTTLED),
        (reply(554, "5.7.1 Client host blocked using bl.example"), Reason.DENIED),
        (reply(550, "203.0.113.2 is in a black list at bl.example"), Reason.DENIED),
    ],
)
def test_reply_that_decides_nothing_is_unknown(said: Reply, reason: Reason) -> None:
    result = of(*good(rcpt=said))
    assert (result.outcome, result.step) == (Outcome.UNKNOWN, Step.RCPT)
    assert result.unknown[0].reason is reason
    assert said.text in result.unknown[0].detail


def test_closed_port_fails_at_tcp() -> None:
    result = of(*closed())
    assert (result.outcome, result.step) == (Outcome.FAIL, Step.TCP)


def test_filtered_port_is_unknown_at_tcp() -> None:
    result = of(*filtered())
    assert (result.outcome, result.step) == (Outcome.UNKNOWN, Step.TCP)
    assert result.unknown[0].reason is Reason.FILTERED


def test_late_greeting_is_unknown_at_greeting() -> None:
    late = ended(wire.MX, wire.port(), reason=Reason.TIMEOUT, detail="no greeting within 30 s")
    result = of(*late)
    assert (result.outcome, result.step) == (Outcome.UNKNOWN, Step.GREETING)
    assert "no greeting within 30 s" in result.unknown[0].detail


def test_refusing_greeting_fails_at_greeting() -> None:
    no = wire.greeting(code=554, text="no SMTP service here")
    result = of(*ended(wire.MX, wire.port(), no, reason=Reason.REFUSED))
    assert (result.outcome, result.step) == (Outcome.FAIL, Step.GREETING)


def test_target_that_does_not_exist_fails_at_address() -> None:
    gone = addresses(wire.HOST, answers=(answer(wire.HOST, "NXDOMAIN"),))
    nowhere = Service(wire.HOST, "", 25)
    unseen = [silent(kind, nowhere, Reason.ABSENT) for kind in (PortState, *CONVERSATION)]
    path = Path(DOMAIN.name, wire.HOST, "", 25)
    result = of(roles(address=""), gone, *unseen, silent(RoleRecipient, path, Reason.ABSENT))
    assert (result.outcome, result.step) == (Outcome.FAIL, Step.ADDRESS)
    assert "NXDOMAIN" in result.violations[0].message


def test_silent_look_up_of_the_target_is_unknown_at_address() -> None:
    lost = silent(HostAddresses, MailHost(wire.HOST), Reason.SERVFAIL)
    result = of(roles(address=""), lost)
    assert (result.outcome, result.step) == (Outcome.UNKNOWN, Step.ADDRESS)
    assert result.unknown[0].reason is Reason.SERVFAIL


def test_null_mx_fails_at_mx() -> None:
    result = of(records=mx((0, ".")))
    assert (result.outcome, result.step) == (Outcome.FAIL, Step.MX)


def test_domain_that_does_not_exist_fails_at_mx() -> None:
    result = of(records=mx(rcode="NXDOMAIN"))
    assert (result.outcome, result.step) == (Outcome.FAIL, Step.MX)


def test_silent_mx_look_up_is_unknown() -> None:
    lost = silent(MxSet, DOMAIN, Reason.DNS_TIMEOUT)
    assert judge(evaluate, DOMAIN, domain(), lost).outcome is Outcome.UNKNOWN


def test_domain_without_mx_delivers_to_itself() -> None:
    itself = Service(DOMAIN.name, wire.ADDRESS, 25)
    assert of(*good(itself), records=mx()).outcome is Outcome.PASS


def test_every_host_broken_gives_one_violation_a_host() -> None:
    result = two(*closed(), *good(SECOND, reply(550, "5.1.1 no")))
    assert result.outcome is Outcome.FAIL
    assert len(result.violations) == 2


def test_broken_host_before_one_that_delivers_is_milder() -> None:
    result = two(*closed(), *good(SECOND))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert [v.message.split()[3] for v in result.violations] == [f"{wire.HOST},"]


def test_broken_host_behind_one_that_delivers_passes() -> None:
    assert two(*good(), *closed(SECOND)).outcome is Outcome.PASS


def test_broken_host_beside_one_that_delivers_passes() -> None:
    assert two(*closed(), *good(SECOND), preferences=(10, 10)).outcome is Outcome.PASS


def test_silent_host_before_one_that_delivers_passes() -> None:
    assert two(*filtered(), *good(SECOND)).outcome is Outcome.PASS


def test_broken_host_beside_a_silent_one_is_unknown() -> None:
    assert two(*closed(), *filtered(SECOND)).outcome is Outcome.UNKNOWN


def test_failed_handshake_does_not_hide_a_delivery_in_clear() -> None:
    seen = [one for one in good() if not isinstance(one, TlsHandshake)]
    assert of(*seen, wire.handshake(error="alert 40")).outcome is Outcome.PASS


def test_failed_handshake_and_nothing_behind_it_is_unknown() -> None:
    path = Path(DOMAIN.name, wire.HOST, wire.ADDRESS, 25)
    seen = [o for o in good() if not isinstance(o, TlsHandshake | RoleRecipient)]
    lost = silent(RoleRecipient, path, Reason.TLS)
    result = of(*seen, wire.handshake(error="alert 40"), lost)
    assert (result.outcome, result.step) == (Outcome.UNKNOWN, Step.TLS)


def test_host_of_somebody_else_is_not_applicable_with_its_name() -> None:
    result = of(*good(ours=False))
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.note == (
        "mx1.example.net: somebody else's MX host, so MAIL and RCPT were not sent"
    )


def test_failed_handshake_at_somebody_else_s_host_is_not_applicable() -> None:
    seen = [one for one in good(ours=False) if not isinstance(one, TlsHandshake)]
    result = of(*seen, wire.handshake(error="alert 40"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_closed_port_of_somebody_else_s_host_fails() -> None:
    assert of(*closed(ours=False)).outcome is Outcome.FAIL


def test_own_host_broken_behind_somebody_else_s_is_not_applicable() -> None:
    assert two(*good(ours=False), *closed(SECOND)).outcome is Outcome.NOT_APPLICABLE


def test_own_host_broken_before_somebody_else_s_is_milder() -> None:
    result = two(*closed(), *good(SECOND, ours=False))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.MEDIUM)


def test_second_address_of_a_host_counts() -> None:
    other = Service(wire.HOST, "192.0.2.11", 25)
    both = roles()
    both = type(both)(
        both.subject,
        both.in_inventory,
        both.roles,
        both.mx_of,
        (wire.ADDRESS, other.address),
        both.sends_from,
        (wire.MX, other),
    )
    found = addresses(wire.HOST, wire.ADDRESS, other.address)
    assert of(*closed()[2:], *good(other)[2:], both, found).outcome is Outcome.PASS


def test_domain_that_receives_no_mail_is_not_applicable() -> None:
    result = judge(evaluate, DOMAIN, domain(receives=False), mx((0, ".")))
    assert result.outcome is Outcome.NOT_APPLICABLE
