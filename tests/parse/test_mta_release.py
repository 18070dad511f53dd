"""Where releases of mail programs stand, by the table and its date."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.mta import Mta
from audits.parse.mta_release import AS_OF, BRANCHES, PACKAGED, Standing, standing, version_of

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.7.11", (3, 7, 11)),
        ("2.3.19.1 (9b53102964)", (2, 3, 19, 1)),
        ("6.8.0p2", (6, 8, 0)),
        ("4.96-15+deb12u7", (4, 96)),
        ("8.17.1.9", (8, 17, 1, 9)),
        ("next", ()),
        ("", ()),
    ],
)
def test_numbers_of_a_version_are_read(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version


def test_branches_of_each_program_are_in_order() -> None:
    for branches in BRANCHES.values():
        assert list(branches) == sorted(branches, key=lambda branch: branch.branch)
        assert all(each.least[: len(each.branch)] == each.branch for each in branches)
    assert PACKAGED.keys() == BRANCHES.keys() == set(Mta)


def test_release_of_a_distribution_counts_until_that_one_leaves_it() -> None:
    packaged = PACKAGED[Mta.POSTFIX][0]
    text = ".".join(map(str, packaged.release)) + ".1"
    assert standing(Mta.POSTFIX, text, packaged.until).kind == "packaged"
    after = date(packaged.until.year + 1, 1, 1)
    assert standing(Mta.POSTFIX, text, after).kind == "outdated"


def test_numbers_that_are_left_out_count_as_zero() -> None:
    assert standing(Mta.OPENSMTPD, "7.8", TODAY).kind == "supported"
    assert standing(Mta.OPENSMTPD, "7.8.0", TODAY).kind == "supported"
    assert standing(Mta.POSTFIX, "3.11", TODAY).kind == "outdated"


def test_branch_that_nobody_says_is_mended_stays_open() -> None:
    assert standing(Mta.DOVECOT, "2.3.21.1 (d492236fa0)", TODAY).kind == "unsaid"
    assert standing(Mta.DOVECOT, "2.3.20", TODAY).kind == "outdated"


@pytest.mark.parametrize("version", ["3.11.2", "3.12.0"])
def test_table_vouches_for_nothing_that_it_could_not_know(version: str) -> None:
    assert standing(Mta.POSTFIX, version, TODAY).kind == "supported"
    assert standing(Mta.POSTFIX, version, AS_OF + timedelta(days=366)).kind == "unsaid"


def test_what_is_no_version_is_told() -> None:
    assert standing(Mta.EXIM, "unknown", TODAY).kind == "unreadable"


@given(st.sampled_from(Mta), st.text(max_size=30))
def test_any_text_has_a_standing(mta: Mta, text: str) -> None:
    assert isinstance(standing(mta, text, TODAY), Standing)
