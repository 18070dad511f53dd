"""The HTML report: its bytes, and that nothing in it can act or reach out."""

import base64
import hashlib
import os
import re
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from audits.report.html import css_string, html_chunks, render_html
from audits.report.view import view
from audits.resources import folder
from tests.report import fleet

GOLDEN = Path(__file__).parent.parent / "golden" / "report.html"
TEMPLATES = folder("templates")
HOSTILE = (
    "<script>alert(1)</script> \x1b[2J\x1b]0;owned\x07 \u202egnp.exe \u200b"
    '"><img src=x onerror=alert(2)> {{ 7*7 }} ' + "A" * 5000
)
VOID = {"meta", "link", "br", "hr", "img", "input", "use", "path", "line", "circle"}


class Reader(HTMLParser):
    """Collects elements, ids and text, and checks that elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.style = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.elements if attribute in attrs]


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(fleet.whole(), TEMPLATES)


@pytest.fixture(scope="module")
def hostile() -> str:
    results = [
        fleet.failed(
            fleet.GREETING, fleet.MX1, f"greets with {HOSTILE}", "smtp.greeting", "/reply",
            HOSTILE, fleet.Step.GREETING,
        ),
        *fleet.results(),
    ]  # fmt: skip
    waivers = [replace(fleet.WAIVERS[0], reason=HOSTILE, id=HOSTILE)]
    run = replace(fleet.RUN, fleet=f"</style>{HOSTILE}", command=HOSTILE)
    made = view(run, results, fleet.snapshot(HOSTILE), fleet.POLICY, fleet.AUDITS, waivers)
    return render_html(made, TEMPLATES)


def test_report_is_the_golden_one(html: str) -> None:
    if os.environ.get("MAILPROOF_GOLDEN") == "write":
        GOLDEN.write_text(html)
    assert html == GOLDEN.read_text()


def test_elements_are_closed_in_order(html: str, hostile: str) -> None:
    assert Reader(html).open == []
    assert Reader(hostile).open == []


def test_nothing_runs_and_nothing_is_loaded(html: str, hostile: str) -> None:
    for text in (html, hostile):
        read = Reader(text)
        assert not {tag for tag, _ in read.elements} & {
            "script", "link", "img", "iframe", "object", "embed", "form", "base",
        }  # fmt: skip
        names = {name for _, attrs in read.elements for name in attrs}
        assert not [n for n in names if n.startswith("on") or n in ("src", "srcset", "style")]
        assert "url(" not in read.style
        assert "@import" not in read.style


def test_links_lead_into_the_report_or_to_an_rfc(html: str, hostile: str) -> None:
    for text in (html, hostile):
        read = Reader(text)
        ids = read.values("id")
        assert len(ids) == len(set(ids)), "an id stands twice"
        for href in read.values("href"):
            if href.startswith("#"):
                assert href.removeprefix("#") in ids, href
            else:
                assert re.fullmatch(r"https://www\.rfc-editor\.org/rfc/rfc\d+(#[\w.-]+)?", href)


def test_policy_of_the_page_admits_its_one_style_only(html: str, hostile: str) -> None:
    for text in (html, hostile):
        read = Reader(text)
        digest = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
        (policy,) = [a["content"] for t, a in read.elements if a.get("http-equiv")]
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert sum(tag == "style" for tag, _ in read.elements) == 1


def test_hostile_text_is_escaped_visible_and_cut(hostile: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\x1b[2J\\x1b]0;owned\\x07" in hostile
    assert "\\u202egnp.exe \\u200b" in hostile
    assert "{{ 7*7 }}" in hostile
    assert "more characters)" in hostile
    assert "A" * 1000 not in hostile.replace(HOSTILE, "")
    assert not [c for c in hostile if not (c.isprintable() or c == "\n")]


def test_style_can_not_be_ended_by_a_name() -> None:
    assert css_string('</style>"\\') == '"\\3c \\2f style\\3e \\22 \\5c "'


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_of_text_have_the_contrast_of_wcag_aa(html: str, scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", Reader(html).style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    outcomes = ("pass", "fail", "unknown", "waived", "error")
    pairs = [(o, ground) for o in outcomes for ground in ("paper", f"{o}-tint")]
    pairs += [(text, ground) for text in ("ink", "muted", "link") for ground in ("paper", "panel")]
    pairs += [("muted", f"{o}-tint") for o in outcomes] + [("none", "paper"), ("on-fail", "fail")]
    for text, ground in pairs:
        dark, light = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_figure_has_a_text_alternative(html: str) -> None:
    read = Reader(html)
    ids = set(read.values("id"))
    figures = [attrs for tag, attrs in read.elements if tag == "svg" and "role" in attrs]
    assert figures
    for attrs in figures:
        assert attrs["role"] == "img"
        assert set(str(attrs["aria-labelledby"]).split()) <= ids


def test_templates_of_the_fleet_stand_in_front_and_in_a_sandbox(tmp_path: Path) -> None:
    partials = tmp_path / "partials"
    partials.mkdir()
    (partials / "scope.html.j2").write_text("<p>Ours: {{ view.run.fleet }}</p>")
    assert "<p>Ours: example fleet</p>" in render_html(fleet.whole(), TEMPLATES, tmp_path)
    (partials / "scope.html.j2").write_text("{{ view.__class__.__mro__ }}")
    with pytest.raises(Exception, match="unsafe"):
        render_html(fleet.whole(), TEMPLATES, tmp_path)


def test_two_thousand_domains_stay_within_bounds() -> None:
    made = fleet.large(2000)
    assert sum(len(chunk.encode()) for chunk in html_chunks(made, TEMPLATES)) < 10_000_000


def test_report_is_written_piece_by_piece() -> None:
    made = fleet.large(300)
    tracemalloc.start()
    size = sum(len(chunk.encode()) for chunk in html_chunks(made, TEMPLATES))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 1_000_000
    assert peak < 4_000_000


def test_domains_without_a_sheet_share_the_figure_of_their_way() -> None:
    made = fleet.large(200)
    (group,) = made.shared_ways
    with_sheet = {sheet.name for sheet in made.domain_sheets}
    assert len(group.names) == 20
    assert with_sheet.isdisjoint(group.names)
    assert [way.label for way in group.paths] == [
        f"10 {fleet.MX1.host}, {fleet.MX1.address}",
        f"20 {fleet.MX2.host}, {fleet.MX2.address}",
    ]
    text = "".join(html_chunks(made, TEMPLATES))
    assert "Ways into domains with nothing to report" in text
    assert all(name in text for name in group.names)


def test_break_on_the_way_into_a_domain_is_explained() -> None:
    ways = [way for sheet in fleet.whole().domain_sheets for way in sheet.paths]
    explained = [way.explained for way in ways if way.explained]
    assert explained
    assert all(not way.explained for way in ways if way.whole)
