"""Zone files of a repository answer for their names alone."""

import asyncio
from pathlib import Path

from audits.collect.candidate.zones import PolicyHost, ReviewedZones, ZoneFiles, read_zones
from audits.collect.collector import Origin
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import AnyObservation, Observed, Reason, Silence, Unobserved
from audits.facts.https import MtaStsPolicy
from audits.facts.zone import ZoneFile
from audits.parse.mta_sts import sts_records
from audits.parse.zone import ZoneSet
from audits.settings import ResolverSettings
from audits.subject import Domain
from tests.build import AS_OF, answer, snapshot

ORIGIN = Origin("here", lambda: AS_OF, "files under review")
APEX = "@ 300 SOA ns1 host 1 1 1 1 60\n@ 300 NS ns1\n"
HERE = Domain("example.net")


def zones(folder: Path, **files: str) -> ZoneSet:
    """Zones by the first label of their file: `net` is example.net."""
    found: dict[str, Path] = {}
    for name, text in files.items():
        suffix = ".yaml" if text.startswith("?") else ".zone"
        path = folder / f"{name}{suffix}"
        path.write_text(text)
        found[f"example.{name}"] = path
    return read_zones(found, folder)


def ask(found: ZoneSet, *questions: tuple[str, str]) -> list[Reply | Silence]:
    async def all_of_them() -> list[Reply | Silence]:
        front = ReviewedZones(found, alone=True)
        async with Resolver(ResolverSettings(), front=front) as resolver:
            return [await resolver.ask(name, rdtype) for name, rdtype in questions]

    return asyncio.run(all_of_them())


def test_resolver_follows_an_alias_from_one_zone_into_another(tmp_path: Path) -> None:
    found = zones(
        tmp_path,
        net=APEX + "www CNAME a.example.org.\n",
        org="? ''\n: []\na: {type: A, ttl: 60, value: 192.0.2.1}\n",
    )
    (reply,) = ask(found, ("www.example.net", "A"))
    assert isinstance(reply, Reply)
    assert (reply.alias_chain, str(reply.rdatas[0])) == (("a.example.org",), "192.0.2.1")
    assert (reply.answer.name, reply.answer.rcode, reply.answer.ttl_s) == (
        "www.example.net",
        "NOERROR",
        60,
    )


def test_name_outside_all_zones_is_silent_and_not_absent(tmp_path: Path) -> None:
    found = zones(tmp_path, net=APEX + "www CNAME a.example.org.\n")
    silent = ask(found, ("example.org", "MX"), ("www.example.net", "A"))
    assert [s.reason for s in silent if isinstance(s, Silence)] == [Reason.NOT_UNDER_REVIEW] * 2
    assert isinstance(silent[0], Silence)
    assert silent[0].detail == "example.org is in no zone under review"


def test_address_in_place_of_a_name_is_nowhere(tmp_path: Path) -> None:
    (reply,) = ask(zones(tmp_path, net=APEX), ("192.0.2.1", "A"))
    assert isinstance(reply, Reply)
    assert reply.answer.rcode == "NXDOMAIN"


def test_alias_that_never_ends_is_no_answer(tmp_path: Path) -> None:
    (silent,) = ask(zones(tmp_path, net=APEX + "a CNAME b\nb CNAME a\n"), ("a.example.net", "A"))
    assert isinstance(silent, Silence)
    assert silent.reason is Reason.PROTOCOL


def test_file_that_can_not_be_opened_is_silent(tmp_path: Path) -> None:
    found = read_zones({"example.net": tmp_path / "gone.zone"}, tmp_path)
    (silent,) = ask(found, ("example.net", "MX"))
    assert isinstance(silent, Silence)
    assert silent.reason is Reason.UNREADABLE


def _of(collector: ZoneFiles | PolicyHost, *facts: MtaStsTxt) -> AnyObservation:
    (found,) = asyncio.run(collector.collect(HERE, snapshot(*facts)))
    return found


def test_domain_knows_its_zone_file(tmp_path: Path) -> None:
    found = zones(tmp_path, net=APEX + "a FOO x\n")
    seen = _of(ZoneFiles(ORIGIN, found, Reason.SKIPPED))
    assert isinstance(seen, Observed)
    assert isinstance(seen.fact, ZoneFile)
    assert (seen.fact.file, len(seen.fact.problems)) == ("net.zone", 1)
    assert seen.provenance.source == "files under review"
    silent = _of(ZoneFiles(ORIGIN, zones(tmp_path, org=APEX), Reason.SKIPPED))
    assert isinstance(silent, Unobserved)
    assert silent.reason is Reason.SKIPPED


def test_policy_host_without_address_is_told_and_another_one_is_not_asked(tmp_path: Path) -> None:
    record = "v=STSv1; id=1"
    announced = MtaStsTxt(HERE, answer("_mta-sts.example.net"), (record,), sts_records((record,)))
    for text, expected in [("", "does not exist"), ("x.mta-sts A 192.0.2.1\n", "has no address")]:
        front = ReviewedZones(zones(tmp_path, net=APEX + text), alone=True)
        seen = _of(PolicyHost(Resolver(ResolverSettings(), front=front), ORIGIN), announced)
        assert isinstance(seen, Observed)
        assert isinstance(seen.fact, MtaStsPolicy)
        assert seen.fact.failure == f"mta-sts.example.net {expected}"
    front = ReviewedZones(zones(tmp_path, net=APEX + "mta-sts A 192.0.2.1\n"), alone=True)
    silent = _of(PolicyHost(Resolver(ResolverSettings(), front=front), ORIGIN), announced)
    assert isinstance(silent, Unobserved)
    assert silent.reason is Reason.NOT_UNDER_REVIEW


def test_link_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(APEX + "a TXT hidden\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "net.zone").symlink_to(tmp_path / "secret")
    found = read_zones({"example.net": repository / "net.zone"}, repository)
    (silent,) = ask(found, ("a.example.net", "TXT"))
    assert isinstance(silent, Silence)
    assert "leads out of the repository" in silent.detail
