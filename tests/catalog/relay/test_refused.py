"""relay-refused."""

import pytest
from msgspec.structs import replace

from audits.catalog.relay.refused import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.relay import RelayForm, RelayProbes
from audits.facts.smtp import Reply
from audits.parse.relay_reply import classify
from tests.build import judge, reply, roles, silent
from tests.catalog import wire

S = "probe@audit.example.org"
D = "canary@sink.example.org"
OK = reply(250, "2.1.5 Ok")
NO = reply(550, "5.7.1 relaying denied")
LABELS = {
    "<S> U@D": (S, D),
    "<S> U%D@H": (S, f"canary%sink.example.org@{wire.HOST}"),
    '<S> "U@D"@H': (S, f'"{D}"@{wire.HOST}'),
    "<> U@D": ("", D),
    "<S@H> U@D": (f"probe@{wire.HOST}", D),
}
RANDOM = ("<S> <random>@served", "mailproof-1f@example.net")
IMPOSSIBLE = ("<S> x@<random>.invalid", "mailproof@mailproof-1f.invalid")


def form(label: str, sender: str, to: str, rcpt: Reply | None, mail: Reply | None) -> RelayForm:
    outcome, note = classify(mail, rcpt)
    return RelayForm(label, sender, to, mail, rcpt, outcome, note)


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
        "audit.example.org",
        encrypted=False,
        trusted_vantage=False,
        forms=tuple(
            form(label, *pair, said.get(label, default), reply(250, "2.1.0 Ok"))
            for label, pair in LABELS.items()
        ),
        controls=tuple(
            form(label, S, to, rcpt, reply(250, "2.1.0 Ok"))
            for (label, to), rcpt in ((RANDOM, random), (IMPOSSIBLE, impossible))
        ),
    )


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


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
    message = f"relays mail for strangers: RCPT TO:<{D}> got 250 2.1.5 Ok"
    assert result.violations[0].message == message
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
    assert result.unknown[0].detail.startswith("answered 4 of 5 forms; <> U@D: 450 4.2.0")


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
    assert of(replace(probes({"<S> U@D": OK}), trusted_vantage=True)).outcome is Outcome.UNKNOWN


def test_no_form_tried_is_unknown() -> None:
    assert of(replace(probes(), forms=())).outcome is Outcome.UNKNOWN


def test_throttled_service_is_unknown() -> None:
    assert of(silent(RelayProbes, wire.MX, Reason.THROTTLED)).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    skipped = silent(RelayProbes, wire.MX, Reason.SKIPPED, "not in the inventory")
    assert judge(evaluate, wire.MX, wire.foreign(), skipped).outcome is Outcome.NOT_APPLICABLE
