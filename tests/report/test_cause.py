"""What each cause of a break means, and how to mend it."""

import unicodedata
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.cause import Cause
from audits.facts.delivery import Station, StationState
from audits.facts.fact import Reason, Step
from audits.report.cause import Place, explanation

PLACE = Place(
    "example.net", "mx1.example.net", "192.0.2.1", 25, "ana@example.net", "bo@example.org"
)


def broken(step: Step, answered: str, detail: str) -> Station:
    return Station(step, StationState.BROKEN, answered, detail)


def silent(step: Step, reason: Reason) -> Station:
    return Station(step, StationState.SILENT, reason.value, "no answer", reason=reason)


STATIONS = {
    Cause.NO_SUCH_DOMAIN: broken(Step.MX, "NXDOMAIN", "example.net does not exist"),
    Cause.NULL_MX: broken(Step.MX, "null MX", "0 . is all"),
    Cause.NO_ADDRESS: broken(Step.ADDRESS, "NXDOMAIN", "mx1.example.net has no address"),
    Cause.DNS_FAILED: silent(Step.MX, Reason.SERVFAIL),
    Cause.DNS_SILENT: silent(Step.ADDRESS, Reason.DNS_TIMEOUT),
    Cause.DNS_REFUSED: silent(Step.MX, Reason.DNS_REFUSED),
    Cause.EGRESS_BLOCKED: silent(Step.TCP, Reason.EGRESS_BLOCKED),
    Cause.FILTERED: silent(Step.TCP, Reason.FILTERED),
    Cause.CLOSED: broken(Step.TCP, "closed", "port 25 is closed"),
    Cause.UNREACHABLE: silent(Step.TCP, Reason.UNREACHABLE),
    Cause.SILENT: silent(Step.GREETING, Reason.TIMEOUT),
    Cause.HUNG_UP: silent(Step.EHLO, Reason.DISCONNECTED),
    Cause.NOT_SMTP: silent(Step.GREETING, Reason.PROTOCOL),
    Cause.THROTTLED: silent(Step.RCPT, Reason.THROTTLED),
    Cause.TURNED_AWAY: broken(Step.GREETING, "554", "554 no service"),
    Cause.EHLO_REFUSED: broken(Step.EHLO, "550", "550 no"),
    Cause.TLS_NOT_OFFERED: broken(Step.STARTTLS, "not offered", "EHLO does not list STARTTLS"),
    Cause.TLS_REFUSED: broken(Step.STARTTLS, "501", "501 no"),
    Cause.TLS_FAILED: broken(Step.TLS, "failed", "alert handshake_failure"),
    Cause.TLS_NOT_SPOKEN: broken(Step.TLS, "failed", "not TLS: the server sent '220 hi'"),
    Cause.TLS_WANTED: broken(Step.MAIL, "530", "530 5.7.0 Must issue a STARTTLS command first"),
    Cause.CERTIFICATE: broken(Step.TLS, "not trusted", "TLSv1.3, but it expired"),
    Cause.AUTH_NOT_OFFERED: broken(Step.AUTH, "not offered", "no mechanism"),
    Cause.LOGIN_FAILED: broken(Step.AUTH, "535", "PLAIN: 535 5.7.8 no"),
    Cause.LOGIN_WANTED: broken(Step.MAIL, "530", "530 5.7.0 Authentication required"),
    Cause.BLOCKLISTED: broken(Step.RCPT, "554", "554 5.7.1 listed by dnsbl.example"),
    Cause.NO_REVERSE_NAME: broken(Step.RCPT, "550", "550 5.7.25 no PTR"),
    Cause.SENDER_NOT_OWNED: broken(Step.RCPT, "553", "553 5.7.1 not owned by user alice"),
    Cause.SENDER_REFUSED: broken(Step.MAIL, "550", "550 5.1.8 Domain not found"),
    Cause.GREYLISTED: Station(Step.RCPT, StationState.SILENT, "450", "450 4.2.0 Greylisted"),
    Cause.DEFERRED: Station(Step.RCPT, StationState.SILENT, "452", "452 4.3.1 disk"),
    Cause.USER_UNKNOWN: broken(Step.RCPT, "550", "550 5.1.1 User unknown"),
    Cause.MAILBOX_FULL: broken(Step.RCPT, "552", "552 5.2.2 no"),
    Cause.RELAY_DENIED: broken(Step.RCPT, "554", "554 5.7.1 Relay access denied"),
    Cause.CONTENT_REFUSED: broken(Step.DATA, "550", "550 no"),
    Cause.REFUSED: broken(Step.RCPT, "550", "550 no"),
    Cause.OURS: silent(Step.TCP, Reason.INTERRUPTED),
}


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told_from_its_station_and_explained(cause: Cause) -> None:
    found = explanation(STATIONS[cause], PLACE)
    assert found is not None
    assert found.cause is cause
    for text in (found.means, found.mend):
        assert text.endswith(".")
        assert [name for _, name, _, _ in Formatter().parse(text) if name] == []


def test_passed_station_needs_no_explanation() -> None:
    assert explanation(Station(Step.RCPT, StationState.PASSED, "250", "250 Ok"), PLACE) is None


def test_names_are_made_safe_and_never_read_as_formats() -> None:
    place = Place("{0.__class__}", "a\x1b[2J", "192.0.2.1", 25, "ana@example.net", "")
    found = explanation(STATIONS[Cause.RELAY_DENIED], place)
    assert found is not None
    assert "{0.__class__}" in found.means
    assert "\x1b" not in found.means + found.mend


@given(
    st.sampled_from([step for step in Step if step is not Step.DNS]),
    st.sampled_from([StationState.BROKEN, StationState.SILENT]),
    st.integers(400, 559),
    st.text(max_size=80),
)
def test_any_words_of_a_server_have_an_explanation_that_is_safe_to_show(
    step: Step, state: StationState, code: int, text: str
) -> None:
    said = Station(step, state, str(code), f"{code} {text}")
    place = Place(text, text, text, 25, text, text)
    found = explanation(said, place)
    assert found is not None
    kinds = {unicodedata.category(letter) for letter in found.means + found.mend}
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
