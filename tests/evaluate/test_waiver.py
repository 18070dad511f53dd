"""When a waiver is in force, and whom it is meant for."""

from datetime import UTC, date, datetime

import pytest

from audits.evaluate.waiver import Waiver
from audits.selector import read_selection
from audits.subject import Service
from tests import build


def waiver(scope: str = "group:customers") -> Waiver:
    return Waiver(
        id="w1",
        audit="spf-published",
        scope=read_selection(scope),
        reason="it moves",
        risk="spoofing",
        owner="platform team",
        approved_by="head of security",
        approved_on=date(2026, 11, 1),
        expires=date(2026, 11, 23),
        ticket=None,
        where="waivers.yaml:1",
    )


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 1, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 24, tzinfo=UTC), False),
    ],
)
def test_first_and_last_day_are_covered(instant: datetime, expected: bool) -> None:
    assert waiver().covers_on(instant) is expected


def test_waiver_is_meant_for_its_audit_and_scope_only() -> None:
    customer = build.domain("a.example", groups=("customers",))
    other = build.domain("b.example")
    assert waiver().meant_for("spf-published", customer.subject, customer, None)
    assert not waiver().meant_for("spf-published", other.subject, other, None)
    assert not waiver().meant_for("dmarc-published", customer.subject, customer, None)


def test_waiver_can_name_one_service() -> None:
    host = build.host()
    on_587 = waiver("mx1.example.net:587")
    assert on_587.meant_for("spf-published", Service(host.subject.name, "", 587), None, host)
    assert not on_587.meant_for("spf-published", Service(host.subject.name, "", 25), None, host)
