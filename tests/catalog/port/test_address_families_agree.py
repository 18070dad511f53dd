"""port-address-families-agree."""

import pytest
from msgspec.structs import replace

from audits.catalog.port.address_families_agree import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.declared import HostRoles
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.relay import FormOutcome, RelayForm, RelayProbes
from audits.facts.smtp import EhloInTls, EhloReply
from audits.facts.tcp import PortState
from audits.subject import MailHost, Service
from tests.build import judge, reply, roles, silent
from tests.catalog import wire

HOST = MailHost(wire.HOST)
OVER_4 = wire.MX
OVER_6 = Service(wire.HOST, "2001:db8::10", 25)
BOTH: HostRoles = replace(
    roles(wire.HOST), addresses=(OVER_4.address, OVER_6.address), services=(OVER_4, OVER_6)
)


def relaying(at: Service, outcome: FormOutcome) -> RelayProbes:
    answer = reply(250, "Ok") if outcome is FormOutcome.ACCEPTED else wire.RELAYING_DENIED
    form = RelayForm(
        pattern="",
        label="<S> U@D",
        ehlo="audit.example.org",
        encrypted=False,
        mail_from="probe@audit.example.org",
        rcpt_to="canary@sink.example.org",
        mail=reply(250),
        rcpt=answer,
        outcome=outcome,
        note="",
    )
    return RelayProbes(
        at,
        source="",
        trusted_vantage=False,
        forms=(form,),
        controls=(),
        data=(),
        delivery=None,
    )


def good(at: Service) -> list[Fact | Unobserved]:
    return [
        wire.port(at),
        wire.ehlo(at, "PIPELINING", "STARTTLS"),
        wire.ehlo_in_tls(at, "PIPELINING"),
        relaying(at, FormOutcome.DENIED),
    ]


def of(*changed: Fact | Unobserved, host: HostRoles = BOTH) -> Result:
    """The verdict on a good host, of which one or the other thing is different."""

    def key(seen: Fact | Unobserved) -> tuple[str, object]:
        if isinstance(seen, Unobserved):
            return seen.kind, seen.subject
        return str(type(seen).__struct_config__.tag), seen.subject

    seen = {key(each): each for each in (*good(OVER_4), *good(OVER_6), *changed)}
    return judge(evaluate, HOST, host, *seen.values())


def test_equal_behaviour_passes() -> None:
    assert of().outcome is Outcome.PASS


def test_port_that_is_closed_over_one_fails() -> None:
    hidden = [silent(kind, OVER_6, Reason.REFUSED) for kind in (EhloReply, EhloInTls, RelayProbes)]
    result = of(wire.port(OVER_6, "closed"), *hidden)
    assert result.outcome is Outcome.FAIL
    message = "25: the port is open over IPv4, is closed over IPv6"
    assert result.violations[0].message == message


def test_starttls_over_one_only_fails() -> None:
    hidden = silent(EhloInTls, OVER_6, Reason.NOT_OFFERED)
    (violation,) = of(wire.ehlo(OVER_6, "PIPELINING"), hidden).violations
    assert violation.message == "25: STARTTLS is offered over IPv4, is not offered over IPv6"
    assert len(violation.evidence) == 2


def test_login_over_one_only_fails() -> None:
    (violation,) = of(wire.ehlo_in_tls(OVER_6, "AUTH PLAIN LOGIN")).violations
    assert violation.message == (
        "25: AUTH inside TLS is not offered over IPv4, offers LOGIN PLAIN over IPv6"
    )


def test_relay_over_one_only_fails() -> None:
    (violation,) = of(relaying(OVER_6, FormOutcome.ACCEPTED)).violations
    assert violation.message == "25: relaying takes no form over IPv4, takes <S> U@D over IPv6"


def test_what_one_vantage_cannot_reach_is_unknown() -> None:
    kinds = (PortState, EhloReply, EhloInTls, RelayProbes)
    hidden = [silent(kind, OVER_6, Reason.UNREACHABLE) for kind in kinds]
    assert of(*hidden).unknown[0].reason is Reason.UNREACHABLE


FAR_OVER_6 = Service("mx.elsewhere.example", "2001:db8:1::1", 25)
SHUT_OVER_6 = (
    wire.port(OVER_6, "filtered"),
    *(silent(kind, OVER_6, Reason.FILTERED) for kind in (EhloReply, EhloInTls, RelayProbes)),
)


def test_port_that_may_be_filtered_near_this_vantage_is_unknown() -> None:
    result = of(*SHUT_OVER_6, wire.egress(OVER_4))
    assert result.unknown[0].reason is Reason.EGRESS_BLOCKED
    assert of(*SHUT_OVER_6).unknown[0].reason is Reason.EGRESS_BLOCKED


def test_port_that_is_filtered_where_others_answer_fails() -> None:
    (violation,) = of(*SHUT_OVER_6, wire.egress(OVER_4, FAR_OVER_6)).violations
    assert violation.message == "25: the port is open over IPv4, is filtered over IPv6"


def test_submission_port_that_is_filtered_beside_an_open_one_fails() -> None:
    over_4, over_6 = (replace(at, port=587) for at in (OVER_4, OVER_6))
    host = replace(BOTH, services=(*BOTH.services, over_4, over_6))
    shut = [
        wire.port(over_6, "filtered"),
        *(silent(kind, over_6, Reason.FILTERED) for kind in (EhloReply, EhloInTls, RelayProbes)),
    ]
    (violation,) = of(*good(over_4), *shut, wire.egress(OVER_4), host=host).violations
    assert violation.message == "587: the port is open over IPv4, is filtered over IPv6"


@pytest.mark.parametrize("over_4", [FormOutcome.DENIED, FormOutcome.ACCEPTED])
def test_relaying_that_was_put_off_over_one_is_unknown(over_4: FormOutcome) -> None:
    result = of(relaying(OVER_4, over_4), relaying(OVER_6, FormOutcome.DEFERRED))
    assert result.unknown[0].reason is Reason.DEFERRED


def test_relaying_that_a_missing_reverse_name_hides_over_one_is_unknown() -> None:
    blocked = relaying(OVER_6, FormOutcome.DENIED)
    (form,) = blocked.forms
    nameless = replace(form, rcpt=reply(550, "5.7.25 Client host rejected: no reverse name"))
    result = of(replace(blocked, forms=(nameless,)))
    assert result.outcome is Outcome.UNKNOWN


def test_difference_outranks_what_is_silent() -> None:
    hidden = silent(RelayProbes, OVER_6, Reason.DEFERRED)
    result = of(wire.ehlo(OVER_6, "PIPELINING"), hidden)
    assert result.outcome is Outcome.FAIL


def test_host_with_one_family_is_not_applicable() -> None:
    assert of(host=roles(wire.HOST)).outcome is Outcome.NOT_APPLICABLE
