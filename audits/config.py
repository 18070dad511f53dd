"""The files that steer a run: `mailproof.yaml`, policies and waivers."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from audits.document import read_document
from audits.errors import ParseError, PolicyError, UsageError
from audits.evaluate.policy import Policy, Rule
from audits.evaluate.verdict import Severity
from audits.evaluate.waiver import MAX_DAYS, Waiver
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.parse.declared_name import declared_address, declared_endpoint
from audits.parse.located_yaml import Document, Key, decode, nearest
from audits.resources import folder
from audits.selector import Selection, read_selection, unmatched
from audits.settings import ResolverSettings, Settings, SshSettings

NAME = "mailproof.yaml"
Text = Annotated[str, Meta(pattern=r"\S", description="text")]


# --- mailproof.yaml -----------------------------------------------------------------------------


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


# --- policies -----------------------------------------------------------------------------------


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """An audit as a policy sets it; what is left out is as before.

    scope: a selector; without one it is set for every subject. enabled: false switches it off.
    """

    severity: Severity | None = None
    params: dict[str, Any] = field(default_factory=dict)
    scope: Text | None = None
    enabled: bool = True


Settable = bool | Literal["on", "off"] | Setting | tuple[Setting, ...] | None


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy: which audits are in force, how severe, with which parameters, for whom.

    extends: names of built-in policies, or paths from this file, applied before it. gate: the
    severity from which a failure makes the fleet not compliant. audits: by id; nothing after the
    colon puts an audit in force as it is, `off` puts it out of force.
    """

    id: Text
    title: Text
    version: int | Text = 1
    extends: tuple[Text, ...] = ()
    gate: Severity | None = None
    audits: dict[str, Settable] | None = None


def builtin_policies() -> tuple[str, ...]:
    """Names of the policies that come with mailproof, sorted."""
    return tuple(sorted(path.stem for path in folder("policies").glob("*.yaml")))


def read_policy(source: str, *, base: Path) -> Policy:
    """A policy by the name of a built-in one, or by its path from `base`, with all it extends.

    Each policy counts once, where it is first extended. Raises PolicyError with a line for every
    problem; whether its audits and parameters exist is for `evaluate.policy.check` to say.
    """
    read: dict[Path, PolicyFile] = {}
    rules: list[Rule] = []
    path = _policy_path(source, base, f"policy {source!r}")
    _collect(path, (), read, rules)
    file = read[path]
    gates = [extended.gate for extended in read.values() if extended.gate is not None]
    return Policy(
        name=file.id,
        version=str(file.version),
        title=file.title,
        gate=gates[-1] if gates else Severity.HIGH,
        sources=tuple(extended.id for extended in read.values()),
        rules=_layered(rules),
    )


def merge(policies: Sequence[Policy]) -> Policy:
    """One policy of several in order: later rules govern, and the last one's gate holds.

    A policy that several of them extend counts once, where it comes first.
    """
    if len(policies) == 1:
        return policies[0]
    rules: list[Rule] = []
    for policy in policies:
        rules += [rule for rule in policy.rules if rule not in rules]
    return Policy(
        name="+".join(policy.name for policy in policies),
        version="+".join(policy.version for policy in policies),
        title=", ".join(policy.title for policy in policies),
        gate=policies[-1].gate,
        sources=tuple(dict.fromkeys(source for policy in policies for source in policy.sources)),
        rules=_layered(rules),
    )


def _layered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each rule with what it leaves unsaid taken from the last one before it without a scope."""
    before: dict[str, Rule] = {}
    found: list[Rule] = []
    for rule in rules:
        below = before.get(rule.audit)
        if below is not None and below.enabled and rule.enabled:
            rule = msgspec.structs.replace(
                rule,
                severity=rule.severity or below.severity,
                params=below.params | rule.params,
            )
        if rule.scope is None:
            before[rule.audit] = rule
        found.append(rule)
    return tuple(found)


def _policy_path(source: str, base: Path, where: str) -> Path:
    if "/" in source or source.endswith((".yaml", ".yml")):
        return (base / source).resolve()
    known = builtin_policies()
    if source not in known:
        raise PolicyError(
            f"{where}: found {source!r}, expected a path, or one of {', '.join(known)}"
            f"{nearest(source, known)}"
        )
    return folder("policies") / f"{source}.yaml"


def _collect(
    path: Path, above: tuple[Path, ...], read: dict[Path, PolicyFile], rules: list[Rule]
) -> None:
    """Appends the rules of the policy at `path`, after those of all that it extends."""
    document = _policy_document(path)
    try:
        file: PolicyFile = decode(document, PolicyFile)
    except ParseError as error:
        raise PolicyError(str(error)) from error
    for place, source in enumerate(file.extends):
        where = f"{document.where(('extends', place))}: extends[{place}]"
        extended = _policy_path(source, path.parent, where)
        if extended in (*above, path):
            circle = " > ".join(p.name for p in (*above, path, extended))
            raise PolicyError(f"{where}: found the circle {circle}, expected none")
        if extended not in read:
            _collect(extended, (*above, path), read, rules)
    read[path] = file
    rules += _rules(document, file)


def _policy_document(path: Path) -> Document:
    document = read_document(path, PolicyError)
    if path.parent == folder("policies"):
        # Where mailproof is installed is no part of what a rule is.
        return Document(f"policies/{path.name}", document.root)
    return document


def _rules(document: Document, file: PolicyFile) -> list[Rule]:
    problems: list[str] = []
    rules: list[Rule] = []
    for audit, value in (file.audits or {}).items():
        path: tuple[Key, ...] = ("audits", audit)
        match value:
            case None | bool() | str():
                on = value not in (False, "off")
                rules.append(Rule(audit, on, None, {}, None, document.where(path)))
            case Setting():
                rules.append(_rule(document, audit, value, path, problems))
            case _:
                rules += [
                    _rule(document, audit, setting, (*path, place), problems)
                    for place, setting in enumerate(value)
                ]
    if problems:
        raise PolicyError("\n".join(problems))
    return rules


def _rule(
    document: Document, audit: str, setting: Setting, path: tuple[Key, ...], problems: list[str]
) -> Rule:
    scope = _selection(document, setting.scope, (*path, "scope"), problems)
    params: dict[str, Any] = msgspec.to_builtins(setting.params)
    where = document.where(path)
    return Rule(audit, setting.enabled, setting.severity, params, scope, where)


def _selection(
    document: Document, text: str | None, path: tuple[Key, ...], problems: list[str]
) -> Selection | None:
    if text is None:
        return None
    try:
        return read_selection(text)
    except UsageError as error:
        problems.append(document.problem(path, str(error)))
        return None


# --- waivers ------------------------------------------------------------------------------------


class WaiverEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A failure that somebody accepts. scope: a selector. expires: the last day, in UTC.

    owner: who answers for the risk; approved_by: somebody else.
    """

    id: Text
    audit: Text
    scope: Text
    reason: Text
    risk: Text
    owner: Text
    approved_by: Text
    approved_on: date
    expires: date
    ticket: int | Text | None = None


def read_waivers(
    path: Path,
    *,
    audits: Collection[str],
    domains: Iterable[DeclaredDomain],
    hosts: Iterable[DeclaredHost],
    max_days: int = MAX_DAYS,
) -> tuple[Waiver, ...]:
    """The waivers in a file, which is a list of them.

    audits: the ids that exist; domains, hosts: the whole inventory, for scopes that name nobody.
    Raises PolicyError with a line for every problem.
    """
    document = read_document(path, PolicyError)
    if document.root is None:
        return ()
    if not isinstance(document.root, list):
        raise PolicyError(f"{document.where()}: found no list, expected a list of waivers")
    known = (tuple(sorted(audits)), tuple(domains), tuple(hosts))
    problems: list[str] = []
    first: dict[str, int] = {}
    waivers: list[Waiver] = []
    for place in range(len(document.root)):
        try:
            entry: WaiverEntry = decode(document, WaiverEntry, at=(place,))
        except ParseError as error:
            problems.append(str(error))
            continue
        before = first.setdefault(entry.id, place)
        if before != place:
            message = f"found {entry.id!r} again, expected it once; it stands at line "
            message += f"{document.line((before, 'id'))} already"
            problems.append(document.problem((place, "id"), message))
        waiver = _waiver(document, place, entry, problems)
        if waiver is not None:
            problems += _strangers(document, place, waiver, *known)
            problems += _wrong_days(document, place, waiver, max_days)
            waivers.append(waiver)
    if problems:
        raise PolicyError("\n".join(problems))
    return tuple(waivers)


def _waiver(
    document: Document, place: int, entry: WaiverEntry, problems: list[str]
) -> Waiver | None:
    scope = _selection(document, entry.scope, (place, "scope"), problems)
    if scope is None:
        return None
    return Waiver(
        id=entry.id,
        audit=entry.audit,
        scope=scope,
        reason=entry.reason,
        risk=entry.risk,
        owner=entry.owner,
        approved_by=entry.approved_by,
        approved_on=entry.approved_on,
        expires=entry.expires,
        ticket=None if entry.ticket is None else str(entry.ticket),
        where=document.where((place,)),
    )


def _strangers(
    document: Document,
    place: int,
    waiver: Waiver,
    audits: Sequence[str],
    domains: Sequence[DeclaredDomain],
    hosts: Sequence[DeclaredHost],
) -> Iterable[str]:
    """What the waiver speaks of and does not exist; and an owner who approves the own risk."""
    if waiver.audit not in audits:
        message = f"found {waiver.audit!r}, expected an audit that exists"
        yield document.problem((place, "audit"), message + nearest(waiver.audit, audits))
    subjects = [str(declared.subject) for declared in (*domains, *hosts)]
    for selector in unmatched(waiver.scope, domains, hosts):
        message = f"found {selector.text!r}, which names nothing in the inventory, expected a "
        message += f"domain, host, group or role of it{nearest(selector.pattern, subjects)}"
        yield document.problem((place, "scope"), message)
    if waiver.approved_by.casefold() == waiver.owner.casefold():
        message = f"found the owner, {waiver.owner!r}, expected somebody else"
        yield document.problem((place, "approved_by"), message)


def _wrong_days(document: Document, place: int, waiver: Waiver, max_days: int) -> Iterable[str]:
    days = (waiver.expires - waiver.approved_on).days
    if not 0 <= days <= max_days:
        message = f"found {waiver.expires.isoformat()}, expected a day from the approval on "
        message += f"{waiver.approved_on.isoformat()} to {max_days} days after it"
        yield document.problem((place, "expires"), message)
