"""The forms that a report is written in: what `--format` may name, and where each one goes."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, assert_never

import typer
from msgspec import Struct

from audits.errors import OutputError, UsageError
from audits.evidence.run_directory import REPORT, SUMMARY, RunDirectory
from audits.resources import folder

if TYPE_CHECKING:  # reports come late
    from audits.report.remark import Remarks
    from audits.report.view import ReportView


class Format(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    JSON = "json"
    TEXT = "text"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    CSV = "csv"


# Where `run` writes a form that no file is named for. What GitHub reads, it reads from the output.
_FILES: Final = {
    Format.HTML: REPORT,
    Format.JSON: SUMMARY,
    Format.TEXT: "report.txt",
    Format.SARIF: "report.sarif",
    Format.JUNIT: "junit.xml",
    Format.GITLAB: "code-quality.json",
    Format.MARKDOWN: "summary.md",
    Format.CSV: "results.csv",
}
# `run` writes these two in any case.
_ALWAYS: Final = (Format.HTML, Format.JSON)

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        help=f"Write this too: {', '.join(Format)}; may be repeated. Into the run's directory, or "
        "to FILE; `-` is standard output, where github goes by itself. Default: github on GitHub "
        "Actions, else none.",
        metavar="FORMAT[=FILE]",
        show_default=False,
    ),
]
SarifSuppressed = Annotated[
    bool,
    typer.Option(
        "--sarif-suppressed",
        help="Let SARIF have waived failures too, marked as suppressed: for an archive. GitHub "
        "would show them as open.",
    ),
]


class Wanted(Struct, frozen=True):
    """A form, and its file: None for its usual place, `-` for standard output."""

    form: Format
    file: str | None

    @property
    def kept(self) -> str | None:
        """The file of the run's directory that it becomes; None where it goes elsewhere."""
        return _FILES.get(self.form) if self.file is None else None


def wanted(texts: Sequence[str] | None) -> tuple[Wanted, ...]:
    """What the values of `--format` ask for. Raises UsageError."""
    return tuple(dict.fromkeys(map(_read, texts or ())))


def _read(text: str) -> Wanted:
    name, equals, file = text.partition("=")
    if name not in list(Format):
        raise UsageError(f"--format: found {name!r}, expected one of {', '.join(Format)}")
    if equals and not file:
        raise UsageError(f"--format: found {text!r}, expected a file behind the equals sign")
    return Wanted(Format(name), file or None)


def on_github() -> bool:
    """Whether a runner of GitHub Actions reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def by_itself(*, quiet: bool) -> tuple[Wanted, ...]:
    """What is written where the command line asks for no form."""
    return (Wanted(Format.GITHUB, None),) if on_github() and not quiet else ()


def written(
    form: Format,
    made: "ReportView",
    remarks: "Remarks",
    own: Path | None,
    *,
    suppressed: bool = False,
) -> Iterator[bytes]:
    """One form of a report, piece by piece. own: the fleet's own templates."""
    match form:
        case Format.HTML:
            from audits.cli.compiled import compiled_templates
            from audits.report.html import html_chunks

            compiled = compiled_templates()
            yield from _encoded(html_chunks(made, folder("templates"), own, compiled))
        case Format.JSON:
            from audits.report.data import encode_summary

            yield encode_summary(made)
        case Format.TEXT:
            from audits.report.text import plain_text

            yield plain_text(made).encode()
        case Format.GITHUB:
            from audits.report.github import annotations

            yield from _encoded(annotations(remarks))
        case Format.SARIF:
            from audits.report.sarif import sarif

            yield sarif(remarks, suppressed=suppressed)
        case Format.JUNIT:
            from audits.report.junit import junit

            yield junit(remarks)
        case Format.GITLAB:
            from audits.report.gitlab import code_quality

            yield code_quality(remarks)
        case Format.MARKDOWN:
            from audits.report.markdown import markdown

            yield markdown(made, remarks, folder("templates"), own).encode()
        case Format.CSV:
            from audits.report.table import table

            yield from _encoded(table(remarks))
        case _:
            assert_never(form)


def _encoded(chunks: Iterable[str]) -> Iterator[bytes]:
    # A lone surrogate can't come from `visible`; a template of somebody's own may still print one.
    return (chunk.encode("utf-8", "backslashreplace") for chunk in chunks)


def keep(
    run: RunDirectory,
    forms: Iterable[Wanted],
    made: "ReportView",
    remarks: "Remarks",
    own: Path | None,
    *,
    suppressed: bool,
) -> None:
    """Writes what belongs into the run's directory, before its manifest. Raises OutputError."""
    for each in forms:
        if each.kept is not None and each.form not in _ALWAYS:
            run.write(
                each.kept, written(each.form, made, remarks, own, suppressed=suppressed), end=b""
            )


def hand_out(
    forms: Iterable[Wanted],
    made: "ReportView",
    remarks: "Remarks",
    own: Path | None,
    *,
    suppressed: bool,
) -> None:
    """Writes what goes elsewhere: to files that were named, then to standard output.

    Who reads that may hang up, and the files must be there all the same.
    """
    for each in sorted(forms, key=lambda each: each.file in (None, "-")):
        if each.kept is None:
            chunks = written(each.form, made, remarks, own, suppressed=suppressed)
            put(chunks, None if each.file in (None, "-") else Path(each.file or ""))


def put(chunks: Iterable[bytes], file: Path | None) -> None:
    """Writes a whole file, or to standard output. Raises OutputError."""
    if file is None:
        _pour(chunks)
    elif file.exists() and not file.is_file():
        # A device or a pipe is written to; nothing takes its place.
        try:
            with file.open("wb") as device:
                device.writelines(chunks)
        except OSError as error:
            raise OutputError(f"{file}: can't be written: {error.strerror}") from error
    else:
        RunDirectory(file.parent).write(file.name, chunks, end=b"")


def _pour(chunks: Iterable[bytes]) -> None:
    sys.stdout.flush()
    out = getattr(sys.stdout, "buffer", None)
    for chunk in chunks:
        if out is not None:
            out.write(chunk)
        else:
            sys.stdout.write(chunk.decode())
    sys.stdout.flush()
