"""The file of waivers: what it says, and how its mistakes are told."""

from datetime import date
from pathlib import Path

import pytest

from audits.errors import PolicyError
from audits.evaluate.waiver import Waiver
from audits.subject import Domain
from audits.waiver_file import read_waivers
from tests import build

pytestmark = pytest.mark.usefixtures("own_folder")

AUDITS = ("spf-published", "dmarc-published")
WAIVER = """\
- id: w1
  audit: spf-published
  scope: example.net
  reason: it moves
  risk: spoofing
  owner: platform team
  approved_by: head of security
  approved_on: 2026-11-01
  expires: 2027-02-28
  ticket: 42
"""


def waivers(text: str) -> tuple[Waiver, ...]:
    path = Path.cwd() / "waivers.yaml"
    path.write_text(text)
    return read_waivers(
        path,
        audits=AUDITS,
        domains=[build.domain("example.net", groups=("customers",))],
        hosts=[build.host("mx1.example.net")],
    )


def waiver_problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        waivers(text)
    return str(raised.value).splitlines()


def test_waiver_is_read() -> None:
    (found,) = waivers(WAIVER)
    assert (found.id, found.audit, found.where) == ("w1", "spf-published", "waivers.yaml:1")
    assert (found.approved_on, found.expires) == (date(2026, 11, 1), date(2027, 2, 28))
    assert found.ticket == "42"
    assert found.scope.covers(Domain("example.net"), build.domain(), None)


def test_file_of_comments_holds_no_waiver() -> None:
    assert waivers("# none yet\n") == ()
    assert waivers("[]") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  approved_by: head of security\n", "", "1: [0]: key 'approved_by' is missing: found id"),
        ("  expires: 2027-02-28\n", "", "1: [0]: key 'expires' is missing: found id, audit, scope"),
        ("head of security", "''", "7: [0].approved_by: found '', expected text"),
        ("approved_by:", "aproved_by:", "7: [0]: found key 'aproved_by', expected one of id, au"),
        ("head of security", "Platform Team", "7: [0].approved_by: found the owner"),
        ("spf-published", "spf-publishd", "2: [0].audit: found 'spf-publishd', expected an audit "
         "that exists; did you mean 'spf-published'?"),
        ("example.net", "example.nt", "3: [0].scope: found 'example.nt', which names nothing in "
         "the inventory, expected a domain, host, group or role of it; did you mean 'example.net'"),
        ("example.net", "role:boss", "3: [0].scope: selector 'role:boss': expected a role of mx"),
        ("2027-02-28", "28.2.2027", "9: [0].expires: found '28.2.2027', expected a date such as"),
        ("2027-02-28", "2027-02-29", "9: [0].expires: found '2027-02-29', expected a date such"),
        ("2027-02-28", "20270228", "9: [0].expires: found 20270228, expected a date such as"),
        ("2027-02-28", "2027-11-02", "9: [0].expires: found 2027-11-02, expected a day from the "
         "approval on 2026-11-01 to 365 days after it"),
        ("2027-02-28", "2026-10-31", "9: [0].expires: found 2026-10-31, expected a day from the"),
    ],
)  # fmt: skip
def test_mistake_in_a_waiver_is_told(old: str, new: str, message: str) -> None:
    assert waiver_problems(WAIVER.replace(old, new))[0].startswith(f"waivers.yaml:{message}")


def test_waiver_may_last_a_year_from_its_approval() -> None:
    (found,) = waivers(WAIVER.replace("2027-02-28", "2027-11-01"))
    assert (found.expires - found.approved_on).days == 365


def test_duplicate_waiver_is_told_with_both_lines() -> None:
    assert waiver_problems(WAIVER + WAIVER) == [
        "waivers.yaml:11: [1].id: found 'w1' again, expected it once; it stands at line 1 already"
    ]


def test_mistakes_of_all_waivers_are_told_at_once() -> None:
    second = WAIVER.replace("w1", "w2").replace("spf-published", "nothing")
    found = waiver_problems(WAIVER.replace("  risk: spoofing\n", "") + second)
    assert [line.split(": ")[0] for line in found] == ["waivers.yaml:1", "waivers.yaml:11"]


def test_waivers_are_a_list() -> None:
    assert waiver_problems("id: w1") == [
        "waivers.yaml:1: found no list, expected a list of waivers"
    ]


def test_unreadable_waivers_are_told() -> None:
    with pytest.raises(PolicyError, match=r"^none\.yaml: can't be read: No such file"):
        read_waivers(Path.cwd() / "none.yaml", audits=AUDITS, domains=[], hosts=[])
