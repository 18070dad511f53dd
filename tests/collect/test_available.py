"""What is listed of live collectors is what they say themselves, and each can be put together."""

import asyncio
from pathlib import Path

import pytest

from audits.collect.collector import Origin
from audits.collect.listing import Listing
from audits.collect.live.assembly import assembled
from audits.collect.live.available import AVAILABLE
from audits.collect.plan import STATED, plan
from audits.facts.codec import fact_types
from audits.facts.fact import kind_of
from audits.settings import ResolverSettings, Settings
from tests.collect.walking import origin

SETTINGS = Settings(resolver=ResolverSettings(addresses=("127.0.0.1",)))


@pytest.mark.parametrize("listing", AVAILABLE, ids=lambda listing: listing.collector)
def test_listing_names_the_kinds_that_its_collector_provides(listing: Listing) -> None:
    collector = listing.load()
    assert collector.__name__ == listing.collector
    assert listing.kinds.split() == sorted(map(kind_of, collector.provides))


def test_no_kind_is_listed_twice() -> None:
    kinds = [kind for listing in AVAILABLE for kind in listing.kinds.split()]
    assert len(kinds) == len(set(kinds))


def test_every_listed_collector_can_be_put_together(tmp_path: Path) -> None:
    kinds = {kind for listing in AVAILABLE for kind in listing.kinds.split()}
    wanted = {fact for kind, fact in fact_types().items() if kind in kinds} - STATED.keys()
    chosen = plan(wanted, AVAILABLE)
    assert {each.__name__ for each in chosen.collectors} == {each.collector for each in AVAILABLE}
    here: Origin = origin()
    with (
        asyncio.Runner() as loop,
        assembled(chosen, SETTINGS, tmp_path, here, loop) as live,
    ):
        assert [type(made) for made in live.collectors] == list(chosen.collectors)


@pytest.mark.parametrize("kind", sorted(" ".join(each.kinds for each in AVAILABLE).split()))
def test_plan_for_one_fact_can_be_put_together(kind: str, tmp_path: Path) -> None:
    chosen = plan([fact_types()[kind]], AVAILABLE)
    with (
        asyncio.Runner() as loop,
        assembled(chosen, SETTINGS, tmp_path, origin(), loop) as live,
    ):
        for made in live.collectors:
            no_chain = made.name == "smtp" and kind != "tls.chain"
            assert no_chain or getattr(made, "trust", made) is not None
