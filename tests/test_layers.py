"""The layers of the package: who may import whom, and what pure code may not touch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "audits"

# layer -> the layers that it may import, itself included
ALLOWED = {
    "errors": set(),
    "resources": set(),
    "subject": set(),
    "settings": {"subject"},
    "facts": {"facts", "errors", "subject"},
    "selector": {"facts", "errors", "subject"},
    "parse": {"parse", "facts", "errors", "subject"},
    "collect": {"collect", "parse", "facts", "errors", "subject", "settings"},
    "evaluate": {"evaluate", "facts", "selector", "errors", "subject"},
    "catalog": {"catalog", "evaluate", "facts", "parse", "subject"},
    "report": {"report", "evaluate", "facts", "errors", "subject"},
    "document": {"parse", "errors"},
    "secret": {"errors"},
    "inventory": {"document", "facts", "parse", "errors", "subject", "settings"},
    "fleet": {"inventory", "document", "facts", "parse", "selector", "errors", "subject"},
    "nornir_inventory": {"fleet", "inventory"},
    "config": {
        "document",
        "parse",
        "evaluate",
        "selector",
        "errors",
        "subject",
        "settings",
        "facts",
        "resources",
    },
    "policy_file": {
        "document",
        "parse",
        "evaluate",
        "selector",
        "errors",
        "settings",
        "resources",
    },
    "waiver_file": {"document", "parse", "facts", "evaluate", "selector", "errors", "settings"},
    "schema": {
        "inventory",
        "config",
        "policy_file",
        "waiver_file",
        "evaluate",
        "settings",
        "errors",
    },
    "evidence": {"evidence", "facts", "evaluate", "errors", "subject"},
    "demo": {"demo", "errors", "subject", "settings"},
    "cli": None,
}
PURE = {"subject", "settings", "selector", "facts", "parse", "evaluate", "catalog", "report"}
IMPURE_MODULES = (
    "socket", "ssl", "http", "httpx", "urllib.request", "subprocess", "paramiko", "nornir",
    "dns.resolver", "dns.query", "dns.asyncquery", "asyncio", "OpenSSL",
)  # fmt: skip
CLOCK_AND_FILES = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "open"}

FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_allows(path: Path) -> None:
    layer = layer_of(path)
    if layer == "__init__":
        return
    assert layer in ALLOWED, f"{layer} is in no layer: add it to the table, in its own commit"
    allowed = ALLOWED[layer]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "audits" and len(parts) > 1 and allowed is not None:
            known = parts[1] in ALLOWED or parts[1] == "__version__"
            assert not known or parts[1] in allowed | {layer}, f"{layer} imports {name}"
            assert parts[1] != "cli" or layer == "cli", "nobody sees cli"


@pytest.mark.parametrize(
    "path", [p for p in FILES if layer_of(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_pure_module_touches_no_network_file_or_clock(path: Path) -> None:
    for name in imports(path):
        assert not any(name == m or name.startswith(f"{m}.") for m in IMPURE_MODULES), name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in CLOCK_AND_FILES, f"{path.name} line {node.lineno} calls {name}()"


def test_audits_never_import_one_another() -> None:
    for path in (p for p in FILES if layer_of(p) == "catalog" and p.name != "__init__.py"):
        assert not [n for n in imports(path) if n.startswith("audits.catalog")], path


def test_print_and_exit_stand_only_in_cli() -> None:
    for path in (p for p in FILES if layer_of(p) != "cli"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "sys.exit", "exit"), path
