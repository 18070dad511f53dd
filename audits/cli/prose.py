"""Docstrings as `--help` shows them: running text that follows the terminal's width."""

import inspect


def flowing(text: str) -> str:
    """The text with one line a paragraph; indented paragraphs keep their lines and stand close.

    Typer's rich markup keeps the line ends of everything but the first paragraph, so that help
    would be ragged in a terminal narrower than the source.
    """
    flowed: list[str] = []
    before_indented = False
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        indented = paragraph.startswith(" ")
        if flowed:
            flowed.append("\n" if indented and before_indented else "\n\n")
        flowed.append(paragraph if indented else " ".join(paragraph.splitlines()))
        before_indented = indented
    return "".join(flowed)
