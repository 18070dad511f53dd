"""The configuration: `mailproof.yaml`, which steers a run."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from audits.document import read_document
from audits.errors import ParseError, UsageError
from audits.parse.declared_name import declared_address, declared_endpoint
from audits.parse.located_yaml import Document, Key, decode
from audits.settings import ResolverSettings, Settings, SshSettings, Text

NAME = "mailproof.yaml"


class PluginEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A Nornir inventory plugin for the hosts. folder: where domains.yaml is."""

    plugin: Text
    options: dict[str, Any] = field(default_factory=dict)
    folder: Text = "inventory"


class CandidateProgram(Struct, frozen=True, forbid_unknown_fields=True):
    """The folder or file of a program's configuration. version: of the program that will read it,
    as it prints it; defaults differ between versions.
    """

    path: Text
    version: Text | None = None


class CandidateHost(Struct, frozen=True, forbid_unknown_fields=True):
    """Files under review of one host: the folder or file of each program's configuration."""

    postfix: Text | CandidateProgram | None = None
    exim: Text | CandidateProgram | None = None
    dovecot: Text | CandidateProgram | None = None
    opensmtpd: Text | CandidateProgram | None = None
    sendmail: Text | CandidateProgram | None = None

    @property
    def programs(self) -> dict[str, CandidateProgram]:
        """Those that are named, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: CandidateProgram(said) if isinstance(said, str) else said
            for name, said in named.items()
            if said is not None
        }


class Candidate(Struct, frozen=True, forbid_unknown_fields=True):
    """Files under review, to be judged in place of what is live.

    zones: file by origin: a zone file, or one of octoDNS where it ends in `.yaml`.
    """

    zones: dict[str, Text] = field(default_factory=dict)
    hosts: dict[str, CandidateHost] = field(default_factory=dict)


class ConfigFile(Settings, frozen=True, forbid_unknown_fields=True):
    """The configuration. Paths are relative to its folder; every key may be left out.

    policies: names of built-in ones, or paths; merged in order.
    """

    inventory: Text | PluginEntry = "inventory"
    policies: Annotated[tuple[Text, ...], Meta(min_length=1, description="a list of policies")] = (
        "baseline",
    )
    waivers: Text | None = None
    candidate: Candidate = Candidate()
    runs: Text = "runs"


class Config(Struct, frozen=True):
    """What `mailproof.yaml` says, with its paths made absolute.

    path: None where there is no such file and all is default. root: what paths are relative to.
    inventory: the folder; plugin, options: where a Nornir plugin gives the hosts instead.
    policies: as written, for `read_policy` with `root`.
    """

    path: Path | None
    root: Path
    settings: Settings
    inventory: Path
    plugin: str | None
    options: dict[str, Any]
    policies: tuple[str, ...]
    waivers: Path | None
    candidate: Candidate
    runs: Path


def find_config(start: Path) -> Path | None:
    """The nearest `mailproof.yaml` from a folder upwards."""
    for place in (start.resolve(), *start.resolve().parents):
        if (place / NAME).is_file():
            return place / NAME
    return None


def read_config(path: Path | None, *, start: Path) -> Config:
    """The configuration in a file; without a file, all defaults, with `start` as the root.

    Raises UsageError with a line for every problem.
    """
    if path is None:
        return _config(ConfigFile(), None, start.resolve())
    document = read_document(path, UsageError)
    if document.root is None:
        return _config(ConfigFile(), path, path.resolve().parent)
    try:
        file: ConfigFile = decode(document, ConfigFile)
    except ParseError as error:
        raise UsageError(str(error)) from error
    root = path.resolve().parent
    problems = [
        *_wrong_addresses(document, file),
        *_same_resolver(document, file.resolver),
        *_missing_ca(document, file, root),
    ]
    if problems:
        raise UsageError("\n".join(problems))
    return _config(file, path, root)


def _wrong_addresses(document: Document, file: ConfigFile) -> Iterable[str]:
    texts: list[tuple[tuple[Key, ...], Callable[[str], str], str]] = []
    second = file.resolver.second
    places: list[tuple[tuple[Key, ...], tuple[str, ...]]] = [
        (("resolver", "addresses"), file.resolver.addresses),
        (("resolver", "second", "addresses"), second.addresses if second else ()),
        (("vantage", "addresses"), file.vantage.addresses),
    ]
    for place, addresses in places:
        texts += [((*place, i), declared_address, a) for i, a in enumerate(addresses)]
    for source, target in file.redirect.items():
        texts += [(("redirect", source), declared_endpoint, end) for end in (source, target)]
    for path, read, text in texts:
        try:
            read(text)
        except ParseError as error:
            yield document.problem(path, str(error))


def _same_resolver(document: Document, resolver: ResolverSettings) -> Iterable[str]:
    second = resolver.second
    if second is None or second.port != resolver.port:
        return
    for place, address in enumerate(second.addresses):
        if address in resolver.addresses:
            message = f"found {address!r} again, expected a resolver that is not the first one"
            yield document.problem(("resolver", "second", "addresses", place), message)


def _missing_ca(document: Document, file: ConfigFile, root: Path) -> Iterable[str]:
    ca_file = file.trust.ca_file
    if ca_file is not None and not (root / ca_file).is_file():
        message = f"found {ca_file!r}, which is no file, expected the path of a PEM file"
        yield document.problem(("trust", "ca_file"), message)


def _config(file: ConfigFile, path: Path | None, root: Path) -> Config:
    trust = file.trust
    if trust.ca_file is not None:
        trust = msgspec.structs.replace(trust, ca_file=str(root / trust.ca_file))
    as_written = {name: getattr(file, name) for name in Settings.__struct_fields__}
    absolute = {
        "resolver": _resolver(file.resolver),
        "trust": trust,
        "ssh": _ssh(file.ssh, root),
        "vantage": msgspec.structs.replace(
            file.vantage, addresses=tuple(map(declared_address, file.vantage.addresses))
        ),
        "redirect": {
            declared_endpoint(source): declared_endpoint(target)
            for source, target in file.redirect.items()
        },
    }
    settings = Settings(**(as_written | absolute))
    plugin = file.inventory if isinstance(file.inventory, PluginEntry) else None
    inventory = plugin.folder if plugin else file.inventory
    assert isinstance(inventory, str)
    return Config(
        path=path,
        root=root,
        settings=settings,
        inventory=root / inventory,
        plugin=plugin.plugin if plugin else None,
        options=msgspec.to_builtins(plugin.options) if plugin else {},
        policies=file.policies,
        waivers=root / file.waivers if file.waivers else None,
        candidate=file.candidate,
        runs=root / file.runs,
    )


def _ssh(written: SshSettings | None, root: Path) -> SshSettings | None:
    """The same with absolute paths, and hosts by the names that the fleet has them under."""
    if written is None:
        return None
    return msgspec.structs.replace(
        written,
        known_hosts=str(root / Path(written.known_hosts).expanduser()),
        key=None if written.key is None else str(root / Path(written.key).expanduser()),
        fingerprints={name.lower(): shown for name, shown in written.fingerprints.items()},
    )


def _resolver(written: ResolverSettings) -> ResolverSettings:
    """The same with all addresses in their one form."""
    second = written.second
    if second is not None:
        addresses = tuple(map(declared_address, second.addresses))
        second = msgspec.structs.replace(second, addresses=addresses)
    addresses = tuple(map(declared_address, written.addresses))
    return msgspec.structs.replace(written, addresses=addresses, second=second)
