"""Every server of the matrix has the outcomes of its fault, and of nothing else."""

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab, running_lab
from tests.lab.matrix import GOOD, MACHINES, NOT_APPLICABLE, PASS, ROWS, Row
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

MAX_CONNECTIONS = 12

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
    """One default run over all of them."""
    fleet = matrix.write_fleet(tmp_path_factory.mktemp("matrix") / "fleet")
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
    worse = [(r["audit"], r["subject"]["port"], r["outcome"]) for r in services]
    assert [each for each in worse if each[2] not in (PASS, NOT_APPLICABLE)] == []


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


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.label)
def test_default_run_takes_few_connections_and_annoys_nobody(
    matrix: Lab, run: Run, row: Row
) -> None:
    assert run.results
    for server in matrix.servers[row.label]:
        visits = server.connections(str(matrix.auditor.ipv4))
        assert len(visits) == len(server.ports)
        assert max(visits.values()) <= MAX_CONNECTIONS
        assert server.annoyance() == []


def test_default_run_delivers_nothing_anywhere(matrix: Lab, run: Run) -> None:
    assert run.results
    assert matrix.queued() == {}


def test_logins_of_all_servers_work(matrix: Lab) -> None:
    for row in GOOD:
        said = matrix.auditor.python(_LOG_IN, f"mx1.{row.domain}", f"alice@{row.domain}")
        assert said.split() == ["235", "535"], row.label
