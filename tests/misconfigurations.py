"""Configurations of mail programs in tests/data/mta, one file for each program, as cases.

A file names where its program's configuration begins (`place`), its files (`paths`, by a short
name) and a `sound` text of each. A case of `wrong` or `right` is the sound one with changes in the
first file: `replace` one text by another, leave out lines that begin with a word of `without`, put
`extra` at the end. Under the short name of a file it may give another text of it, or `null` where
it is not there, and more files by their paths under `files`. `fails` names every audit that fails,
with the place of its first evidence, `none` for a built-in value; nothing else may fail. `open`
names those that can't be decided. `row` is the number of the misconfiguration, or of the correct
configuration, that it stands for; `version` is the program's, `roles` are its host's.

Another program is one more file, named for it as `audits.facts.mta.Mta` does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from audits.catalog import load
from audits.collect.configured import READERS
from audits.evaluate.result import Result
from audits.facts.fact import Fact, Silence
from audits.facts.mta import Mta, MtaListeners, MtaPrograms, TrustedNetworks
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.subject import MailHost, Role
from tests.build import judge, roles

DATA = Path(__file__).parent / "data/mta"
HOST = MailHost("mx1.example.net")
ROLES = (Role.MX, Role.MSA, Role.RELAY)

# A host that sends without DANE and MTA-STS is not misconfigured: that audit is about more.
AUDITS = [
    audit
    for audit in load().values()
    if audit.facts() & {MtaListeners, MtaPrograms, TrustedNetworks}
    and audit.id != "outbound-tls-authenticated"
]


@dataclass(frozen=True)
class Case:
    """A configuration. texts: its files by path, the one that `extra` is for first.

    fails: audits with the place of their first evidence, `none` without one.
    """

    mta: Mta
    row: int
    name: str
    place: str
    texts: dict[str, str]
    version: str | None
    roles: tuple[Role, ...]
    fails: dict[str, str]
    open: frozenset[str]

    def __str__(self) -> str:
        return f"{self.mta}-{self.row}-{self.name}"

    def text(self, name: str) -> str:
        """The file of that name, without its folder."""
        (found,) = (text for path, text in self.texts.items() if Path(path).name == name)
        return found

    def reading(self) -> Reading:
        tree = {
            path: ConfigText(_shown(path, self.place), text) for path, text in self.texts.items()
        }
        found = READERS[self.mta](ConfigTree(tree), self.place, self.version)
        assert not isinstance(found, Silence), found
        return found

    def results(self) -> dict[str, Result]:
        """What each audit of configurations says of it."""
        found = self.reading()
        facts: tuple[Fact, ...] = (
            roles(HOST.name, *self.roles),
            MtaPrograms(HOST, (found.program,)),
            MtaListeners(HOST, found.listeners),
            TrustedNetworks(HOST, found.networks, found.networks_open),
        )
        return {audit.id: judge(audit, HOST, *facts) for audit in AUDITS}


def cases(part: str, *mtas: Mta) -> list[Case]:
    """The cases `wrong` or `right` of these programs; of all that there are without any."""
    wanted = mtas or tuple(mta for mta in Mta if (DATA / f"{mta}.yaml").exists())
    return [case for mta in wanted for case in _of(mta, part)]


def _of(mta: Mta, part: str) -> list[Case]:
    document = YAML(typ="safe", pure=True).load(DATA / f"{mta}.yaml")
    return [_case(mta, document, raw) for raw in document[part]]


def _case(mta: Mta, document: dict[str, Any], raw: dict[str, Any]) -> Case:
    first, *_ = document["paths"]
    changed = {first: _changed(document["sound"][first], raw)}
    texts = {
        path: raw.get(name, changed.get(name, document["sound"][name]))
        for name, path in document["paths"].items()
        if name in document["sound"] or name in raw
    }
    if "extra" in raw:
        texts[document["paths"][first]] += raw["extra"]
    return Case(
        mta=mta,
        row=raw["row"],
        name=raw["name"],
        place=document["place"],
        texts={path: text for path, text in texts.items() if text is not None}
        | raw.get("files", {}),
        version=raw.get("version"),
        roles=tuple(map(Role, raw["roles"])) if "roles" in raw else ROLES,
        fails=dict(raw.get("fails", {})),
        open=frozenset(raw.get("open", ())),
    )


def _changed(text: str, raw: dict[str, Any]) -> str:
    for old, new in raw.get("replace", {}).items():
        assert old in text, f"{raw['name']}: {old!r} is not in the sound text"
        text = text.replace(old, new)
    without = tuple(raw.get("without", "").split())
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.split(" = ")[0] not in without)


def _shown(path: str, place: str) -> str:
    """A file of the program's own folder by its name, any other by its path."""
    folder = place if not Path(place).suffix else str(Path(place).parent)
    return path.removeprefix(f"{folder}/")
