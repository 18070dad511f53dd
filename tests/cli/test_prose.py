"""Docstrings as `--help` shows them."""

from audits.cli.prose import flowing


def test_running_text_has_one_line_a_paragraph() -> None:
    assert flowing("A line\nand another.\n\nNext.") == "A line and another.\n\nNext."


def test_indented_examples_keep_their_lines_and_stand_close() -> None:
    text = "Examples:\n\n  one    first\n\n  two    second\n  three  third\n\nEnd."
    close = "  one    first\n  two    second\n  three  third"
    assert flowing(text) == f"Examples:\n\n{close}\n\nEnd."
