"""master.cf: services and their overrides."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.postfix.master_cf import parse_master_cf


def test_overrides_are_read_in_every_form() -> None:
    (service,) = parse_master_cf(
        "587 inet n - n - - smtpd\n -o a=$y -ob=1 -v\n"
        "# comment\n -o { c = d e } -o {f=2}\n -o a=last\n",
        "master.cf",
    )
    assert (service.name, service.type, service.command) == ("587", "inet", "smtpd")
    assert {o.name: (o.value, o.place.line) for o in service.overrides} == {
        "a": ("last", 5),
        "b": ("1", 2),
        "c": ("d e", 4),
        "f": ("2", 4),
    }
    assert service.arguments == ("-v",)
    assert service.problems == ()


def test_override_with_blanks_sets_nothing_and_is_told() -> None:
    (service,) = parse_master_cf(
        "587 inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable = yes\n", "master.cf"
    )
    assert service.override("smtpd_sasl_auth_enable") is None
    (problem,) = service.problems
    assert problem.fatal
    assert (str(problem.place), problem.place.column) == ("master.cf:2", 6)


def test_last_of_two_services_with_one_name_and_type_counts() -> None:
    text = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nsmtp inet n - y - 1 postscreen\n"
    services = parse_master_cf(text, "master.cf")
    assert [(service.type, service.command) for service in services] == [
        ("unix", "smtp"),
        ("inet", "postscreen"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smtp inet n - y\n", r"master\.cf:1:16: found 'smtp inet n - y', expected the columns"),
        ("smtp tcp n - y - - smtpd\n", r"master\.cf:1:6: found the type 'tcp', expected one of"),
        ("smtp inet n - y - - smtpd -o { a = b\n", r"master\.cf:1:30: .*expected `}`"),
        ("smtp inet n - y - - smtpd\n -o { a = b\n", r"master\.cf:2:5: .*expected `}`"),
    ],
)
def test_line_that_is_no_service_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_master_cf(text, "master.cf")


@given(st.text(alphabet="smtp inet-o={} \n#ny8:$", max_size=120))
def test_any_text_is_services_or_a_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert all(service.command for service in parse_master_cf(text, "master.cf"))
