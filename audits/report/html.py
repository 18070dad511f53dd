"""The HTML report: one file without scripts or outside resources, from the templates."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from audits.report.view import ReportView

_CHUNK = 64


def html_chunks(
    view: ReportView,
    shipped: Path,
    own: Path | None = None,
    compiled: BytecodeCache | None = None,
) -> Iterator[str]:
    """The report in pieces, to be written one after the other.

    `shipped` is the folder of the templates that come with mailproof. Templates in `own` stand in
    front of them; they then all run in a sandbox. compiled: has those that come with mailproof from
    an earlier run.
    """
    environment = _environment(shipped, own, compiled)
    style = environment.get_template("report.css.j2").render(view=view)
    stream = environment.get_template("report.html.j2").stream(
        view=view,
        # The style holds numbers and strings that css_string has made safe, nothing else.
        style=Markup(style),
        style_hash=_sha256(style),
    )
    stream.enable_buffering(_CHUNK)
    return iter(stream)


def render_html(view: ReportView, shipped: Path, own: Path | None = None) -> str:
    """The whole report as one string."""
    return "".join(html_chunks(view, shipped, own))


def css_string(text: str) -> Markup:
    """A quoted CSS string (CSS Syntax Module Level 3 section 4.3.5) that can't end its element."""
    safe = "".join(
        c if c.isascii() and (c.isalnum() or c in " .,:-") else f"\\{ord(c):x} " for c in text
    )
    return Markup(f'"{safe}"')


def _environment(shipped: Path, own: Path | None, compiled: BytecodeCache | None) -> Environment:
    # Every template is one of HTML, whatever its name ends in: escaping is never off.
    kind = Environment if own is None else ImmutableSandboxedEnvironment
    folders = [shipped] if own is None else [own, shipped]
    environment = kind(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        # For a sandbox the same templates are compiled to other code.
        bytecode_cache=compiled if own is None else None,
    )
    environment.filters["css_string"] = css_string
    return environment


def _sha256(style: str) -> str:
    """The source expression of Content Security Policy Level 3 section 2.3.1 for this style."""
    digest = hashlib.sha256(style.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
