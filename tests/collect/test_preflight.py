"""What the pre-flight makes of a resolver on loopback."""

from datetime import UTC, datetime

import pytest

from audits.collect.collector import Origin
from audits.collect.live.preflight import preflight
from audits.collect.live.resolver import Resolver
from tests.collect.resolving import Script, run
from tests.servers.dns import Behaviour, ScriptedDns

ORIGIN = Origin("here", lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    ("script", "validates", "finding"),
    [
        ({}, False, "does not validate: its answer for the root came without AD"),
        (
            {".": Behaviour(authentic=True), "bogus.d.example": Behaviour(rcode="SERVFAIL")},
            True,
            "validates the root and refuses bogus.d.example",
        ),
        (
            {".": Behaviour(authentic=True)},
            True,
            "does not validate: answers for bogus.d.example, which is bogus",
        ),
    ],
)
def test_the_preflight_says_whether_the_resolver_validates(
    script: Script, validates: bool, finding: str
) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        report = (await preflight(resolver, ORIGIN)).fact
        assert report.validates is validates
        assert report.finding == finding
        assert report.servers == (f"127.0.0.1:{server.port}",)

    run(test, script)


def test_the_preflight_of_a_silent_resolver_says_so() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        report = (await preflight(resolver, ORIGIN)).fact
        assert report.signed is None
        assert report.finding.startswith("no answer from 127.0.0.1:")

    run(test, {"*": Behaviour(silent=True)}, timeout_s=0.05)
