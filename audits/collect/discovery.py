"""From MX records and the inventory to the hosts and services of a run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from audits.collect.collector import Origin
from audits.facts.declared import DeclaredDomain, DeclaredHost, HostRoles
from audits.facts.dkim import DkimKeyOwners, KeyPlace, SharedKey
from audits.facts.dns import DkimKeys, DmarcWalk, HostAddresses, MtaStsTxt, MxSet
from audits.facts.fact import Observed, Silence, Unobserved
from audits.facts.https import MtaStsDomains, MtaStsPolicy
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import Egress, PortState
from audits.subject import Domain, MailHost, Role, Service

_SMTP = 25
_REACHED_AT_MOST = 3
_EXAMPLES_AT_MOST = 5


def mx_hosts(snapshot: Snapshot) -> dict[MailHost, list[str]]:
    """Every host that an observed MX set delivers to, with the domains that it serves, sorted.

    The address of a domain that is not to receive mail makes no MX host of it.
    """
    found: dict[MailHost, list[str]] = defaultdict(list)
    for mx in snapshot.facts(MxSet):
        declared = snapshot.fact(DeclaredDomain, mx.subject)
        if not mx.records and declared is not None and not declared.receives:
            continue
        for target in mx.targets:
            found[MailHost(target)].append(mx.subject.name)
    return dict(found)


def host_roles(
    snapshot: Snapshot,
    hosts: Iterable[MailHost],
    inventory: Mapping[MailHost, Observed[DeclaredHost]],
    origin: Origin,
) -> list[Observed[HostRoles]]:
    """The place of each host in the run, from what is declared and what DNS said."""
    serving = mx_hosts(snapshot)
    provenance = origin.live("discovery")
    return [
        Observed(_roles(host, inventory.get(host), serving.get(host, []), snapshot), provenance)
        for host in hosts
    ]


def _roles(
    host: MailHost,
    declared: Observed[DeclaredHost] | None,
    mx_of: list[str],
    snapshot: Snapshot,
) -> HostRoles:
    resolved = snapshot.fact(HostAddresses, host)
    found = resolved.addresses if resolved else ()
    if declared is None:
        return HostRoles(
            subject=host,
            in_inventory=False,
            roles=(Role.MX,),
            mx_of=tuple(mx_of),
            addresses=found,
            sends_from=(),
            services=_services(host, found, [_SMTP]),
        )
    said = declared.fact
    roles = [role for role in said.roles if role is not Role.NONE or not mx_of]
    if mx_of and Role.MX not in roles:
        roles.append(Role.MX)
    ports = [service.port for service in said.services]
    if Role.MX in roles and _SMTP not in ports:
        ports.insert(0, _SMTP)
    addresses = said.addresses or found
    return HostRoles(
        subject=host,
        in_inventory=True,
        roles=tuple(roles),
        mx_of=tuple(mx_of),
        addresses=addresses,
        sends_from=said.sends_from,
        services=_services(host, addresses, ports),
    )


def _services(host: MailHost, addresses: tuple[str, ...], ports: list[int]) -> tuple[Service, ...]:
    return tuple(
        Service(host.name, address, port) for address in addresses or ("",) for port in ports
    )


def mta_sts_domains(
    snapshot: Snapshot, roles: Iterable[Observed[HostRoles]], origin: Origin
) -> list[Observed[MtaStsDomains]]:
    """For each host, which of its domains ask senders to verify its certificate (RFC 8461)."""
    announced: dict[str, bool | Silence] = {}
    for each in roles:
        for name in each.fact.mx_of:
            if name not in announced:
                announced[name] = _announces(Domain(name), snapshot)
    provenance = origin.live("discovery")
    return [
        Observed(_sts_domains(each.fact.subject, each.fact.mx_of, announced), provenance)
        for each in roles
    ]


def _sts_domains(
    host: MailHost, mx_of: Iterable[str], announced: Mapping[str, bool | Silence]
) -> MtaStsDomains:
    found = tuple(name for name in mx_of if announced[name] is True)
    silences = (said for name in mx_of if isinstance(said := announced[name], Silence))
    return MtaStsDomains(host, found, next(silences, None))


def _announces(domain: Domain, snapshot: Snapshot) -> bool | Silence:
    """A record announces a policy; one that says `none` takes it back (RFC 8461 section 5)."""
    match snapshot.get(MtaStsTxt, domain):
        case Observed(txt):
            policy = snapshot.fact(MtaStsPolicy, domain)
            return bool(txt.records) and (policy is None or policy.mode != "none")
        case Unobserved(_, _, reason, detail):
            return Silence(reason, f"_mta-sts.{domain}: {detail}")
        case None:
            return False


def egress(snapshot: Snapshot, origin: Origin) -> Observed[Egress]:
    """Whether port 25 of anybody was reached from here in this run."""
    asked = [port for port in snapshot.facts(PortState) if port.subject.port == _SMTP]
    reached = [port.subject for port in asked if port.state == "open"]
    over_4 = [service for service in reached if ":" not in service.address]
    over_6 = [service for service in reached if ":" in service.address]
    shown = (*over_4[:_REACHED_AT_MOST], *over_6[:_REACHED_AT_MOST])
    fact = Egress(snapshot.vantage, len(asked), shown)
    return Observed(fact, origin.live("discovery"))


def key_owners(snapshot: Snapshot, origin: Origin) -> Observed[DkimKeyOwners]:
    """Which DKIM keys of this run stand in more than one place."""
    places: dict[str, list[KeyPlace]] = defaultdict(list)
    for keys in snapshot.facts(DkimKeys):
        for digest, place in _key_places(keys, snapshot):
            places[digest].append(place)
    shared = tuple(
        SharedKey(digest, len(found), _examples(found))
        for digest, found in sorted(places.items())
        if found[1:]
    )
    fact = DkimKeyOwners(snapshot.vantage, len(places), shared)
    return Observed(fact, origin.live("discovery"))


def _examples(places: list[KeyPlace]) -> tuple[KeyPlace, ...]:
    """Few of many: any place differs from one of them if there are two kinds at all."""
    kinds: dict[tuple[str | None, str], KeyPlace] = {}
    for place in places:
        kinds.setdefault((place.organizational, place.owner), place)
    return tuple(kinds.values())[:_EXAMPLES_AT_MOST] if len(kinds) > 1 else tuple(places[:2])


def _key_places(keys: DkimKeys, snapshot: Snapshot) -> Iterator[tuple[str, KeyPlace]]:
    declared = snapshot.fact(DeclaredDomain, keys.subject)
    owners = {each.selector: each.owner for each in declared.dkim} if declared else {}
    walk = snapshot.fact(DmarcWalk, keys.subject)
    organizational = None if walk is None else walk.organizational
    for selector in keys.selectors:
        owner = owners.get(selector.selector, "self")
        place = KeyPlace(keys.subject.name, organizational, selector.selector, owner)
        for digest in sorted({key.key_sha256 for key in selector.keys if key.key_sha256}):
            yield digest, place
