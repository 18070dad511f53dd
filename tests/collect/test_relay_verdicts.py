"""Servers that open-relay tests are known to misjudge, from their replies to the verdict."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from audits.catalog.relay.refused import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.facts.relay import FormOutcome, RelayProbes
from tests.build import judge, roles
from tests.collect.walking import ADDRESS, NAME, SETTINGS, fleet, service, try_relaying
from tests.servers.smtp import raw_server

OK = "250 2.1.5 Ok"
DENIED = "454 4.7.1 Relay access denied"
UNKNOWN_USER = "550 5.1.1 User unknown"
SYNTAX = "501 5.1.3 bad address"
SERVED = "example.net"

Decision = Callable[[str, str], str]


@dataclass
class Scripted:
    """A server that answers RCPT by a rule. limits: as Postfix and Exim have them, or none.

    rcpt, mail: the reply to an envelope, of sender and recipient. hard_limit: refusals until 421.
    syntax_limit: syntax errors until it hangs up. commands: what was said to it, by connection.
    """

    rcpt: Decision
    mail: Callable[[str], str] = lambda sender: "250 2.1.0 Ok"
    hard_limit: int = 20
    soft_limit: int = 10
    syntax_limit: int = 3
    pipelining: bool = True
    slowed: int = 0
    sessions: list[list[str]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands: list[str] = []
        self.sessions.append(commands)
        refused = wrong = 0
        sender = ""
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            commands.append(line)
            word, _, rest = line.partition(" ")
            address = rest.partition("<")[2].rpartition(">")[0]
            if word == "MAIL":
                sender, said = address, self.mail(address)
            elif word == "RCPT":
                said = self.rcpt(sender, address)
            else:
                said = self.other(word)
            refused += said[0] in "45"
            wrong += said == SYNTAX
            self.slowed += refused >= self.soft_limit and said[0] in "45"
            if refused > self.hard_limit or wrong > self.syntax_limit:
                writer.write(b"421 4.7.0 too many errors\r\n")
                return
            writer.write(f"{said}\r\n".encode())
            if word == "QUIT":
                return

    def other(self, word: str) -> str:
        if word == "EHLO":
            return "250-mx.example.net\r\n250 PIPELINING" if self.pipelining else "250 mx"
        return {"RSET": "250 ok", "QUIT": "221 bye"}.get(word, "502 5.5.2 not here")


def looked_at(server: Scripted, forms: str = "usual", **about: Any) -> tuple[Result, RelayProbes]:
    """The verdict on a server, and what it stands on."""
    probe = replace(SETTINGS.probe, relay_forms=forms)
    # Nobody is silent here, so that a busy machine may take its time.
    limits = replace(SETTINGS.limits, banner_s=10.0, reply_s=10.0, host_s=60.0)
    settings = replace(SETTINGS, probe=probe, limits=limits)

    async def run() -> RelayProbes:
        async with raw_server(server) as running:
            known = fleet(running.port, domains=(SERVED,), **about)
            seen = await try_relaying(known, settings=settings)
            found = seen.fact(RelayProbes, service())
            assert found is not None
            return found

    probes = asyncio.run(run())
    place = roles(NAME, address=ADDRESS, mx_of=(SERVED,))
    return judge(evaluate, service(), place, probes), probes


def local(recipient: str) -> bool:
    """Whether a server takes the recipient for its own, without looking at the local part."""
    return recipient.rpartition("@")[2] in (NAME, SERVED)


def appends_own_domain(sender: str, recipient: str) -> str:
    """OpenSMTPD makes `D!U` into `D!U@mx`, and takes it; what names a domain it refuses."""
    quoted = recipient.startswith('"') and recipient.endswith('"')
    return OK if quoted or "@" not in recipient else DENIED


def catch_all(sender: str, recipient: str) -> str:
    return OK if local(recipient) and not recipient.startswith("@") else DENIED


def percent_hack(sender: str, recipient: str) -> str:
    """Routes `U%D@H`, and nothing else."""
    return OK if "%" in recipient and recipient.endswith(f"@{NAME}") else DENIED


def exim(sender: str, recipient: str) -> str:
    """Address literals are syntax errors (no_allow_domain_literals); what lacks a domain is none.

    Exim 4.96 says 501 to both, and hangs up for the former alone (smtp_max_synprot_errors).
    """
    quoted = recipient.startswith('"') and recipient.endswith('"')
    if quoted or "@" not in recipient:
        return "501 recipient address must contain a domain"
    wrong = "[" in recipient or recipient.count("@") > 1
    return SYNTAX if wrong and not recipient.startswith(f"@{NAME}:") else "550 relay not permitted"


@pytest.mark.parametrize("forms", ["usual", "all"])
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    "rule",
    [lambda s, r: DENIED, lambda s, r: "550 5.7.1 relaying denied", exim],
    ids=["Postfix", "550", "Exim"],
)
def test_closed_servers_pass_with_every_form_answered(
    rule: Decision, pipelining: bool, forms: str
) -> None:
    server = Scripted(rule, pipelining=pipelining)
    result, probes = looked_at(server, forms)
    assert result.outcome is Outcome.PASS, result.unknown
    assert len(result.evidence) == len(probes.forms)
    assert server.slowed == 0


@pytest.mark.parametrize("forms", ["usual", "all"])
def test_recipients_without_domain_are_ambiguous_at_most(forms: str) -> None:
    result, probes = looked_at(Scripted(appends_own_domain), forms)
    accepted = [form for form in probes.forms if form.outcome is FormOutcome.ACCEPTED]
    assert bool(accepted) == (forms == "all")
    assert result.outcome is (Outcome.UNKNOWN if accepted else Outcome.PASS)
    if accepted:
        assert result.unknown[0].reason is Reason.AMBIGUOUS


def test_a_catch_all_is_ambiguous() -> None:
    result, _ = looked_at(Scripted(catch_all))
    assert result.outcome is Outcome.UNKNOWN
    assert "ambiguous" in result.unknown[0].detail


def test_a_catch_all_at_the_hosts_own_name_alone_is_ambiguous() -> None:
    def rule(sender: str, recipient: str) -> str:
        own = recipient.endswith(f"@{NAME}") and not recipient.startswith("@")
        return OK if own else DENIED

    result, _ = looked_at(Scripted(rule))
    assert result.outcome is Outcome.UNKNOWN
    assert f"@{NAME}" in result.unknown[0].detail


def test_the_percent_hack_alone_fails() -> None:
    result, _ = looked_at(Scripted(percent_hack))
    assert result.outcome is Outcome.FAIL
    assert "%" in result.violations[0].message


@pytest.mark.parametrize(
    ("sender", "forms"),
    [("", "usual"), (f"probe@{SERVED}", "usual"), (f"probe@{NAME}", "all"), ("probe", "all")],
    ids=["null", "served domain", "host", "bare"],
)
def test_relaying_for_one_sender_alone_fails(sender: str, forms: str) -> None:
    result, _ = looked_at(Scripted(lambda s, r: OK if s == sender else DENIED), forms)
    assert result.outcome is Outcome.FAIL
    assert f"MAIL FROM:<{sender}>" in [e.quote for e in result.violations[0].evidence]


def test_greylisting_is_inconclusive() -> None:
    result, _ = looked_at(Scripted(lambda s, r: "450 4.2.0 Greylisted, come back later"))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED


def test_a_sender_that_does_not_resolve_is_inconclusive() -> None:
    def mail(sender: str) -> str:
        return "250 ok" if sender == "" else "450 4.1.8 Domain not found"

    result, _ = looked_at(Scripted(lambda s, r: DENIED, mail))
    assert result.outcome is Outcome.UNKNOWN
    assert "450 4.1.8 Domain not found" in result.unknown[0].detail


def test_a_small_error_budget_leaves_it_inconclusive() -> None:
    result, probes = looked_at(Scripted(lambda s, r: DENIED, hard_limit=4))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail.startswith("inconclusive: answered 4 of 8 forms")
    assert {form.outcome for form in probes.forms} == {
        FormOutcome.DENIED,
        FormOutcome.NOT_TESTED,
    }


def test_a_reply_with_530_in_its_text_is_not_taken_for_a_login() -> None:
    """Other tests stop at any reply that holds the digits."""
    result, _ = looked_at(Scripted(lambda s, r: "250 2.1.5 Ok 1530 queued"))
    assert result.outcome is Outcome.FAIL


def test_a_sink_that_takes_anything_fails_with_the_impossible_domain_in_evidence() -> None:
    result, _ = looked_at(Scripted(lambda s, r: OK))
    assert result.outcome is Outcome.FAIL
    assert ".invalid" in " ".join(e.quote for e in result.violations[0].evidence[2:])


def test_a_trusted_vantage_says_nothing_of_strangers() -> None:
    result, _ = looked_at(Scripted(lambda s, r: OK), sends_from=("127.0.0.1",))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail.startswith("trusted vantage")


def test_no_server_is_ever_sent_data() -> None:
    server = Scripted(lambda s, r: OK)
    looked_at(server, "all")
    said = {line.partition(" ")[0] for lines in server.sessions for line in lines}
    assert said == {"EHLO", "MAIL", "RCPT", "RSET", "QUIT"}
