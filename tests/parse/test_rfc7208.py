"""The test suite that is kept for RFC 7208; its licence: tests/data/rfc7208-tests.LICENSE."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.parse.spf_eval import answered, check_host
from tests.parse.spf_zone import TIMEOUT, Zone

SUITE = Path(__file__).parent.parent / "data" / "rfc7208-tests.yml"
# The suite says DEFAULT where a domain's own explanation does not apply.
DEFAULT = "DEFAULT"


def scenarios() -> Iterator[tuple[str, Mapping[str, Any], Zone]]:
    for document in YAML(typ="safe").load_all(SUITE):
        zone = {name: records(entries) for name, entries in document["zonedata"].items()}
        for name, case in document["tests"].items():
            yield name, case, Zone(zone)


def records(entries: Sequence[Any]) -> dict[str, list[str] | str]:
    """One name of the suite's zone data: what is of type SPF is also TXT, unless TXT is given."""
    found: dict[str, list[str] | str] = {}
    for entry in entries:
        if entry == TIMEOUT:
            found[TIMEOUT] = TIMEOUT
            continue
        for rdtype, value in entry.items():
            if value == TIMEOUT:
                found[rdtype] = TIMEOUT
            elif value != "NONE":
                values = found.setdefault(rdtype, [])
                assert isinstance(values, list)
                values.append(text(rdtype, value))
    given = any("TXT" in entry for entry in entries if entry != TIMEOUT)
    return found if given or "SPF" not in found else found | {"TXT": found["SPF"]}


def text(rdtype: str, value: Any) -> str:
    if rdtype == "MX":
        return str(value[1]).removesuffix(".")
    if rdtype in ("TXT", "SPF"):
        return "".join([value] if isinstance(value, str) else value)
    return str(value).removesuffix(".")


CASES = list(scenarios())


def test_rfc7208_suite_is_whole() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize(("case", "zone"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rfc7208_case(case: Mapping[str, Any], zone: Zone) -> None:
    asking = check_host(case["host"], case["mailfrom"] or "", case["helo"])
    check = answered(asking, zone.answer)
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert check.result in allowed, check.why
    if "explanation" in case:
        assert (check.explanation or DEFAULT) == case["explanation"]
