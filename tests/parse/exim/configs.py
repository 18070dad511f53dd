"""A sound Exim configuration, and its reading with something changed."""

from audits.facts.fact import Silence
from audits.facts.mta import ConfiguredListener, Mta, Question, Ruling
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.parse.exim.config import Config, parse_config
from audits.parse.exim.reading import read_exim
from audits.parse.exim.source import Source, read_source
from tests.misconfigurations import cases

PLACE = "/etc/exim4/exim4.conf"
(SOUND,) = (case.text("exim4.conf") for case in cases("right", Mta.EXIM) if case.name == "sound")


def tree_of(text: str, files: dict[str, str] | None = None) -> ConfigTree:
    texts = {PLACE: ConfigText("exim4.conf", text)}
    texts |= {path: ConfigText(path, other) for path, other in (files or {}).items()}
    return ConfigTree(texts)


def reading(
    replace: dict[str, str] | None = None,
    *,
    text: str = SOUND,
    files: dict[str, str] | None = None,
    version: str | None = "4.97.1",
) -> Reading:
    """The sound configuration with texts replaced, or another one."""
    for old, new in (replace or {}).items():
        assert old in text
        text = text.replace(old, new)
    found = read_exim(tree_of(text, files), PLACE, version)
    assert not isinstance(found, Silence)
    return found


def source(text: str, files: dict[str, str] | None = None) -> Source:
    return read_source(tree_of(text, files), PLACE, ConfigText("exim4.conf", text))


def config(text: str, files: dict[str, str] | None = None) -> Config:
    return parse_config(source(text, files))


def listener(found: Reading, port: int) -> ConfiguredListener:
    (only,) = [listener for listener in found.listeners if listener.port == port]
    return only


def ruled(found: Reading, port: int, question: Question) -> Ruling:
    ruling = listener(found, port).ruling(question)
    assert ruling is not None
    return ruling
