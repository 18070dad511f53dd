from audits.catalog.spf.helo_published import evaluate as audit
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.facts.spf import SpfHelo
from audits.subject import Role
from tests.build import judge, roles, silent
from tests.catalog.spf.worlds import HOST, SILENT, helo
from tests.parse.spf_zone import Zone

FOUR, SIX = "192.0.2.1", "2001:db8::1"
OWN = {"TXT": ["v=spf1 a -all"], "A": [FOUR], "AAAA": [SIX]}


def judged(seen: SpfHelo) -> Result:
    return judge(audit, HOST, roles(HOST.name, Role.RELAY, sends_from=(FOUR,)), seen)


def test_record_that_lists_the_hosts_own_addresses_passes() -> None:
    assert judged(helo(Zone({HOST.name: OWN}), FOUR, SIX)).outcome is Outcome.PASS


def test_name_without_record_fails_once() -> None:
    result = judged(helo(Zone({HOST.name: {"A": [FOUR]}}), FOUR, SIX))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == ["mail.example.net has no SPF record"]


def test_record_that_leaves_an_address_out_fails_for_it() -> None:
    own = {"TXT": ["v=spf1 a -all"], "A": [FOUR]}
    result = judged(helo(Zone({HOST.name: own}), FOUR, SIX))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [
        f"mail.example.net from {SIX}: fail, -all matches"
    ]


def test_silent_name_is_unknown() -> None:
    result = judged(helo(Zone({HOST.name: SILENT}), FOUR))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DNS_TIMEOUT


def test_host_that_sends_nothing_is_not_applicable() -> None:
    unseen = silent(SpfHelo, HOST, Reason.SKIPPED)
    result = judge(audit, HOST, roles(HOST.name, Role.MX), unseen)
    assert result.outcome is Outcome.NOT_APPLICABLE
