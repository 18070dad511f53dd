"""Zone files of a repository, in place of what the DNS says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.declared import DeclaredDomain
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.https import MtaStsPolicy
from audits.facts.snapshot import Snapshot
from audits.facts.zone import ZoneFile
from audits.parse.config_tree import ConfigText
from audits.parse.dns_message import Response
from audits.parse.octodns import read_octodns
from audits.parse.zone import Outside, Zone, ZoneSet
from audits.parse.zone_file import read_zone_file
from audits.subject import Domain, Subject

# More than any zone has: a path that leads elsewhere must not fill the memory.
_MOST_OCTETS = 64 * 1024 * 1024


def read_zones(files: Mapping[str, Path], base: Path) -> ZoneSet:
    """The zones in those files, by origin. base: the folder from which messages name files.

    `$INCLUDE` reads files below `base` alone.
    """
    return ZoneSet(_read(origin, path, base.resolve()) for origin, path in files.items())


def _read(origin: str, path: Path, base: Path) -> Zone:
    text = _text(path, base)
    if isinstance(text, Silence):
        return Zone(origin, _shown(path, base), whole=text)
    if path.suffix in (".yaml", ".yml"):
        return read_octodns(text, origin)
    return read_zone_file(text, origin, lambda beside, name: _included(beside, name, base))


def _included(beside: str, name: str, base: Path) -> ConfigText | Silence:
    """A file as `$INCLUDE` names it: from the file that does, or from the top."""
    tried = [base / Path(beside).parent / name, base / name]
    for path in tried:
        if path.resolve().is_relative_to(base) and path.is_file():
            return _text(path, base)
    if not tried[0].resolve().is_relative_to(base):
        return Silence(Reason.NOT_COLLECTED, "found a path out of the repository")
    return Silence(Reason.NOT_COLLECTED, "found no such file")


def _text(path: Path, base: Path) -> ConfigText | Silence:
    shown = _shown(path, base)
    if _leads_out(path, base):
        return Silence(Reason.DENIED, f"{path.name} is a link that leads out of the repository")
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except OSError as error:
        return Silence(Reason.UNREADABLE, f"{shown}: {error.strerror}")
    if len(octets) > _MOST_OCTETS:
        return Silence(Reason.UNREADABLE, f"{shown} has over {_MOST_OCTETS} octets")
    return ConfigText(shown, octets.decode("utf-8", "backslashreplace").removeprefix("\ufeff"))


def _leads_out(path: Path, base: Path) -> bool:
    """A change must not have others' files read and quoted, by a link or one on the way."""
    here = [part for part in (path, *path.parents) if part != base and part.is_relative_to(base)]
    return any(map(Path.is_symlink, here)) and not path.resolve().is_relative_to(base)


def _shown(path: Path, base: Path) -> str:
    path = path.resolve()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


# No top-level domain is all digits (RFC 3696 section 2): an address in place of a name is nowhere.
_NO_SUCH_NAME = Response(
    rcode="NXDOMAIN",
    authenticated=False,
    extended_errors=(),
    alias_chain=(),
    rdatas=(),
    ends_in_alias=False,
    ttl_s=3600,
)


class ReviewedZones:
    """Answers a resolver's questions from the zones under review.

    alone: whatever is in none of them is silent; otherwise it is left to the servers.
    """

    def __init__(self, zones: ZoneSet, *, alone: bool) -> None:
        self._zones = zones
        self.alone = alone

    def answer(self, name: str, rdtype: str) -> Response | Silence | None:
        """What the zones say; None where the servers are to be asked."""
        found = self._zones.answer(name, rdtype)
        if not isinstance(found, Outside):
            return found
        if not self.alone:
            return None
        if name.rpartition(".")[2].isdecimal():
            return _NO_SUCH_NAME
        return Silence(Reason.NOT_UNDER_REVIEW, found.why)


class ZoneFiles:
    """The zone file that a domain is in, with what is wrong with it."""

    name: ClassVar[str] = "zone-files"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({ZoneFile})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, origin: Origin, zones: ZoneSet, outside: Reason) -> None:
        """outside: the reason for which nothing is said of a domain in no zone."""
        self._origin = origin
        self._zones = zones
        self._outside = outside

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        found = self._file(subject)
        return [observation(ZoneFile, subject, found, self._origin.live(self.name))]

    def _file(self, domain: Domain) -> ZoneFile | Silence:
        zone = self._zones.zone_of(domain.name)
        if zone is None:
            return Silence(self._outside, f"{domain} is in no zone under review")
        if zone.whole is not None and not zone.problems:
            return zone.whole
        problems = tuple(zone.problems)
        return ZoneFile(domain, zone.origin, zone.file, len(zone.entries), problems)


class PolicyHost:
    """Whether there is a host that an MTA-STS policy could be fetched from; it is not asked."""

    name: ClassVar[str] = "mta-sts-host"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({MtaStsPolicy})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MtaStsTxt})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        found = await self._policy(subject, seen.get(MtaStsTxt, subject))
        return [observation(MtaStsPolicy, subject, found, self._origin.live(self.name))]

    async def _policy(
        self, domain: Domain, announced: Observed[MtaStsTxt] | Unobserved | None
    ) -> MtaStsPolicy | Silence:
        if isinstance(announced, Unobserved):
            return Silence(announced.reason, announced.detail)
        if announced is None or not announced.fact.records:
            return Silence(Reason.ABSENT, f"no MTA-STS record at _mta-sts.{domain}")
        host = f"mta-sts.{domain}"
        absent = False
        for rdtype in ("A", "AAAA"):
            reply = await self._resolver.ask(host, rdtype)
            if not isinstance(reply, Reply):
                return reply
            if reply.rdatas:
                words = f"{host} serves the policy, and is not asked for it"
                return Silence(Reason.NOT_UNDER_REVIEW, words)
            absent = reply.answer.rcode == "NXDOMAIN"
        return _no_policy(domain, f"{host} {'does not exist' if absent else 'has no address'}")


def _no_policy(domain: Domain, failure: str) -> MtaStsPolicy:
    return MtaStsPolicy(
        subject=domain,
        url=f"https://mta-sts.{domain}/.well-known/mta-sts.txt",
        address=None,
        failure=failure,
        status=None,
        location=None,
        content_type=None,
        body="",
        body_bytes=0,
        truncated=False,
        version=None,
        mode=None,
        mx=(),
        max_age_s=None,
        malformed=None,
    )
