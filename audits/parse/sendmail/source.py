"""What sendmail.mc declares: options, features, daemons and who may relay."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine, Problem
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.sendmail.macro import Call, calls

_DEEPEST = 20
_MOST_FILES = 200

# What cf/feature holds: an unknown name stops m4.
FEATURES = frozenset(
    {
        "accept_unqualified_senders",
        "accept_unresolvable_domains",
        "access_db",
        "allmasquerade",
        "always_add_domain",
        "authinfo",
        "badmx",
        "bcc",
        "bestmx_is_local",
        "bitdomain",
        "blacklist_recipients",
        "block_bad_helo",
        "blocklist_recipients",
        "check_other",
        "compat_check",
        "conncontrol",
        "delay_checks",
        "dnsbl",
        "domaintable",
        "enhdnsbl",
        "generics_entire_domain",
        "genericstable",
        "greet_pause",
        "ldap_routing",
        "limited_masquerade",
        "local_lmtp",
        "local_no_masquerade",
        "local_procmail",
        "lookupdotdomain",
        "loose_relay_check",
        "mailertable",
        "masquerade_entire_domain",
        "masquerade_envelope",
        "msp",
        "mtamark",
        "no_default_msa",
        "nocanonify",
        "nodns",
        "nopercenthack",
        "notsticky",
        "nouucp",
        "nullclient",
        "prefixmod",
        "preserve_local_plus_detail",
        "preserve_luser_host",
        "promiscuous_relay",
        "queuegroup",
        "ratecontrol",
        "redirect",
        "relay_based_on_MX",
        "relay_entire_domain",
        "relay_hosts_only",
        "relay_local_from",
        "relay_mail_from",
        "require_rdns",
        "smrsh",
        "stickyhost",
        "sts",
        "tls_failures",
        "tls_session_features",
        "use_client_ptr",
        "use_ct_file",
        "use_cw_file",
        "uucpdomain",
        "virtuser_entire_domain",
        "virtusertable",
    }
)


@dataclass
class Source:
    """A whole sendmail.mc; of two definitions of one name the last one counts."""

    version: tuple[int, ...]
    place: Place
    options: dict[str, Call] = field(default_factory=dict)
    features: dict[str, Call] = field(default_factory=dict)
    daemons: list[Call] = field(default_factory=list)
    mechanisms: list[Call] = field(default_factory=list)
    relay_domains: list[Call] = field(default_factory=list)
    relay_files: list[Call] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def option(self, name: str) -> str:
        """The value of `define(`name', `value')`; empty where it is not defined."""
        call = self.options.get(name)
        return call.argument(1) if call else ""

    def words(self, name: str) -> list[str]:
        return self.option(name).replace(",", " ").split()

    def lines(self, *names: str) -> tuple[ConfigLine, ...]:
        """Where options are defined; built-in ones aside."""
        found = (self.options.get(name) for name in names)
        return tuple(call.line for call in found if call is not None)


def read_source(tree: ConfigTree, first: ConfigText, version: tuple[int, ...]) -> Source:
    """The file and what it includes."""
    source = Source(version, Place(first.shown, 1))
    _Reader(tree, source).read(first, ())
    return source


class _Reader:
    def __init__(self, tree: ConfigTree, source: Source) -> None:
        self._tree = tree
        self._source = source
        self._files = 0

    def read(self, text: ConfigText, including: tuple[str, ...]) -> None:
        self._files += 1
        for call in calls(text.text, text.shown):
            if isinstance(call, Problem):
                self._source.problems.append(call)
            elif call.name in ("include", "sinclude"):
                self._include(call, (*including, text.shown))
            else:
                self._call(call)

    def _include(self, call: Call, including: tuple[str, ...]) -> None:
        path = call.argument(0)
        if "${" in path or "/cf/m4/" in path or path.endswith("m4/cf.m4"):
            return  # Sendmail's own macros
        found = self._tree.read(path)
        if isinstance(found, Silence):
            self._source.unread.append(f"{path}: {found.detail}")
            return
        endless = self._files >= _MOST_FILES or len(including) >= _DEEPEST
        if endless or found.shown in including:
            self._wrong(call, f"found `{path}`, which is included without end", "another file")
            return
        self.read(found, including)

    def _call(self, call: Call) -> None:
        source, name = self._source, call.argument(0)
        source.calls.append(call)
        if call.name == "define":
            source.options[name] = call
        elif call.name == "undefine":
            source.options.pop(name, None)
        elif call.name == "FEATURE":
            source.features[name] = call
            if name not in FEATURES:
                near = get_close_matches(name, FEATURES, 1, 0.6)
                expected = f"`{near[0]}`" if near else "a feature that Sendmail has"
                self._wrong(call, f"Sendmail has no feature `{name}`", expected)
        elif call.name == "DAEMON_OPTIONS":
            source.daemons.append(call)
        elif call.name == "TRUST_AUTH_MECH":
            source.mechanisms.append(call)
        elif call.name == "RELAY_DOMAIN":
            source.relay_domains.append(call)
        elif call.name == "RELAY_DOMAIN_FILE":
            source.relay_files.append(call)
        elif call.name in ("ifdef", "ifelse"):
            words = f"{call.line.place}: what `{call.name}` decides is not followed"
            source.unread.append(words)

    def _wrong(self, call: Call, found: str, expected: str) -> None:
        problem = Problem("unknown", True, found, expected, call.line.place)
        self._source.problems.append(problem)


@dataclass(frozen=True)
class Daemon:
    """A `DAEMON_OPTIONS`: what stands after each name's first letter, and the modifiers.

    line: None for one that Sendmail has by itself.
    """

    name: str
    port: str
    address: str
    family: str
    modifiers: str
    line: ConfigLine | None


def daemons(source: Source) -> Iterator[Daemon]:
    """Where Sendmail listens: port 25 where nothing else is said, and the MSA on 587.

    The MSA is there without being asked for, and takes mail without login, unless
    FEATURE(`no_default_msa') leaves it out.
    """
    for call in source.daemons:
        yield _daemon(call)
    if not source.daemons:
        yield Daemon("MTA", "25", "", "", "", None)
    if "no_default_msa" not in source.features:
        yield Daemon("MSA", "587", "", "", "E", None)


def _daemon(call: Call) -> Daemon:
    # Only the first letter of a name counts, in either case.
    values: dict[str, str] = {}
    for part in ",".join(call.arguments).split(","):
        name, equals, value = part.strip().partition("=")
        if equals and name:
            values[name[0].upper()] = value.strip()
    return Daemon(
        values.get("N", "") or "daemon",
        values.get("P", "") or "25",
        values.get("A", ""),
        values.get("F", "").lower(),
        "".join(values.get("M", "").split()),
        call.line,
    )
