"""`summary.json`."""

import json
import os
from pathlib import Path

from audits.report.data import encode_summary, summary
from tests.report import fleet

GOLDEN = Path(__file__).parent.parent / "golden" / "summary.json"


def test_summary_is_the_golden_one() -> None:
    written = encode_summary(fleet.whole())
    if os.environ.get("MAILPROOF_GOLDEN") == "write":
        GOLDEN.write_bytes(written)
    assert written == GOLDEN.read_bytes()


def test_failures_are_counted_before_and_after_waivers() -> None:
    made = summary(fleet.whole())
    assert made["failures"]["high"] == {"before_waivers": 4, "after_waivers": 3}
    assert made["outcomes"]["fail"] == 4
    assert made["verdict"] == "not-compliant"


def test_summary_is_plain_json() -> None:
    made = json.loads(encode_summary(fleet.whole()))
    assert made["schema"] == "mailproof/summary/v1"
    assert made["coverage"]["hosts"]["declared"] == 4
    assert {w["id"]: w["standing"] for w in made["waivers"]}["old-certificate"] == "lapsed"
