"""The lab is what it says: names resolve and validate, servers answer, and nothing gets out."""

import json

import pytest

from tests.lab.lab import BOGUS, GOOD, IPV4_NETWORK, MACHINES, RESOLVER, Lab

pytestmark = pytest.mark.lab

# Prints the EHLO keywords and the replies to MAIL and RCPT as one JSON object.
_TALK = """
import json, smtplib, ssl, sys
address, port, *recipients = sys.argv[1:]
if port == "465":
    unverified = ssl._create_unverified_context()
    talk = smtplib.SMTP_SSL(address, int(port), timeout=15, context=unverified)
else:
    talk = smtplib.SMTP(address, int(port), timeout=15)
talk.ehlo("audit.example.net")
mail = talk.docmd("MAIL FROM:<probe@audit.example.net>")
keywords = dict(talk.esmtp_features)
rcpt = [talk.docmd(f"RCPT TO:<{recipient}>") for recipient in recipients]
talk.quit()
spoken = [f"{code} {text.decode()}" for code, text in (mail, *rcpt)]
print(json.dumps({"keywords": keywords, "replies": spoken}))
"""

_SUBMIT = """
import smtplib, sys
with smtplib.SMTP(sys.argv[1], 25, timeout=15, local_hostname="mx1.example.net") as talk:
    message = "Subject: relayed\\r\\n\\r\\nThis should not have been taken.\\r\\n"
    talk.sendmail("probe@audit.example.net", ["canary@sink.example.org"], message)
"""


def _dig(lab: Lab, name: str, kind: str) -> str:
    resolver = f"@{IPV4_NETWORK}.{RESOLVER}"
    return lab.auditor.run("kdig", "+dnssec", "+timeout=5", resolver, name, kind).stdout


def _flags(answer: str) -> list[str]:
    line = next(line for line in answer.splitlines() if line.startswith(";; Flags:"))
    return line.removeprefix(";; Flags:").split(";")[0].split()


def _talk(lab: Lab, label: str, port: int, *recipients: str) -> tuple[dict[str, str], list[str]]:
    address = next(machine.address for machine in MACHINES if machine.label == label)
    spoken = json.loads(lab.auditor.python(_TALK, address, str(port), *recipients))
    return spoken["keywords"], spoken["replies"]


def test_resolver_vouches_for_the_signed_zone(lab: Lab) -> None:
    answer = _dig(lab, GOOD, "MX")
    assert "status: NOERROR" in answer
    assert f"mx1.{GOOD}." in answer
    assert "ad" in _flags(answer)


def test_resolver_does_not_vouch_for_the_unsigned_zone(lab: Lab) -> None:
    answer = _dig(lab, "open-relay.example.org", "MX")
    assert "mx1.open-relay.example.org." in answer
    assert "ad" not in _flags(answer)


def test_bogus_zone_gives_servfail(lab: Lab) -> None:
    answer = _dig(lab, BOGUS, "MX")
    assert "status: SERVFAIL" in answer
    assert "EDE:" in answer


def test_every_host_has_its_name_in_reverse(lab: Lab) -> None:
    for machine in MACHINES:
        pointer = ".".join(reversed(machine.address.split("."))) + ".in-addr.arpa"
        assert f"{machine.host}." in _dig(lab, pointer, "PTR")


def test_no_route_leads_out_of_the_lab(lab: Lab) -> None:
    for namespace in (
        lab.auditor,
        *(server.namespace for each in lab.servers.values() for server in each),
    ):
        assert "default" not in namespace.run("ip", "route").stdout
    assert lab.offline.run("ip", "route").stdout == ""


def test_good_host_refuses_to_relay_in_the_words_of_stock_postfix(lab: Lab) -> None:
    _, replies = _talk(lab, "good", 25, "canary@sink.example.org", f"postmaster@{GOOD}")
    assert replies[0].startswith("250 ")
    assert replies[1].startswith("454 4.7.1 ")
    assert "Relay access denied" in replies[1]
    assert replies[2].startswith("250 ")


def test_good_host_takes_no_mail_for_unknown_recipients(lab: Lab) -> None:
    _, replies = _talk(lab, "good", 25, f"nobody-of-that-name@{GOOD}")
    assert replies[1].startswith("550 5.1.1 ")


def test_good_host_offers_auth_only_inside_tls(lab: Lab) -> None:
    clear, replies = _talk(lab, "good", 587)
    assert "auth" not in clear
    assert "starttls" in clear
    assert replies[0].startswith("530 5.7.0 ")
    inside, _ = _talk(lab, "good", 465)
    assert inside["auth"].split() == ["PLAIN", "SCRAM-SHA-256"]


def test_early_auth_host_offers_auth_in_clear(lab: Lab) -> None:
    for port in (25, 587):
        keywords, _ = _talk(lab, "early-auth", port)
        assert "auth" in keywords


def test_cleartext_host_offers_no_starttls(lab: Lab) -> None:
    keywords, _ = _talk(lab, "cleartext", 25)
    assert "pipelining" in keywords
    assert "starttls" not in keywords


def test_greylisting_host_defers_every_recipient(lab: Lab) -> None:
    recipients = ("postmaster@greylisting.example.org", "canary@sink.example.org")
    _, replies = _talk(lab, "greylisting", 25, *recipients)
    assert [reply[:9] for reply in replies] == ["250 2.1.0", "450 4.2.0", "450 4.2.0"]


def test_throttling_host_greets_with_421(lab: Lab) -> None:
    with pytest.raises(RuntimeError, match=r"421.*Too many connections"):
        _talk(lab, "throttling", 25)


def test_filtered_port_is_silent(lab: Lab) -> None:
    filtered = next(machine for machine in MACHINES if machine.label == "filtered")
    script = "import socket, sys; socket.create_connection((sys.argv[1], 25), timeout=0.5)"
    with pytest.raises(RuntimeError, match="TimeoutError"):
        lab.auditor.python(script, filtered.address)


def test_queue_shows_what_a_relay_took_and_keeps_it(lab: Lab) -> None:
    relay = lab.postfix("open-relay")
    stranger = lab.postfix("good").namespace
    stranger.python(_SUBMIT, f"{IPV4_NETWORK}.11")
    assert lab.queued() == {"open-relay": 1}
    relay.empty_queue()
    assert lab.queued() == {}
