"""The pages below docs/audits are what the catalogue says; `make docs` writes them."""

from pathlib import Path

from audits.catalog import load
from audits.policy_file import read_policy
from audits.report.page import index, page

PAGES = Path(__file__).parent.parent / "docs" / "audits"


def test_every_audit_has_its_page_as_generated() -> None:
    baseline = read_policy("baseline", base=PAGES)
    audits = load()
    expected = {f"{a.id}.md": page(a, baseline, places=False) for a in audits.values()}
    expected["README.md"] = index(list(audits.values()))
    found = {path.name: path.read_text() for path in PAGES.iterdir()}
    assert found.keys() == expected.keys(), "run `make docs`"
    assert [name for name in expected if found[name] != expected[name]] == [], "run `make docs`"
