"""The JSON Schemas, held against the files that are shipped and against mistakes."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from audits.errors import UsageError
from audits.evaluate.result import encode_result
from audits.facts.dns import MxSet
from audits.parse.located_yaml import parse_yaml
from audits.resources import folder
from audits.schema import NAMES, schema
from tests import build

SHIPPED = [
    *((name, f"inventory/{name}.yaml") for name in ("hosts", "groups", "defaults", "domains")),
    *(("inventory", f"inventory/{name}.yaml") for name in ("hosts", "groups", "domains")),
    ("policy", "policies/core-safety.yaml"),
    ("policy", "policies/baseline.yaml"),
    ("config", "templates/init/mailproof.yaml"),
    ("policy", "templates/init/ours.yaml"),
    ("waivers", "templates/init/waivers.yaml"),
]


def load(text: str) -> Any:
    return msgspec.to_builtins(parse_yaml(text, "f.yaml").root)


def uncommented(text: str) -> str:
    """The template with its examples switched on: the lines whose `#` stands before YAML."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("# - "))
    return "\n".join(line.removeprefix("# ") for line in lines[first:])


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_one(name: str) -> None:
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["title"] == f"mailproof {name}"


@pytest.mark.parametrize(("name", "path"), SHIPPED)
def test_shipped_file_follows_its_schema(name: str, path: str) -> None:
    kind, _, rest = path.partition("/")
    text = (folder(kind) / rest).read_text(encoding="utf-8")
    jsonschema.validate(load(text), schema(name))


def test_waiver_of_the_template_follows_the_schema() -> None:
    text = (folder("templates") / "init/waivers.yaml").read_text(encoding="utf-8")
    waivers = load(uncommented(text))
    assert len(waivers) == 1
    jsonschema.validate(waivers, schema("waivers"))


def test_result_follows_its_schema() -> None:
    from audits.catalog.mx.null_stands_alone import evaluate as audit

    declared = build.domain()
    found = (build.mx((0, "."), (10, "mx1.example.net")), build.mx((10, "mx1.example.net")))
    for seen in (*found, build.silent(MxSet, declared.subject, build.Reason.SERVFAIL)):
        line = encode_result(build.judge(audit, declared.subject, declared, seen))
        jsonschema.validate(msgspec.json.decode(line), schema("results"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("domains", "example.net: {sends: true, recieves: true}"),
        ("domains", "example.net: {sends: yes, receives: true}"),
        ("hosts", "mx1.example.net: {data: {mail: {roles: [mxx]}}}"),
        ("hosts", "mx1.example.net: {password: hunter2}"),
        ("inventory", "- mx1.example.net"),
        ("policy", "{id: ours, title: Ours, audits: {x: {severity: grave}}}"),
        ("waivers", "- {id: x, audit: y}"),
        ("config", "limits: {connect_s: -1}"),
    ],
)
def test_mistake_does_not_follow_the_schema(name: str, text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load(text), schema(name))


def test_descriptions_are_not_indented() -> None:
    described = schema("policy")["$defs"]["PolicyFile"]["description"]
    assert "\n    " not in described
    assert described.startswith("A policy: which audits are in force")


def test_unknown_schema_is_told() -> None:
    with pytest.raises(UsageError, match="found 'polcy', expected one of inventory, hosts"):
        schema("polcy")


def test_shipped_folders_are_those_of_the_checkout() -> None:
    assert folder("inventory") == Path(__file__).parent.parent / "inventory"
