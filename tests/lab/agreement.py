"""Whether a daemon that runs the files of a case does on the wire what our reading says of them."""

from collections.abc import Collection

from audits.facts.mta import Question
from tests.lab.lab import Machine
from tests.lab.test_configured import ON_THE_WIRE, is_hidden, told
from tests.lab.test_outcomes import Run
from tests.misconfigurations import Case


def differences(
    run: Run, machine: Machine, case: Case, beyond: Collection[tuple[str, str]] = ()
) -> list[str]:
    """Where they differ, each in one line; an audit that does not apply says nothing.

    beyond: the names of cases, each with an audit that can't see what is ruled.
    """
    found = []
    for listener in case.reading().listeners:
        for ruling in listener.rulings:
            if ruling.answer == "undecided" or is_hidden(listener, ruling.question):
                continue
            wrong, audits = ON_THE_WIRE.get((ruling.question, listener.port), ("", ()))
            expected = {"fail" if ruling.answer == wrong else "pass"}
            if ruling.question is Question.TLS_WORKS and ruling.answer == "no":
                expected.add("unknown")  # the service may be gone altogether
            for audit in audits:
                outcome = told(run, machine, audit, listener.port)
                if outcome in expected | {"not-applicable"} or (case.name, audit) in beyond:
                    continue
                wanted = " or ".join(sorted(expected))
                found.append(f"{listener.port} {audit}: {outcome}, not {wanted}: {ruling.why}")
    return found
