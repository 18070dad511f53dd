"""Comma-separated values, read back by a reader of them."""

import csv
from io import StringIO

import pytest

from audits.report.remark import Remarks
from audits.report.table import COLUMNS, cell, table
from tests.report import fleet, hostile
from tests.report.golden import golden


def rows(remarks: Remarks) -> list[dict[str, str]]:
    text = "".join(table(remarks))
    return list(csv.DictReader(StringIO(text, newline=""), strict=True))


def test_file_is_the_golden_one() -> None:
    made = "".join(table(fleet.remarks())).encode()
    assert made == golden("results.csv", made)


def test_every_result_is_a_row_worst_first() -> None:
    made = rows(fleet.remarks())
    assert len(made) == len(fleet.results())
    assert set(made[0]) == set(COLUMNS)
    assert (made[0]["outcome"], made[0]["severity"], made[0]["port"]) == ("fail", "critical", "587")


def test_lines_end_as_rfc_4180_says_and_all_is_quoted() -> None:
    for line in table(fleet.remarks()):
        assert line.startswith('"')
        assert line.endswith('"\r\n')
        assert "\n" not in line[:-2]


@pytest.mark.parametrize("formula", hostile.FORMULAS)
def test_formula_is_text(formula: str) -> None:
    assert cell(formula) == f"'{formula}"


@pytest.mark.parametrize("said", [*hostile.FORMULAS, hostile.SAID])
def test_server_can_not_make_a_spreadsheet_calculate(said: str) -> None:
    for row in rows(fleet.remarks([hostile.result(said), *hostile.unseen(said)])):
        for value in row.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))
            assert value.isprintable()
