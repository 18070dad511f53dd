"""What our reading of a configuration says, against the daemon that runs with those very files.

Each ruling on a listener is held against the audit of the wire that asks the same question.
"""

from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from audits.facts.mta import ConfiguredListener, Mta, Question, Ruling
from audits.parse.config_tree import Reading
from tests.lab.lab import AUDITOR, Lab, Machine, running_lab
from tests.lab.servers.configured import AsConfigured, ConfiguredPostfix
from tests.lab.test_outcomes import Run, perform
from tests.misconfigurations import Case, cases

pytestmark = pytest.mark.lab

# Says EHLO with a name, MAIL, and the RCPT that is asked about; prints the reply to the last.
_ASK = """
import smtplib, sys
host, hello, recipient, more = sys.argv[1:]
with smtplib.SMTP(host, 25, local_hostname=hello, timeout=15) as talk:
    talk.ehlo()
    talk.mail("probe@sink.example.org")
    code, _ = talk.rcpt(recipient)
    if more:
        talk.rcpt(more)
        code, _ = talk.docmd("DATA")
        talk.close()
    print(code)
"""

# The audits of the wire that ask what a question asks, by port: those that fail where it is
# answered with the word before them, and pass where it is answered with the opposite.
ON_THE_WIRE: dict[tuple[Question, int], tuple[str, tuple[str, ...]]] = {
    **{(Question.RELAY, port): ("yes", ("relay-refused",)) for port in (25, 465, 587)},
    (Question.IMPLICIT_TLS, 465): ("no", ("tls-handshake-completes",)),
    (Question.STARTTLS, 25): ("no", ("mx-starttls-offered",)),
    (Question.STARTTLS, 587): ("no", ("submission-starttls-offered",)),
    (Question.TLS_REQUIRED, 587): ("no", ("submission-plaintext-session-refused",)),
    (Question.AUTH, 465): ("no", ("submission-auth-offered",)),
    (Question.AUTH, 587): ("no", ("submission-auth-offered",)),
    **{
        (Question.AUTH_IN_CLEAR, port): ("yes", ("submission-auth-refused-in-clear",))
        for port in (25, 587)
    },
    **{
        (Question.LOCAL_WITHOUT_LOGIN, port): ("yes", ("submission-auth-required-for-local",))
        for port in (465, 587)
    },
    **{(Question.TLS_WORKS, port): ("no", ("tls-handshake-completes",)) for port in (25, 465, 587)},
    **{(Question.OLD_TLS, port): ("yes", ("tls-version-current",)) for port in (25, 465, 587)},
    **{(Question.TLS_1_3, port): ("no", ("tls-v13-accepted",)) for port in (25, 465, 587)},
    (Question.VRFY, 25): ("yes", ("smtp-vrfy-expn-closed",)),
    (Question.VERSION_SHOWN, 25): ("yes", ("smtp-version-not-disclosed",)),
    (Question.EARLY_PIPELINING, 25): ("yes", ("smtp-pipelining-enforced",)),
}
AUDITS = sorted({audit for _, audits in ON_THE_WIRE.values() for audit in audits})


# The relay probe asks by eight forms alone, and leaves it open where any local part is taken.
BEYOND_THE_PROBE = {
    "whoever publishes an MX record",
    "whoever has a certificate",
    "routes in the recipient",
    "a user whose mailbox everybody has",
    "an address in place of a name",
    "a refusal for one recipient alone",
}
# What is asked inside TLS, and with a login, can't be asked where that does not begin.
INSIDE_TLS = frozenset(
    {
        Question.OLD_TLS,
        Question.TLS_1_3,
        Question.AUTH,
        Question.LOCAL_WITHOUT_LOGIN,
        Question.EARLY_PIPELINING,
        Question.TLS_WORKS,
    }
)


def machines() -> list[Machine]:
    """One for each case with a listener that others reach."""
    found = cases("wrong", Mta.POSTFIX) + cases("right", Mta.POSTFIX)
    reached = [software for case in found if (software := ConfiguredPostfix(case)).ports]
    return [
        Machine(
            f"case{number}",
            10 + number + (number >= AUDITOR - 10),
            f"case{number}.example.org",
            (software,),
            ipv6="[::]/0" in software.case.text("main.cf"),
        )
        for number, software in enumerate(reached)
    ]


MACHINES = machines()


@pytest.fixture(scope="module")
def configured(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "c") as running:
        yield running


@pytest.fixture(scope="module")
def run(configured: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    fleet = configured.write_fleet(
        tmp_path_factory.mktemp("c") / "fleet", audits=AUDITS, reply_s=20
    )
    yaml = YAML()
    settings = yaml.load((fleet / "mailproof.yaml").read_text())
    settings["limits"]["banner_s"] = 12.0  # postscreen lets a stranger wait for six
    with (fleet / "mailproof.yaml").open("w") as file:
        yaml.dump(settings, file)
    return perform(configured, fleet)


def server(lab: Lab, machine: Machine) -> AsConfigured:
    (only,) = lab.servers[machine.label]
    assert isinstance(only, AsConfigured)
    return only


def told(run: Run, machine: Machine, audit: str, port: int) -> str:
    """The outcome of an audit of a service, the worse one of two addresses."""
    outcomes = run.outcomes(machine.host, audit, port=port)
    return next(
        worst for worst in ("fail", "unknown", "pass", "not-applicable") if worst in outcomes
    )


def expected(found: Reading, listener: ConfiguredListener, ruling: Ruling, case: Case) -> set[str]:
    """The outcomes on the wire that agree with a ruling."""
    wrong, _ = ON_THE_WIRE[ruling.question, listener.port]
    if ruling.answer == "undecided":
        return {"pass", "fail", "unknown"}
    agreeing = {"fail" if ruling.answer == wrong else "pass"}
    if ruling.question is Question.RELAY and ruling.answer == "yes":
        return agreeing | ({"pass", "unknown"} if case.name in BEYOND_THE_PROBE else set())
    if ruling.question is Question.TLS_WORKS and ruling.answer == "no":
        return {"fail", "unknown"}  # a handshake that breaks off, or 454, may pass by
    neighbours = found.program.ruling(Question.TRUSTS_NEIGHBOURS)
    if ruling.question is Question.RELAY and neighbours is not None and listener.port == 25:
        return {"fail"} if neighbours.answer == "yes" else agreeing
    return agreeing


def is_hidden(listener: ConfiguredListener, question: Question) -> bool:
    """Whether nobody gets as far as to see it."""
    answers = {each.question: each.answer for each in listener.rulings}
    if listener.port == 465 and answers[Question.IMPLICIT_TLS] == "no":
        return question is not Question.IMPLICIT_TLS
    if answers.get(Question.TLS_WORKS) == "no":
        return question is not Question.TLS_WORKS
    if listener.port != 465 and answers[Question.IMPLICIT_TLS] == "yes":
        return True
    if listener.port != 465 and answers[Question.STARTTLS] == "no":
        return question is not Question.STARTTLS and (
            listener.port == 587 or question in INSIDE_TLS
        )
    return False


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.servers[0].case))
def test_daemon_does_what_our_reading_says(configured: Lab, run: Run, machine: Machine) -> None:
    case = server(configured, machine).case
    found = case.reading()
    fatal = [problem for problem in found.program.problems if problem.fatal]
    differ = []
    silent = []
    asked = 0
    for listener in found.listeners:
        if listener.loopback:
            continue
        greeted = told(run, machine, "smtp-greeting-valid", listener.port)
        if fatal and greeted == "unknown":
            silent.append(listener.port)
            continue
        for ruling in listener.rulings:
            if is_hidden(listener, ruling.question):
                continue
            asked += 1
            for audit in ON_THE_WIRE.get((ruling.question, listener.port), ("", ()))[1]:
                seen = told(run, machine, audit, listener.port)
                agreeing = expected(found, listener, ruling, case)
                if seen not in agreeing:
                    differ.append(f"{listener.port} {audit}: {seen}, not {agreeing}: {ruling.why}")
    assert differ == []
    assert bool(silent) is bool(fatal)
    assert asked or silent or "wrapper" in case.name


@pytest.mark.parametrize(
    ("name", "hello", "recipient", "more"),
    [
        (
            "whoever publishes an MX record",
            "audit.example.net",
            "b@backed-by-{label}.example.org",
            "",
        ),
        ("routes in the recipient", "audit.example.net", "b%sink.example.org@customer.example", ""),
        ("routes in the recipient", "audit.example.net", "sink.example.org!b@customer.example", ""),
        (
            "a user whose mailbox everybody has",
            "audit.example.net",
            "postmaster@sink.example.org",
            "",
        ),
        ("an address in place of a name", "192.0.2.1", "b@sink.example.org", ""),
        (
            "a refusal for one recipient alone",
            "audit.example.net",
            "b@sink.example.org",
            "c@sink.example.org",
        ),
    ],
)
def test_relay_that_the_probe_does_not_ask_for_is_open(
    configured: Lab, name: str, hello: str, recipient: str, more: str
) -> None:
    (machine,) = [each for each in MACHINES if each.servers[0].case.name == name]  # type: ignore[attr-defined]
    recipient = recipient.format(label=machine.label)
    code = configured.auditor.python(_ASK, machine.address, hello, recipient, more).strip()
    assert code == ("354" if more else "250")
    relay = server(configured, machine).case.reading().listeners[0].ruling(Question.RELAY)
    assert relay is not None
    assert relay.answer == "yes"


@pytest.mark.parametrize(
    ("name", "recipient"),
    [
        ("routes in the recipient of an own domain", "b%sink.example.org@{domain}"),
        ("certificates that nobody is asked for", "b@sink.example.org"),
        ("restrictions in capitals", "b@sink.example.org"),
    ],
)
def test_relay_that_only_looks_open_is_closed(configured: Lab, name: str, recipient: str) -> None:
    (machine,) = [each for each in MACHINES if each.servers[0].case.name == name]  # type: ignore[attr-defined]
    recipient = recipient.format(domain=machine.domain)
    code = configured.auditor.python(_ASK, machine.address, "audit.example.net", recipient, "")
    assert code.strip() in ("454", "554")


def test_fatal_configuration_is_told_by_the_daemon_in_its_log(configured: Lab, run: Run) -> None:
    assert run.results
    for machine in MACHINES:
        running = server(configured, machine)
        fatal = any(problem.fatal for problem in running.case.reading().program.problems)
        assert (": fatal: " in running.log.read_text(errors="replace")) is fatal, running.case
