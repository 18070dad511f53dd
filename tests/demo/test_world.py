"""The demo's servers: they start, behave as their names say, and stop without a trace."""

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.reversename
import httpx
import pytest

from audits.demo.fleet import ALIAS, DOMAINS, FILTER, HOSTS, HOSTS_UNDER
from audits.demo.world import World, running_world

LOOPBACK = "127.0.0.1"
PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("fleet")) as running:
        yield running


def ask(world: World, name: str, rdtype: str) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype)
    return dns.query.udp(query, LOOPBACK, timeout=PATIENCE_S, port=world.resolver_port)


def texts(world: World, name: str, rdtype: str = "TXT") -> list[str]:
    return [record.to_text() for rrset in ask(world, name, rdtype).answer for record in rrset]


def trusting(world: World) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(world.directory / "ca.pem"))


def dial(world: World, label: str, port: int = 25) -> smtplib.SMTP:
    name = FILTER if label == FILTER else f"{label}.{HOSTS_UNDER}"
    client = smtplib.SMTP(timeout=PATIENCE_S)
    client._host = name  # type: ignore[attr-defined]  # the name that TLS asks for
    client.connect(LOOPBACK, world.ports[name, port])
    return client


def dial_tls(world: World, label: str) -> smtplib.SMTP_SSL:
    """Implicit TLS with the host's own name, at the port that stands for 465."""

    class ByName(smtplib.SMTP_SSL):
        def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
            plain = socket.create_connection((LOOPBACK, port), timeout)
            return self.context.wrap_socket(plain, server_hostname=host)

    name = f"{label}.{HOSTS_UNDER}"
    return ByName(name, world.ports[name, 465], timeout=PATIENCE_S, context=trusting(world))


def test_dns_answers_for_every_domain_but_the_silent_one(world: World) -> None:
    for domain in DOMAINS:
        rcode = ask(world, domain.name, "MX").rcode()
        failing = domain.name == "servfail.example"
        assert rcode == (dns.rcode.SERVFAIL if failing else dns.rcode.NOERROR), domain.name


def test_dns_tells_an_alias_and_a_name_that_is_gone(world: World) -> None:
    assert texts(world, ALIAS, "A") == [f"good.{HOSTS_UNDER}.", "192.0.2.10"]
    gone = ask(world, f"gone.{HOSTS_UNDER}", "A")
    assert (gone.rcode(), gone.answer) == (dns.rcode.NXDOMAIN, [])


def test_dns_has_the_reverse_names(world: World) -> None:
    names = [f"good.{HOSTS_UNDER}."]
    assert texts(world, "10.2.0.192.in-addr.arpa", "PTR") == names
    assert texts(world, dns.reversename.from_address("2001:db8::10").to_text(), "PTR") == names
    assert ask(world, "14.2.0.192.in-addr.arpa", "PTR").rcode() == dns.rcode.NXDOMAIN


def test_good_host_takes_its_own_mail_inside_tls_and_relays_nothing(world: World) -> None:
    with dial(world, "good") as client:
        client.starttls(context=trusting(world))
        client.ehlo()
        assert not client.has_extn("auth")
        client.mail("probe@audit.example")
        assert client.rcpt("postmaster@good.example")[0] == 250
        assert client.rcpt("canary@sink.example")[0] == 454


def test_good_submission_wants_tls_and_then_a_login(world: World) -> None:
    with dial(world, "good", 587) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.mail("probe@audit.example")[0] == 530
        client.starttls(context=trusting(world))
        client.ehlo()
        assert client.has_extn("auth")
        assert client.mail("probe@audit.example")[0] == 530
    with dial_tls(world, "good") as client:
        client.ehlo()
        assert client.has_extn("auth")


def test_open_relay_takes_mail_for_anybody(world: World) -> None:
    with dial(world, "open-relay") as client:
        client.ehlo()
        client.mail("probe@audit.example")
        assert client.rcpt("canary@sink.example")[0] == 250


def test_auth_is_offered_in_clear_where_it_should_not_be(world: World) -> None:
    with dial(world, "auth-in-clear", 587) as client:
        client.ehlo()
        assert client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN")[0] == 334
        assert client.docmd("*")[0] == 501


def test_submission_without_login_takes_foreign_mail(world: World) -> None:
    with dial(world, "no-auth", 587) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.mail("probe@audit.example")
        assert client.rcpt("canary@sink.example")[0] == 250


def test_host_without_starttls_does_not_offer_it(world: World) -> None:
    with dial(world, "no-starttls") as client:
        client.ehlo()
        assert not client.has_extn("starttls")


@pytest.mark.parametrize(
    ("label", "port", "words"),
    [("expired", 25, "certificate has expired"), ("wrong-name", 587, "Hostname mismatch")],
)
def test_certificate_is_bad_in_the_way_that_the_name_says(
    world: World, label: str, port: int, words: str
) -> None:
    with dial(world, label, port) as client, pytest.raises(ssl.SSLCertVerificationError) as caught:
        client.starttls(context=trusting(world))
    assert words in str(caught.value)


def test_greylisting_host_puts_off_every_recipient(world: World) -> None:
    with dial(world, "greylisting") as client:
        client.ehlo()
        client.mail("probe@audit.example")
        assert client.rcpt("postmaster@greylisting.example")[0] == 450


def test_busy_host_answers_with_421(world: World) -> None:
    port = world.ports[f"busy.{HOSTS_UNDER}", 25]
    with smtplib.SMTP(timeout=PATIENCE_S) as client:
        assert client.connect(LOOPBACK, port)[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_dead_host_refuses_the_connection(world: World) -> None:
    with pytest.raises(ConnectionRefusedError):
        dial(world, "dead")


def test_silent_host_says_nothing(world: World) -> None:
    port = world.ports[f"silent.{HOSTS_UNDER}", 25]
    with socket.create_connection((LOOPBACK, port), PATIENCE_S) as silent:
        silent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            silent.recv(1)


def test_filtering_service_takes_mail_though_the_inventory_does_not_know_it(world: World) -> None:
    assert FILTER not in {host.name for host in HOSTS}
    with dial(world, FILTER) as client:
        client.ehlo()
        client.mail("probe@audit.example")
        assert client.rcpt("postmaster@filtered-elsewhere.example")[0] == 250


@pytest.mark.parametrize(
    ("domain", "status"), [("good.example", 200), ("mta-sts-redirected.example", 301)]
)
def test_policy_is_served_under_a_trusted_certificate(
    world: World, domain: str, status: int
) -> None:
    with httpx.Client(verify=trusting(world), trust_env=False) as client:
        request = client.build_request(
            "GET",
            f"https://{LOOPBACK}:{world.policy_port}/.well-known/mta-sts.txt",
            headers={"Host": f"mta-sts.{domain}"},
            extensions={"sni_hostname": f"mta-sts.{domain}"},
        )
        answer = client.send(request)
    assert answer.status_code == status
    assert ("mode: enforce" in answer.text) is (status == 200)


def test_world_stops_without_a_thread_or_a_listening_socket(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with running_world(tmp_path / "fleet") as world:
        used = [*world.ports.values(), world.policy_port]
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) == before
    for port in used:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port), PATIENCE_S)


def test_world_stops_while_clients_are_still_connected(tmp_path: Path) -> None:
    with running_world(tmp_path / "fleet") as world:
        silent = socket.create_connection(
            (LOOPBACK, world.ports[f"silent.{HOSTS_UNDER}", 25]), PATIENCE_S
        )
        policy = socket.create_connection((LOOPBACK, world.policy_port), PATIENCE_S)
        names = socket.create_connection((LOOPBACK, world.resolver_port), PATIENCE_S)
        time.sleep(0.1)  # the system has accepted them; the servers take them up in a moment
    with silent, policy, names:
        for left in (silent, policy, names):
            left.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionResetError):
                assert left.recv(1) == b""
