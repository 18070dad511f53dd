"""Facts as trees: SPF records and the DMARC walk, cut where they are too large."""

from io import StringIO

from rich.console import Console

from audits.catalog import load
from audits.evaluate.engine import evaluate
from audits.evaluate.result import Result
from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.dns import DmarcStep, DmarcWalk, SpfNode, SpfTree
from audits.facts.fact import Fact, Reason, Silence
from audits.facts.snapshot import Snapshot
from audits.facts.spf import SpfEvaluation
from audits.parse.dmarc import dmarc_records, organizational_domain
from audits.parse.spf import spf_records
from audits.parse.spf_eval import answered, check_host
from audits.parse.spf_trace import Question, Records
from audits.parse.spf_tree import own_record
from audits.report.explained import explained
from audits.report.html import render_html
from audits.report.tree import Tree, trees_behind, trees_of
from audits.report.view import view
from audits.resources import folder
from audits.subject import Domain, MailHost
from tests.build import answer, domain, policy, roles, snapshot
from tests.catalog.wire import MX, certificate, chain
from tests.report.fleet import RUN

D = Domain("example.net")
AUDITS = load()


def node(name: str, *texts: str, path: tuple[str, ...] = ()) -> SpfNode:
    return SpfNode(name, path, answer(name), spf_records(texts), None)


def spf(*nodes: SpfNode) -> SpfTree:
    return SpfTree(D, nodes)


def lines(tree: Tree, depth: int = 0) -> list[str]:
    below = [line for child in tree.children for line in lines(child, depth + 1)]
    return [f"{'  ' * depth}{tree.label} | {tree.note}", *below]


def drawn(fact: Fact) -> list[str]:
    (tree,) = trees_of(fact, snapshot())
    return lines(tree)


def walk(*steps: tuple[str, tuple[str, ...]]) -> DmarcWalk:
    made = [DmarcStep(answer(name), texts, dmarc_records(texts)) for name, texts in steps]
    return DmarcWalk(D, tuple(made), organizational_domain(D.name, made))


def judged(audit: str, *facts: SpfTree | DmarcWalk) -> tuple[Result, Snapshot]:
    seen = snapshot(domain(), *facts)
    (result,) = evaluate(seen, policy([AUDITS[audit]]), AUDITS)
    return result, seen


def test_included_record_stands_below_the_term_that_includes_it() -> None:
    tree = spf(
        node("example.net", "v=spf1 include:a.example ip4:192.0.2.1 -all"),
        node("a.example", "v=spf1 include:b.example ~all", path=("include:a.example",)),
        node("b.example", path=("include:a.example", "include:b.example")),
    )
    assert drawn(tree) == [
        "SPF of example.net | v=spf1 include:a.example ip4:192.0.2.1 -all",
        "  include:a.example | v=spf1 include:b.example ~all",
        "    include:b.example | no SPF record at b.example, NOERROR",
        "    ~all | ",
        "  ip4:192.0.2.1 | ",
        "  -all | ",
    ]


def test_what_is_not_followed_says_why() -> None:
    silence = Silence(Reason.DNS_TIMEOUT, "no answer from 192.0.2.53:53")
    tree = spf(
        node("example.net", "v=spf1 include:%{d}.a.example include:b.example redirect=example.net"),
        SpfNode("b.example", ("include:b.example",), None, (), silence),
    )
    assert drawn(tree)[1:] == [
        "  include:%{d}.a.example | depends on the message",
        "  include:b.example | not observed: no answer from 192.0.2.53:53",
        "  redirect=example.net | not followed any further",
    ]


def test_several_spf_records_stand_beside_each_other() -> None:
    tree = spf(node("example.net", "v=spf1 a -all", "v=spf1 mx -all"))
    assert own_record(tree) is None
    assert drawn(tree)[0] == "SPF of example.net | 2 records, of which none takes effect"


def test_dmarc_walk_says_which_record_governs() -> None:
    steps = walk(
        ("_dmarc.a.example.net", ("site=1", "v=DMARC1; p=none", "v=DMARC1; p=reject")),
        ("_dmarc.example.net", ("v=DMARC1; p=reject",)),
        ("_dmarc.net", ()),
    )
    assert drawn(steps)[1:] == [
        "  _dmarc.a.example.net | 2 records, all of them discarded",
        "    v=DMARC1; p=none | ",
        "    v=DMARC1; p=reject | ",
        "    site=1 | no DMARC record, ignored",
        "  _dmarc.example.net | governs",
        "    v=DMARC1; p=reject | ",
        "  _dmarc.net | no record, NOERROR",
    ]


def test_evaluation_is_drawn_step_by_step() -> None:
    zone = {
        "example.net": "v=spf1 ip4:192.0.2.8 ip4:192.0.2.9 include:a.example -all",
        "a.example": "v=spf1 mx ~all",
    }

    def answer_of(question: Question) -> Records:
        if question.rdtype == "TXT":
            return Records("NOERROR", (zone[question.name],))
        return Records("NXDOMAIN", ())

    check = answered(check_host("192.0.2.1", "a@example.net", "mx.example.net"), answer_of)
    assert drawn(SpfEvaluation(D, (check,), ())) == [
        f"SPF for 192.0.2.1 | {check.result}: {check.why}",
        f"  example.net: {zone['example.net']} | fail",
        "  ip4:192.0.2.8 and 1 more | no match",
        "  include:a.example | no match",
        "    a.example: v=spf1 mx ~all | softfail",
        "    mx | no match; MX a.example: NXDOMAIN (void); 2 look-ups so far",
        "    ~all | match",
        "  -all | match",
    ]


def test_tlsa_record_shows_the_certificate_that_it_is_of() -> None:
    fits = TlsaRecord(3, 1, 1, certificate().spki_sha256, None)
    other = TlsaRecord(2, 0, 1, "ef" * 32, None)
    name = "_25._tcp.mx1.example.net"
    tlsa = TlsaSet(
        MailHost("mx1.example.net"), name, (), answer(name, authenticated=True), (fits, other), None
    )
    leaf = certificate()
    seen = snapshot(roles(), chain(MX, leaf))
    (tree,) = trees_of(tlsa, seen)
    assert lines(tree) == [
        f"{name} | secure",
        f"  {fits.text} | ",
        f"    {MX} | certificate 0, {leaf.subject}",
        f"  {other.text} | of no certificate that is served",
    ]


def test_large_tree_is_cut_and_says_so() -> None:
    text = f"v=spf1 {' '.join(f'ip4:192.0.2.{n}' for n in range(200))} -all"
    found = drawn(spf(node("example.net", text)))
    assert len(found) == 151
    assert found[-1] == "  ... | 52 more lines"


def test_tree_behind_a_result_is_drawn_for_a_terminal_without_its_control_characters() -> None:
    fact = spf(node("example.net", "v=spf1 \x1b[31mred include:a.example\u202e -all"))
    result, seen = judged("spf-syntax-valid", fact)
    console = Console(file=StringIO(), width=200, force_terminal=False)
    console.print(explained(result, AUDITS[result.audit], {"n": 1}, seen))
    out = console.file
    assert isinstance(out, StringIO)
    shown = out.getvalue()
    assert "SPF of example.net" in shown
    assert "n = 1" in shown
    assert "\\x1b[31mred" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_report_holds_the_tree_inside_the_finding() -> None:
    fact = spf(
        node("example.net", "v=spf1 include:a.example <b>oops -all"),
        node("a.example", "v=spf1 ~all", path=("include:a.example",)),
    )
    result, seen = judged("spf-syntax-valid", fact)
    made = view(RUN, [result], seen, policy([AUDITS[result.audit]]), AUDITS)
    html = render_html(made, folder("templates"))
    inside = html[html.index('<details class="tree">') :]
    assert "<summary>SPF of example.net</summary>" in inside
    assert "<li><code>include:a.example</code>" in inside
    assert "<b>oops" not in html
    assert len(trees_behind(result, AUDITS[result.audit], seen)) == 1
