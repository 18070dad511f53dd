"""The documentation of an audit as blocks."""

from audits.report.prose import first_sentence, prose

TEXT = """\
Set `p=reject`, but
not at once.

- First `p=none`.
- Then
  more.

    _dmarc IN TXT "v=DMARC1"
      ; indented

Done.
"""


def test_paragraphs_items_and_code_become_blocks() -> None:
    forms = [(block.form, "".join(span.text for span in block.spans)) for block in prose(TEXT)]
    assert forms == [
        ("paragraph", "Set p=reject, but not at once."),
        ("item", "First p=none."),
        ("item", "Then more."),
        ("code", '_dmarc IN TXT "v=DMARC1"\n  ; indented'),
        ("paragraph", "Done."),
    ]


def test_backticks_mark_code_within_a_line() -> None:
    assert [span.code for span in prose(TEXT)[0].spans] == [False, True, False]


def test_fenced_code_keeps_its_lines() -> None:
    (block,) = prose("```\na\n\nb\n```")
    assert (block.form, block.spans[0].text) == ("code", "a\n\nb")


def test_hint_is_the_first_sentence_without_backticks() -> None:
    assert first_sentence(TEXT) == "Set p=reject, but not at once."
