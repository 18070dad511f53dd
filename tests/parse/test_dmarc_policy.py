"""The policy that applies to mail of a domain."""

import pytest

from audits.parse.dmarc_policy import effective_policy, subdomain_policy
from tests.catalog.dmarc.walks import own, walk

RUA = "rua=mailto:r@example.net"


@pytest.mark.parametrize(
    ("record", "level"),
    [
        ("v=DMARC1; p=reject", "reject"),
        ("v=DMARC1; p=Quarantine", "quarantine"),
        ("v=DMARC1; p=none", "none"),
        ("v = DMARC1; p = reject", "reject"),
        ("v=DMARC1; p=reject; t=y", "quarantine"),
        ("v=DMARC1; p=quarantine; t=Y", "none"),
        ("v=DMARC1; p=none; t=y", "none"),
        ("v=DMARC1; p=reject; t=n", "reject"),
        ("v=DMARC1; p=reject; sp=none", "reject"),
        ("v=DMARC1; p=reject; pct=5", "reject"),
        (f"v=DMARC1; {RUA}", "none"),
        (f"v=DMARC1; p=block; {RUA}", "none"),
        (f"v=DMARC1; p=reject; sp=block; {RUA}", "none"),
        (f"v=DMARC1; p=reject; np=block; {RUA}", "none"),
        (f"v=DMARC1; {RUA}; p=reject; foo=bar", "reject"),
    ],
)
def test_level_of_an_own_record(record: str, level: str) -> None:
    effective = effective_policy(own(record))
    assert effective is not None
    assert effective.level == level


@pytest.mark.parametrize(
    "record",
    ["v=DMARC1", "v=DMARC1; p=block", "v=DMARC1; p=reject; sp=x", "v=DMARC1; p=x; rua=nobody"],
)
def test_record_without_policy_and_reports_applies_nothing(record: str) -> None:
    assert effective_policy(own(record)) is None


@pytest.mark.parametrize("texts", [(), ("v=dmarc1; p=reject",), ("v=DMARC1; p=none",) * 2])
def test_no_record_applies_nothing(texts: tuple[str, ...]) -> None:
    assert effective_policy(own(*texts)) is None


@pytest.mark.parametrize(
    ("above", "level"),
    [
        ("v=DMARC1; p=reject", "reject"),
        ("v=DMARC1; p=reject; sp=none", "none"),
        ("v=DMARC1; p=none; sp=reject", "reject"),
        ("v=DMARC1; p=none; sp=reject; t=y", "quarantine"),
    ],
)
def test_record_of_the_organizational_domain_gives_its_sp(above: str, level: str) -> None:
    effective = effective_policy(walk({"example.net": above}, "mail.example.net"))
    assert effective is not None
    assert (effective.level, effective.step) == (level, 1)


def test_organizational_domain_comes_before_a_nearer_parent() -> None:
    zone: dict[str, str | tuple[str, ...]] = {
        "b.example.net": "v=DMARC1; p=none",
        "example.net": "v=DMARC1; p=reject",
    }
    effective = effective_policy(walk(zone, "a.b.example.net"))
    assert effective is not None
    assert effective.level == "reject"


def test_public_suffix_governs_last() -> None:
    zone: dict[str, str | tuple[str, ...]] = {"net": "v=DMARC1; p=reject; sp=quarantine; psd=y"}
    effective = effective_policy(walk(zone))
    assert effective is not None
    assert effective.level == "quarantine"
    agency = effective_policy(walk(zone | {"example.net": "v=DMARC1; p=none"}, "a.example.net"))
    assert agency is not None
    assert agency.level == "none"


def test_several_records_at_the_domain_leave_that_of_the_parent() -> None:
    zone: dict[str, str | tuple[str, ...]] = {
        "mail.example.net": ("v=DMARC1; p=none", "v=DMARC1; p=none"),
        "example.net": "v=DMARC1; p=reject",
    }
    effective = effective_policy(walk(zone, "mail.example.net"))
    assert effective is not None
    assert effective.level == "reject"


@pytest.mark.parametrize(
    ("record", "existing", "missing"),
    [
        ("v=DMARC1; p=reject", "reject", "reject"),
        ("v=DMARC1; p=reject; sp=none", "none", "none"),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", "quarantine", "reject"),
        ("v=DMARC1; p=quarantine; np=none", "quarantine", "none"),
        ("v=DMARC1; p=reject; sp=reject; np=reject; t=y", "quarantine", "quarantine"),
        (f"v=DMARC1; sp=reject; {RUA}", "none", "none"),
    ],
)
def test_names_below_get_np_then_sp_then_p(record: str, existing: str, missing: str) -> None:
    walked = own(record)
    for exists, level in ((True, existing), (False, missing)):
        effective = subdomain_policy(walked, exists=exists)
        assert effective is not None
        assert (effective.level, effective.step) == (level, 0)


def test_name_that_does_not_exist_gets_np_from_above() -> None:
    walked = walk(
        {"example.net": "v=DMARC1; p=none; sp=quarantine; np=reject"}, "ghost.example.net"
    )
    ghost, there = effective_policy(walked, exists=False), effective_policy(walked)
    assert ghost is not None
    assert there is not None
    assert (ghost.level, there.level) == ("reject", "quarantine")


def test_names_below_get_the_organizational_domain_before_a_nearer_record() -> None:
    zone: dict[str, str | tuple[str, ...]] = {
        "mail.example.net": "v=DMARC1; p=reject; sp=reject",
        "example.net": "v=DMARC1; p=none",
    }
    below = subdomain_policy(walk(zone, "mail.example.net"))
    assert below is not None
    assert (below.level, below.step) == ("none", 1)
    zone["mail.example.net"] = "v=DMARC1; p=reject; psd=n"
    below = subdomain_policy(walk(zone, "mail.example.net"))
    assert below is not None
    assert (below.level, below.step) == ("reject", 0)


def test_names_below_a_public_suffix_get_its_sp() -> None:
    below = subdomain_policy(walk({"example.net": "v=DMARC1; p=none; sp=reject; psd=y"}))
    assert below is not None
    assert below.level == "reject"


def test_names_below_a_long_name_jump_over_it() -> None:
    name = "a.b.c.d.e.f.g.example.net"
    zone: dict[str, str | tuple[str, ...]] = {
        name: "v=DMARC1; p=reject",
        "example.net": "v=DMARC1; p=quarantine",
    }
    walked = walk(zone, name)
    below = subdomain_policy(walked)
    assert below is not None
    assert walked.steps[below.step].answer.name == "_dmarc.example.net"
    assert subdomain_policy(walk({name: "v=DMARC1; p=reject"}, name)) is None


def test_no_record_leaves_names_below_without_policy() -> None:
    assert subdomain_policy(own()) is None
    assert subdomain_policy(own("v=DMARC1; p=block")) is None
