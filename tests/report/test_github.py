"""Annotations of GitHub Actions, read back as the runner reads them."""

import re
from collections import Counter

from msgspec.structs import replace

from audits.evaluate.verdict import Outcome, Severity
from audits.report.github import SHOWN, annotations, harmless
from audits.report.remark import Gate
from audits.subject import Domain
from tests.report import fleet, hostile
from tests.report.golden import golden

_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*))?::(?P<data>.*)")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Every command that a runner would find in what is printed."""
    assert "##[" not in text
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if line.lstrip().startswith("::"):
            command = _COMMAND.fullmatch(line.lstrip())
            assert command is not None, line
            pairs = (p.split("=", 1) for p in (command["properties"] or "").split(",") if p)
            found.append((command["name"], dict(pairs), command["data"]))
    return found


def test_annotations_are_the_golden_ones() -> None:
    made = "".join(annotations(fleet.remarks())).encode()
    assert made == golden("annotations.txt", made)


def test_kind_follows_the_gate() -> None:
    found = [
        replace(fleet.result(fleet.SPF, Domain(name), Outcome.FAIL), severity=severity)
        for name, severity in zip(fleet.DOMAINS, Severity, strict=True)
    ]
    strict = commands("".join(annotations(fleet.remarks(found, gate=Gate(Severity.LOW)))))
    assert [name for name, _, _ in strict] == ["error"] * 4 + ["notice"]
    usual = commands("".join(annotations(fleet.remarks(found))))
    assert [name for name, _, _ in usual] == ["error"] * 3 + ["warning", "notice"]


def test_what_was_not_observed_is_a_warning() -> None:
    made = commands("".join(annotations(fleet.remarks(hostile.unseen("421 busy")))))
    assert [name for name, _, _ in made] == ["warning", "warning"]
    assert made[1][2].endswith("not observed: 421 busy (throttled)")


def test_what_passed_is_not_annotated_and_what_is_waived_stands_in_the_log() -> None:
    kept = [r for r in fleet.results() if r.outcome in (Outcome.WAIVED, Outcome.PASS)]
    group, waived, end = annotations(fleet.remarks(kept))
    assert (group, end) == ("::group::1 waived failure\n", "::endgroup::\n")
    assert waived.startswith("waived: inventory/domains.yaml:31: dmarc-published (high): leaving")


def test_worst_are_shown_and_the_rest_is_in_the_log() -> None:
    found = [
        fleet.failed(fleet.SPF, Domain(f"d{n}.example"), f"says {n}", "dns.mx", "", "x")
        for n in range(25)
    ]
    found.append(fleet.failed(fleet.RELAY, fleet.MX2, "relays", "smtp.rcpt", "", "250"))
    text = "".join(annotations(fleet.remarks(found)))
    counts = Counter(name for name, _, _ in commands(text))
    assert counts == {"error": SHOWN, "group": 1, "endgroup": 1}
    assert text.startswith("::error file=inventory/hosts.yaml,line=11,col=1,title=relay-refused")
    assert text.count("error: mailproof.yaml:1: spf-published (high): d") == 16


def test_what_a_change_introduces_comes_first() -> None:
    old = replace(fleet.results()[0], change="left")
    new = replace(fleet.results()[2], change="introduced")
    text = "".join(annotations(fleet.remarks([old, new])))
    assert text.index("dmarc-published") < text.index("relay-refused")


def test_where_new_failures_alone_count_the_others_are_warnings() -> None:
    old = replace(fleet.results()[0], change="left")
    new = replace(fleet.results()[2], change="introduced")
    text = "".join(annotations(fleet.remarks([old, new], gate=Gate(new_alone=True))))
    assert [name for name, _, _ in commands(text)] == ["error", "warning"]


def test_server_can_give_the_runner_no_command() -> None:
    found = [hostile.result(), *hostile.unseen()]
    made = commands("".join(annotations(fleet.remarks(found))))
    assert [name for name, _, _ in made] == ["error", "warning", "warning"]
    for _, properties, data in made:
        assert set(properties) == {"file", "line", "col", "title"}
        assert data.replace("%0A", "").isprintable()
        assert "%0D" not in data


def test_line_of_the_log_is_no_command_either() -> None:
    found = [replace(hostile.result(), subject=Domain(f"d{n}.example")) for n in range(SHOWN + 2)]
    found.append(replace(hostile.result(), outcome=Outcome.WAIVED))
    made = commands("".join(annotations(fleet.remarks(found))))
    assert [name for name, _, _ in made] == ["error"] * SHOWN + ["group", "endgroup"] * 2


def test_summary_is_made_harmless() -> None:
    said = "one\n  ::add-mask::x\n##[group]y\nfe80::1 stays"
    assert commands(harmless(said)) == []
    assert harmless(said).endswith("fe80::1 stays")
    assert len(harmless(said).splitlines()) == 4
