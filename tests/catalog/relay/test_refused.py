"""relay-refused."""

from typing import Any

import pytest
from msgspec.structs import replace

from audits.catalog.relay.refused import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.relay import DataReply, Delivery, RelayForm, RelayProbes
from audits.facts.smtp import Reply
from audits.parse.relay_reply import classify
from tests.build import judge, reply, roles, silent
from tests.catalog import wire

S = "probe@audit.example.org"
D = "canary@sink.example.org"
OK = reply(250, "2.1.5 Ok")
QUEUED = reply(250, "2.0.0 Ok: queued as 1F")
REFUSED_LATER = reply(554, "5.7.1 not for strangers")
NO = reply(550, "5.7.1 relaying denied")
LABELS = {
    "<S> U@D": (S, D),
    "<S> U%D@H": (S, f"canary%sink.example.org@{wire.HOST}"),
    '<S> "U@D"@H': (S, f'"{D}"@{wire.HOST}'),
    "<> U@D": ("", D),
    "<S@H> U@D": (f"probe@{wire.HOST}", D),
}
PATTERN = {"<S> U@D": "P01", "<> U@D": "P02", "<S@H> U@D": "P03"}
THROUGH = f"from {wire.HOST} ({wire.HOST} [192.0.2.10]) by sink.example.org with ESMTP; today"
RANDOM = ("<S> <random>@served", "mailproof-1f@example.net")
IMPOSSIBLE = ("<S> x@<random>.invalid", "mailproof@mailproof-1f.invalid")


def form(label: str, sender: str, to: str, rcpt: Reply | None, mail: Reply | None) -> RelayForm:
    outcome, note = classify(mail, rcpt)
    pattern = PATTERN.get(label, "")
    ehlo = "audit.example.org"
    return RelayForm(pattern, label, ehlo, False, sender, to, mail, rcpt, outcome, note)


def probes(
    answers: dict[str, Reply | None] | None = None,
    *,
    default: Reply = NO,
    random: Reply | None = NO,
    impossible: Reply | None = NO,
) -> RelayProbes:
    """Every form answered with `default` but those in `answers`."""
    said = answers or {}
    return RelayProbes(
        wire.MX,
        "198.51.100.100",
        trusted_vantage=False,
        forms=tuple(
            form(label, *pair, said.get(label, default), reply(250, "2.1.0 Ok"))
            for label, pair in LABELS.items()
        ),
        controls=tuple(
            form(label, S, to, rcpt, reply(250, "2.1.0 Ok"))
            for (label, to), rcpt in ((RANDOM, random), (IMPOSSIBLE, impossible))
        ),
        data=(),
        delivery=None,
    )


def delivery(
    *received: str, reply: Reply | None = QUEUED, unread: str | None = None, note: str = ""
) -> Delivery:
    """A message by the first form that the service took, and what arrived of it."""
    to = "canary+0123456789abcdef0123@sink.example.org"
    target = (wire.HOST, "192.0.2.10")
    waited_s = 1.5 if received else 30.0
    token = "0123456789abcdef0123"
    came = received or None
    return Delivery("<S> U@D", S, to, token, reply, note, target, came, waited_s, unread)


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.MX, roles(), seen, **params)


@pytest.mark.parametrize(
    "refusal",
    [NO, wire.RELAYING_DENIED, reply(530, "5.7.0 Authentication required")],
    ids=["5yz", "454 of Postfix", "530"],
)
def test_all_forms_denied_passes(refusal: Reply) -> None:
    result = of(probes(default=refusal))
    assert result.outcome is Outcome.PASS
    assert len(result.evidence) == len(LABELS)


def test_syntax_error_to_a_routed_form_passes() -> None:
    assert of(probes({"<S> U%D@H": reply(501, "5.1.3 bad address")})).outcome is Outcome.PASS


def test_accepted_foreign_recipient_fails() -> None:
    result = of(probes({"<S> U@D": OK}))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert result.step is Step.RCPT
    message = f"relays mail for strangers, accepted at RCPT: RCPT TO:<{D}> got 250 2.1.5 Ok"
    assert result.violations[0].message == f"{message} (answered 5 of 5 forms)"
    assert [e.quote for e in result.violations[0].evidence] == ["250 2.1.5 Ok", f"MAIL FROM:<{S}>"]


@pytest.mark.parametrize("label", ["<> U@D", "<S@H> U@D"])
def test_relaying_for_one_kind_of_sender_fails(label: str) -> None:
    assert of(probes({label: OK})).outcome is Outcome.FAIL


def test_relay_that_takes_impossible_domains_too_fails_and_says_so() -> None:
    result = of(probes(default=OK, random=OK, impossible=OK))
    assert result.outcome is Outcome.FAIL
    first, *others = result.violations
    assert [e.quote for e in first.evidence][2:] == [
        "RCPT TO:<mailproof-1f@example.net> got 250 2.1.5 Ok",
        "RCPT TO:<mailproof@mailproof-1f.invalid> got 250 2.1.5 Ok",
    ]
    assert all(len(violation.evidence) == 2 for violation in others)


def test_routed_form_fails_where_the_controls_are_refused() -> None:
    result = of(probes({"<S> U%D@H": OK}))
    assert result.outcome is Outcome.FAIL
    assert f"canary%sink.example.org@{wire.HOST}" in result.violations[0].message


def test_routed_form_at_a_catch_all_is_ambiguous() -> None:
    result = of(probes({"<S> U%D@H": OK, '<S> "U@D"@H': OK}, random=OK))
    assert result.outcome is Outcome.UNKNOWN
    assert "ambiguous" in result.unknown[0].detail
    assert "mailproof-1f@example.net" in result.unknown[0].detail


def test_routed_form_is_ambiguous_where_a_control_was_not_answered() -> None:
    result = of(probes({"<S> U%D@H": OK}, random=None))
    assert result.outcome is Outcome.UNKNOWN
    assert "controls were not answered" in result.unknown[0].detail


@pytest.mark.parametrize("to", [f'"{D}"', '"canary%sink.example.org"', "sink.example.org!canary"])
def test_recipient_without_domain_never_fails_alone(to: str) -> None:
    seen = probes()
    bare = form("<S> bare", S, to, OK, reply(250, "2.1.0 Ok"))
    result = of(replace(seen, forms=(*seen.forms, bare)))
    assert result.outcome is Outcome.UNKNOWN
    assert "put its own domain behind it" in result.unknown[0].detail


def test_greylisting_is_never_a_pass() -> None:
    result = of(probes({"<> U@D": wire.GREYLISTED}))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED
    assert result.unknown[0].detail.startswith(
        "inconclusive: answered 4 of 5 forms; <> U@D: 450 4.2.0"
    )


def test_conversation_that_broke_off_is_never_a_pass() -> None:
    result = of(probes({"<S@H> U@D": None}))
    assert result.outcome is Outcome.UNKNOWN
    assert "answered 4 of 5 forms" in result.unknown[0].detail


def test_421_in_the_middle_is_throttled() -> None:
    result = of(probes({"<S@H> U@D": reply(421, "4.7.0 too many errors")}))
    assert result.unknown[0].reason is Reason.THROTTLED


@pytest.mark.parametrize(
    ("label", "sender"),
    [("<S@H> U@D", f"probe@{wire.HOST}"), ("<S@localhost> U@D", "probe@localhost")],
)
def test_forged_local_sender_may_be_refused_at_mail(label: str, sender: str) -> None:
    seen = probes()
    at_mail = form(label, sender, D, None, reply(550, "5.7.1 forged"))
    assert of(replace(seen, forms=(*seen.forms[:-1], at_mail))).outcome is Outcome.PASS


def test_sender_refused_at_mail_leaves_relaying_open() -> None:
    refused = reply(550, "5.1.8 sender domain not found")
    forms = tuple(form(label, *pair, None, refused) for label, pair in LABELS.items())
    result = of(replace(probes(), forms=forms))
    assert result.outcome is Outcome.UNKNOWN
    assert "5.1.8 sender domain not found" in result.unknown[0].detail


def test_trusted_vantage_is_unknown() -> None:
    seen = replace(probes({"<S> U@D": OK}), trusted_vantage=True)
    assert of(seen).outcome is Outcome.UNKNOWN
    assert of(seen, vantage="any").outcome is Outcome.FAIL


def test_form_refused_inside_tls_alone_is_no_pass_while_the_other_was_not_asked() -> None:
    seen = probes()
    inside = [replace(each, encrypted=True) for each in seen.forms]
    assert of(replace(seen, forms=(*seen.forms, *inside))).outcome is Outcome.PASS
    hidden = [replace(form("<S> U@D", S, D, None, None), encrypted=True, note="no TLS")]
    result = of(replace(seen, forms=(*seen.forms, *hidden)))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail.endswith("answered 5 of 6 forms; <S> U@D inside TLS: no TLS")


def test_relay_inside_tls_alone_fails() -> None:
    seen = probes()
    inside = replace(form("<S> U@D", S, D, OK, reply(250, "2.1.0 Ok")), encrypted=True)
    result = of(replace(seen, forms=(*seen.forms, inside)))
    assert result.outcome is Outcome.FAIL
    assert "inside TLS got 250" in result.violations[0].message


def test_patterns_that_a_policy_wants_and_nobody_tried_leave_it_unknown() -> None:
    assert of(probes(), patterns=("P01", "P03")).outcome is Outcome.PASS
    result = of(probes(), patterns=("P01", "P06"))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "not tried: P06; probe.relay_forms: all tries every pattern"
    assert "P04, P05" in of(probes(), patterns=("all",)).unknown[0].detail


def test_data_that_is_refused_behind_every_accepted_form_is_ambiguous() -> None:
    data = (DataReply(0, REFUSED_LATER, "DATA was refused"),)
    result = of(replace(probes({"<S> U@D": OK}), data=data))
    assert result.outcome is Outcome.UNKNOWN
    assert "DATA was refused behind it" in result.unknown[0].detail


def test_data_that_is_taken_is_evidence() -> None:
    data = (DataReply(0, reply(354, "go on"), ""),)
    result = of(replace(probes({"<S> U@D": OK}), data=data))
    assert result.outcome is Outcome.FAIL
    assert "DATA got 354 go on" in [e.quote for e in result.violations[0].evidence]


def test_data_that_is_refused_behind_one_form_leaves_the_others() -> None:
    data = (DataReply(0, REFUSED_LATER, "DATA was refused"),)
    result = of(replace(probes({"<S> U@D": OK, "<> U@D": OK}), data=data))
    assert result.outcome is Outcome.FAIL
    assert len(result.violations) == 1
    assert result.violations[0].evidence[1].quote == "MAIL FROM:<>"


def test_message_that_arrives_through_the_host_confirms() -> None:
    seen = replace(probes(default=OK, random=OK, impossible=OK), delivery=delivery(THROUGH))
    result = of(seen)
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert violation.message.startswith(
        "confirmed: relays mail for strangers: a message by <S> U@D"
    )
    assert "arrived after 1.5 s (answered 5 of 5 forms)" in violation.message
    assert violation.evidence[0].quote == f"Received: {THROUGH}"


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        (delivery(), "accepted, not delivered within 30 s"),
        (delivery("from elsewhere.example by sink"), "without a word of this host in Received"),
        (delivery(unread="no login"), "the canary's mailbox can't be read: no login"),
        (delivery(reply=REFUSED_LATER), "but the canary was not taken: 554 5.7.1"),
        (delivery(reply=None, note="RCPT was refused: 550"), "not taken: RCPT was refused: 550"),
    ],
    ids=["lost", "another way", "unread", "refused", "refused at RCPT"],
)
def test_message_that_proves_nothing_leaves_it_suspect(proof: Delivery, words: str) -> None:
    seen = replace(probes({"<S> U@D": OK}), delivery=proof)
    result = of(seen)
    assert result.outcome is Outcome.FAIL
    assert words in result.violations[0].message
    strict = of(seen, full_send=True)
    assert strict.outcome is Outcome.UNKNOWN
    assert words in strict.unknown[0].detail


def test_sink_that_takes_everything_and_delivers_nothing_is_unknown() -> None:
    seen = probes(default=OK, random=OK, impossible=OK)
    result = of(replace(seen, delivery=delivery()))
    assert result.outcome is Outcome.UNKNOWN
    assert "and so was an impossible domain" in result.unknown[0].detail


@pytest.mark.parametrize("shown", ["[2001:db8::10]", "[IPv6:2001:DB8::10]"])
def test_host_is_found_in_received_by_its_ipv6_address(shown: str) -> None:
    sent = replace(delivery(f"from x ({shown}) by sink; today"), target=("2001:db8::10",))
    assert sent.through is not None
    longer = replace(delivery("from x ([IPv6:2001:db8::101]) by sink"), target=sent.target)
    assert longer.through is None


@pytest.mark.parametrize("name", [wire.HOST, wire.HOST.upper(), "192.0.2.10"])
def test_host_is_found_in_received_by_name_or_address(name: str) -> None:
    assert delivery(f"from x ([198.51.100.1]) by {name}; today").through is not None
    assert delivery(f"from x.{name}.example by not-{name}1; today").through is None


def test_no_form_tried_is_unknown() -> None:
    assert of(replace(probes(), forms=())).outcome is Outcome.UNKNOWN


def test_throttled_service_is_unknown() -> None:
    assert of(silent(RelayProbes, wire.MX, Reason.THROTTLED)).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    skipped = silent(RelayProbes, wire.MX, Reason.SKIPPED, "not in the inventory")
    assert judge(evaluate, wire.MX, wire.foreign(), skipped).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    "said",
    [
        reply(550, "Unrouteable address"),
        reply(550, "5.1.2 Bad destination system: no such domain"),
        reply(550, "Sender verify failed"),
    ],
)
def test_refusal_for_a_name_that_leads_nowhere_is_no_answer(said: Reply) -> None:
    result = judge(evaluate, wire.MX, roles(), probes({"<S> U@D": said, "<> U@D": said}))
    assert result.outcome is Outcome.UNKNOWN
    (unknown,) = result.unknown
    assert "set probe.sender and probe.recipient to mailboxes that exist" in unknown.detail


@pytest.mark.parametrize(
    "said",
    [
        reply(
            554,
            "5.7.1 Service unavailable; Client host [203.0.113.2] blocked using zen.example; PBL",
        ),
        reply(550, "203.0.113.2 is in a black list at zen.example"),
        reply(550, "5.7.25 Client host rejected: cannot find your reverse hostname, [203.0.113.2]"),
    ],
)
def test_refusal_for_what_is_known_of_our_address_is_no_answer(said: Reply) -> None:
    result = judge(evaluate, wire.MX, roles(), probes({"<S> U@D": said, "<> U@D": said}))
    assert result.outcome is Outcome.UNKNOWN
    (unknown,) = result.unknown
    assert "look from an address that is on no block list" in unknown.detail


def test_refusal_to_relay_that_speaks_of_block_lists_is_an_answer() -> None:
    said = reply(550, "5.7.1 Relaying denied, you may be on a blocklist")
    result = judge(evaluate, wire.MX, roles(), probes({"<S> U@D": said, "<> U@D": said}))
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("label", "said"),
    [
        # A local recipient that is unknown, and a local sender that is.
        ('<S> "U@D"@H', reply(550, "Unrouteable address")),
        ("<S@H> U@D", reply(550, "Unrouteable address / Sender verify failed")),
        ("<> U@D", reply(554, "5.7.1 <>: Sender address rejected: Access denied")),
        # The word is in the address alone.
        ("<S> U@D", reply(554, "5.7.1 <canary@spf.example.org>: Relay access denied")),
    ],
)
def test_refusal_of_what_is_local_is_an_answer(label: str, said: Reply) -> None:
    result = judge(evaluate, wire.MX, roles(), probes({label: said}))
    assert result.outcome is Outcome.PASS
