"""Every server of the matrix has the outcomes of its fault, and of nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from audits.catalog import load
from tests.lab.lab import PROBE, Lab, running_lab
from tests.lab.matrix import COMPLETE, GOOD, MACHINES, NOT_APPLICABLE, PASS, ROWS, Row
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

MAX_CONNECTIONS = 12
# It answers 421 to everybody, which is its fault, and sees one connection.
PUTS_OFF = "throttles"
# Topics of what is seen on the wire; all their audits are asked, in the baseline or not.
WIRE = {"cert", "mx", "path", "port", "relay", "smtp", "submission", "tls"}

# Logs in with the right password, and with a wrong one.
_LOG_IN = """
import smtplib, ssl, sys
host, user = sys.argv[1:]
context = ssl._create_unverified_context()
for password in ("correct horse", "wrong horse"):
    with smtplib.SMTP_SSL(host, 465, timeout=15, context=context) as talk:
        try:
            code, _ = talk.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            code = error.smtp_code
    print(code)
"""

# By audit and place: a port, or the type of the subject where it has none.
Outcomes = dict[tuple[str, str], set[str]]


@pytest.fixture(scope="module")
def matrix(buildable: None) -> Iterator[Lab]:
    """All servers of the matrix, on a network of their own."""
    with running_lab(MACHINES, "m") as running:
        yield running


@pytest.fixture(scope="module")
def run(matrix: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over all of them, otherwise as it is by default."""
    asked = [audit for audit in load() if audit.partition("-")[0] in WIRE]
    folder = tmp_path_factory.mktemp("matrix") / "fleet"
    fleet = matrix.write_fleet(folder, logins=True, audits=asked, reply_s=20)
    return perform(matrix, fleet)


def _outcomes(run: Run, row: Row) -> Outcomes:
    found: Outcomes = {}
    for result in run.results:
        subject = result["subject"]
        if {f"mx1.{row.domain}", row.domain} & set(subject.values()):
            place = str(subject.get("port", subject["type"]))
            found.setdefault((result["audit"], place), set()).add(result["outcome"])
    return found


def _expected(row: Row, good: Outcomes) -> Outcomes:
    """What a row allows; one outcome of each audit, but for what is hidden and would not apply."""
    ports = {str(port) for server in row.servers for port in server.ports}
    hidden = {str(port): outcome for port, outcome in row.hidden.items()}
    expected = {}
    for (audit, place), outcomes in good.items():
        named = row.differs.get(f"{audit}:{place}", row.differs.get(audit))
        if place.isdecimal() and place not in ports:
            continue
        if outcomes == {NOT_APPLICABLE}:
            expected[audit, place] = {NOT_APPLICABLE, hidden.get(place, NOT_APPLICABLE)}
        elif named is not None:
            expected[audit, place] = {named}
        else:
            expected[audit, place] = {hidden[place]} if place in hidden else outcomes
    return expected


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.label)
def test_good_server_has_nothing_to_answer_for(run: Run, row: Row) -> None:
    services = [r for r in run.about(f"mx1.{row.domain}") if "port" in r["subject"]]
    assert {result["subject"]["port"] for result in services} == {25, 465, 587}
    named = {
        (result["audit"], str(result["subject"]["port"])): row.differs.get(
            f"{result['audit']}:{result['subject']['port']}", row.differs.get(result["audit"], PASS)
        )
        for result in services
    }
    worse = {
        place: outcomes
        for place, outcomes in _outcomes(run, row).items()
        if place in named and not outcomes <= {named[place], NOT_APPLICABLE}
    }
    assert worse == {}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_outcomes_are_those_of_the_fault_and_no_others(run: Run, row: Row) -> None:
    kind = next(good for good in GOOD if good.label == row.kind)
    found, expected = _outcomes(run, row), _expected(row, _outcomes(run, kind))
    wrong = {
        f"{audit}:{place}": f"{found.get((audit, place))}, not {expected.get((audit, place))}"
        for audit, place in sorted(found.keys() | expected.keys())
        if not found.get((audit, place), {""}) <= expected.get((audit, place), set())
    }
    assert wrong == {}


@pytest.mark.parametrize("row", [row for row in ROWS if row.differs], ids=lambda row: row.label)
def test_fault_is_about_audits_that_exist(run: Run, row: Row) -> None:
    known = {result["audit"] for result in run.results}
    assert {name.partition(":")[0] for name in row.differs} <= known


def test_default_run_takes_few_connections_and_annoys_nobody(
    buildable: None, tmp_path: Path
) -> None:
    with running_lab(COMPLETE, "b") as lab:
        run = perform(lab, lab.write_fleet(tmp_path / "fleet", logins=True, reply_s=20))
        lines = (run.directory / "facts.jsonl").read_text().splitlines()
        facts = [json.loads(line).get("fact") or {} for line in lines]
        others = [fact for fact in facts if fact.get("kind") == "tls.other-chain"]
        # The question of DANE and the logins are in the count.
        refusals = {fact["subject"]["host"]: fact["refusal"] for fact in others}
        assert refusals.pop("mx1.two-keys.example") is None
        assert [*refusals.values()] == ["alert handshake_failure"] * len(GOOD)
        for machine in COMPLETE:
            matched = run.outcomes(machine.host, "dane-tlsa-matches-certificate", port=25)
            assert matched == {"pass"}
            assert "pass" in run.outcomes(machine.host, "submission-login-works")
            for server in lab.servers[machine.label]:
                visits = server.connections(str(lab.auditor.ipv4))
                assert len(visits) == len(server.ports)
                assert max(visits.values()) <= MAX_CONNECTIONS, (machine.label, visits)
                assert server.annoyance() == []
        assert lab.queued() == {}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_no_server_is_visited_too_often_or_annoyed(matrix: Lab, run: Run, row: Row) -> None:
    """Faulty ones neither, and with more audits in force than a default run has."""
    assert run.results
    for server in matrix.servers[row.label]:
        visits = server.connections(str(matrix.auditor.ipv4))
        assert max(visits.values(), default=0) <= MAX_CONNECTIONS, visits
        assert len(server.annoyance()) == (row.label == PUTS_OFF), server.annoyance()


def test_nothing_is_delivered_anywhere(matrix: Lab, run: Run) -> None:
    assert run.results
    assert matrix.queued() == {}


def test_foreign_domain_that_leads_nowhere_hides_no_relay(matrix: Lab, tmp_path: Path) -> None:
    expected = {
        "exim-domains": "unknown",
        "relays-for-all": "fail",
        "exim": "pass",
        "postfix": "pass",
    }
    hosts = {row.label: f"mx1.{row.domain}" for row in ROWS if row.label in expected}
    fleet = matrix.write_fleet(tmp_path / "fleet", reply_s=20)
    settings = fleet / "mailproof.yaml"
    settings.write_text(settings.read_text().replace(PROBE["recipient"], "canary@nowhere.test"))
    run = perform(matrix, fleet, "--limit", ",".join(hosts.values()))
    for label, host in hosts.items():
        assert run.outcomes(host, "relay-refused", port=25) == {expected[label]}, label


def test_logins_of_all_servers_work(matrix: Lab) -> None:
    for row in GOOD:
        said = matrix.auditor.python(_LOG_IN, f"mx1.{row.domain}", f"alice@{row.domain}")
        assert said.split() == ["235", "535"], row.label
