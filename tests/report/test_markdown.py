"""The Markdown summary, read back by a reader of CommonMark."""

from pathlib import Path

from markdown_it import MarkdownIt
from msgspec.structs import replace

from audits.evaluate.comparison import Comparison
from audits.evaluate.coverage import NotCovered
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Observed
from audits.facts.review import ReviewScope
from audits.facts.snapshot import Snapshot
from audits.report.markdown import code, markdown, plain
from audits.resources import folder
from audits.subject import Domain
from tests.report import fleet, hostile
from tests.report.golden import golden


def summary(
    found: list[Result] | None = None,
    comparison: Comparison | None = None,
    own: Path | None = None,
) -> str:
    remarks = fleet.remarks(found, comparison=comparison)
    seen = fleet.snapshot()
    gaps: list[NotCovered] = []
    if comparison is not None:
        kinds = ("dns.mx", "dns.spf")
        scope = ReviewScope(seen.vantage, False, kinds, (), ("mx1.example.net",), comparison.base)
        seen = Snapshot(seen.header, [*seen, Observed(scope, fleet.at(0))])
        gaps = [NotCovered("only a running server shows it", ("cert-in-validity",), 0, ())]
    made = fleet.whole(found=found, seen=seen, gaps=gaps, comparison=comparison)
    return markdown(made, remarks, folder("templates"), own)


def compared() -> tuple[list[Result], Comparison]:
    """A change that opens a relay, mends DMARC and leaves a certificate as it was."""
    relay, cert, dmarc, *rest = fleet.results()
    now = [
        replace(relay, change="introduced"),
        replace(cert, change="left"),
        replace(dmarc, outcome=Outcome.PASS, violations=()),
        *(r for r in rest if r.outcome is not Outcome.FAIL),
    ]
    return now, Comparison("a1b2c3d4e5f60718", (now[0],), (dmarc,), (now[1],), ())


def test_summary_is_the_golden_one() -> None:
    found, comparison = compared()
    made = summary(found, comparison).encode()
    assert made == golden("summary.md", made)


def test_change_is_told_before_what_was_there() -> None:
    text = summary(*compared())
    assert "### Introduced by this change (1)\n\n- **critical** `relay-refused` on " in text
    assert "<summary>There before, and still (1)</summary>" in text
    assert "### Mended (1)\n\n- `dmarc-published` on `filtered.example` passes now" in text
    assert "| high | 0 | 1 | 1 | 1 |" in text
    assert "Compared with `a1b2c3d4e5f6`:" in text


def test_what_files_can_not_show_stands_before_the_results() -> None:
    text = summary(*compared())
    said = "- 1 audit: `only a running server shows it` (`cert-in-validity`)"
    assert "Under review: 1 host." in text
    assert text.index("Not covered by these files") < text.index(said) < text.index("| failures |")


def test_without_a_base_there_are_findings_alone() -> None:
    text = summary()
    assert "### Findings (4)" in text
    assert "ntroduced" not in text
    assert "Mended" not in text
    assert "`inventory/hosts.yaml:11`" in text


def test_nothing_to_tell_is_short() -> None:
    passed = [fleet.result(fleet.SPF, Domain("example.net"), Outcome.PASS)]
    assert len(summary(passed).splitlines()) == 4


def test_long_lists_are_cut_and_counted() -> None:
    found = [
        fleet.failed(fleet.SPF, Domain(f"d{n}.example"), "x" * 5000, "dns.mx", "", "x")
        for n in range(200)
    ]
    text = summary(found)
    assert "- and 170 more\n" in text
    assert len(text) < 60_000


def test_server_can_not_mark_up_link_or_mention() -> None:
    text = summary([hostile.result(), *hostile.unseen()])
    reader = MarkdownIt("commonmark").enable("table")
    tokens = reader.parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inner} <= {
        "text", "code_inline", "strong_open", "strong_close", "softbreak", "text_special"
    }  # fmt: skip
    html = {token.content.strip() for token in tokens if token.type == "html_block"}
    assert all("script" not in block and "img" not in block for block in html)
    words = "".join(t.content for t in inner if t.type in ("text", "text_special"))
    assert "@everyone" not in words
    assert text.replace("\n", "").isprintable()


def test_code_span_holds_whatever_it_is_given() -> None:
    reader = MarkdownIt("commonmark")
    for said in ("a`b", "``", "`a", "a`", " a ", "a|b", "<b>", "\\", "[x](y)"):
        (token,) = reader.parseInline(code(said))[0].children or ()
        assert token.type == "code_inline"
        assert token.content.strip() == said.strip()


def test_word_of_our_own_reads_as_it_is_written() -> None:
    reader = MarkdownIt("commonmark")
    said = "a_b *c* <d> #1 (e) [f](g) `h` | ~all ! & @x: $"
    children = reader.parseInline(plain(said))[0].children or ()
    assert "".join(child.content for child in children) == said


def test_own_template_stands_in_front_and_can_forget_to_escape(tmp_path: Path) -> None:
    (tmp_path / "summary.md.j2").write_text("{{ summary.sections[0].remarks[0].sentence }}\n")
    text = summary([hostile.result("<script>x</script> [a](b)")], own=tmp_path)
    assert text == "`<script>x</script> [a](b)`\n"
