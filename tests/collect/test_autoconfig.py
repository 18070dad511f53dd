"""The collector of automatic configuration against an HTTPS server on loopback."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from audits.collect.collector import Origin
from audits.collect.live.autoconfig import AutoconfigFetch
from audits.collect.live.resolver import Resolver
from audits.demo.certificates import Authority
from audits.facts.autoconfig import AutoconfigDocument, ClientAutoconfig
from audits.facts.fact import AnyObservation, Observed, Reason, Unobserved
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.parse import autodiscover
from audits.settings import LimitSettings, Settings, TrustSettings
from audits.subject import Domain
from tests.build import domain
from tests.parse.test_autoconfig import BOMB, GOOD
from tests.parse.test_autodiscover import IMAP, SMTP, response
from tests.servers.dns import Behaviour, ScriptedDns
from tests.servers.https import ScriptedHttps, page

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
D = Domain("d.example")
ZONES = {
    "d.example.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
autoconfig 300 A 192.0.2.1
""",
    "x.example.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
autodiscover 300 A 192.0.2.1
_autodiscover._tcp 300 SRV 20 1 443 nowhere.x.example.
_autodiscover._tcp 300 SRV 10 1 8443 Mail.x.example.
mail 300 A 192.0.2.2
""",
}
AUTHORITY = Authority("test root")


def fetched(
    server: ScriptedHttps, folder: Path, *, sends: bool = True, https_s: float = 5.0
) -> AnyObservation:
    roots = folder / "roots.pem"
    roots.write_bytes(AUTHORITY.root_pem)
    credentials = AUTHORITY.issue("autoconfig.d.example")

    async def main() -> AnyObservation:
        async with ScriptedDns(ZONES) as names, server.listening(credentials.server_context()):
            settings = Settings(
                limits=LimitSettings(https_s=https_s),
                trust=TrustSettings(ca_file=str(roots)),
                redirect={"192.0.2.1:443": f"127.0.0.1:{server.port}"},
            )
            async with Resolver(names.settings) as resolver:
                stated = Observed(domain(D.name, sends=sends), ORIGIN.live("inventory"))
                snapshot = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), [stated])
                collector = AutoconfigFetch(resolver, ORIGIN, settings)
                (found,) = await collector.collect(D, snapshot)
                return found

    return asyncio.run(main())


def discovered(
    *servers: ScriptedHttps, folder: Path, script: Mapping[str | tuple[str, str], Behaviour] | None
) -> tuple[AutoconfigDocument, ...]:
    """What is found of x.example, whose two names for Autodiscover lead to these servers."""
    roots = folder / "roots.pem"
    roots.write_bytes(AUTHORITY.root_pem)
    context = AUTHORITY.issue("autodiscover.x.example", "mail.x.example").server_context
    own, named = servers

    async def main() -> AnyObservation:
        async with (
            ScriptedDns(ZONES, script) as names,
            own.listening(context()),
            named.listening(context()),
        ):
            redirect = {
                "192.0.2.1:443": f"127.0.0.1:{own.port}",
                "192.0.2.2:8443": f"127.0.0.1:{named.port}",
            }
            settings = Settings(
                limits=LimitSettings(https_s=5.0),
                trust=TrustSettings(ca_file=str(roots)),
                redirect=redirect,
            )
            async with Resolver(names.settings) as resolver:
                declared = domain("x.example", submission=("mail.x.example",))
                stated = Observed(declared, ORIGIN.live("inventory"))
                snapshot = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), [stated])
                collector = AutoconfigFetch(resolver, ORIGIN, settings)
                (found,) = await collector.collect(Domain("x.example"), snapshot)
                return found

    return documents(asyncio.run(main()))


def documents(found: AnyObservation) -> tuple[AutoconfigDocument, ...]:
    assert isinstance(found, Observed)
    assert isinstance(found.fact, ClientAutoconfig)
    return found.fact.documents


def test_configuration_is_fetched_and_read(tmp_path: Path) -> None:
    server = ScriptedHttps([page(GOOD, content_type="text/xml")])
    first, second, third = documents(fetched(server, tmp_path))
    assert (first.status, len(first.servers), first.malformed) == (200, 2, None)
    assert first.address == "127.0.0.1"
    assert second.failure == "d.example has no address"
    assert third.failure == "autodiscover.d.example does not exist"
    assert server.heads[0].startswith(b"GET /mail/config-v1.1.xml HTTP/1.1\r\n")
    assert server.names == ["autoconfig.d.example"]


def test_entity_bomb_and_a_page_without_configuration_are_malformed(tmp_path: Path) -> None:
    first, *_ = documents(fetched(ScriptedHttps([page(BOMB)]), tmp_path))
    assert first.malformed is not None
    assert "document type" in first.malformed
    first, *_ = documents(fetched(ScriptedHttps([page(b"x" * 70_000)]), tmp_path))
    assert first.malformed == "it is too long"


def test_absence_is_told_from_silence(tmp_path: Path) -> None:
    missing = ScriptedHttps([page(b"", status="404 Not Found")])
    first, *_ = documents(fetched(missing, tmp_path))
    assert (first.status, first.silence) == (404, None)
    first, *_ = documents(fetched(ScriptedHttps([], silent=True), tmp_path, https_s=0.3))
    assert first.silence is not None
    assert first.silence.reason is Reason.TIMEOUT


def test_domain_that_sends_nothing_is_not_asked(tmp_path: Path) -> None:
    server = ScriptedHttps([page(GOOD)])
    found = fetched(server, tmp_path, sends=False)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SKIPPED
    assert server.heads == []


def test_autodiscover_is_asked_at_the_domain_and_at_the_first_target_of_its_srv(
    tmp_path: Path,
) -> None:
    own = ScriptedHttps([page(response(IMAP), content_type="text/xml")])
    named = ScriptedHttps([page(response(SMTP + "<SSL>off</SSL>"))])
    _, _, first, second = discovered(own, named, folder=tmp_path, script=None)
    assert first.url == "https://autodiscover.x.example/autodiscover/autodiscover.xml"
    assert [server.socket_type for server in first.servers] == ["SSL"]
    assert second.url == "https://mail.x.example:8443/autodiscover/autodiscover.xml"
    assert [server.socket_type for server in second.servers] == ["plain"]
    head = own.heads[0]
    assert head.startswith(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n")
    assert b"content-type: text/xml; charset=utf-8" in head.lower()
    length = len(autodiscover.request("x.example"))
    assert f"content-length: {length}\r\n".encode() in head.lower()
    assert b"host: mail.x.example:8443\r\n" in named.heads[0].lower()
    assert (own.names, named.names) == (["autodiscover.x.example"], ["mail.x.example"])


def test_autodiscover_behind_a_login_tells_nothing_and_a_silent_srv_is_silent(
    tmp_path: Path,
) -> None:
    login = ScriptedHttps([page(b"", status="401 Unauthorized")])
    script = {"_autodiscover._tcp.x.example": Behaviour(rcode="SERVFAIL")}
    _, _, first, second = discovered(login, ScriptedHttps([]), folder=tmp_path, script={**script})
    assert (first.status, first.servers, first.malformed) == (401, (), None)
    assert second.url == "_autodiscover._tcp.x.example"
    assert second.silence is not None
    assert second.silence.reason is Reason.SERVFAIL
