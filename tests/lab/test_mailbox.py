"""A mailbox of ours behind Postfix and Dovecot, with OpenDKIM to judge what comes in."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from ruamel.yaml import YAML

from audits.cli.exits import Exit
from tests.lab.lab import IPV4_NETWORK, SILENT_RESOLVER, Lab, Machine, running_lab
from tests.lab.servers.dovecot import IMAPS_PORT, LMTP, Dovecot, DovecotSettings
from tests.lab.servers.opendkim import MILTER, OpenDkimSettings
from tests.lab.servers.postfix import SUBMISSION, PostfixSettings
from tests.lab.servers.server import Login, wait_until
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

BOX, BOX_ADDRESS = "box.example.org", f"{IPV4_NETWORK}.10"
CANARY = f"alice@{BOX}"
SUBMITS = "submits.example.org"
PASSWORD = "battery staple"
DELIVERS = {"delivers_to": BOX_ADDRESS}
# What whoever submits could write himself, in the name of a server that is not on the way, and of
# the one that judges.
FORGED = "somewhere.example; dkim=pass header.d=bank.example"
FORGED_AS_BOX = f"mx1.{BOX}; dkim=pass header.d=bank.example"
_PREPENDED = ",".join(
    f"check_client_access static:{{PREPEND Authentication-Results: {field}}}"
    for field in (FORGED, FORGED_AS_BOX)
)


def _machines() -> tuple[Machine, ...]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    to_mailboxes = {"local_transport": f"lmtp:inet:{LMTP}", "recipient_delimiter": "+"}
    return (
        Machine(
            "box",
            10,
            BOX,
            (
                PostfixSettings({**to_mailboxes, **MILTER}, **DELIVERS),
                DovecotSettings(mailbox=Login("alice", BOX, PASSWORD)),
                OpenDkimSettings("verify", public, SUBMITS),
            ),
        ),
        Machine(
            "submits",
            11,
            SUBMITS,
            (
                PostfixSettings(
                    {**MILTER, "smtpd_data_restrictions": _PREPENDED},
                    {25: {}, 587: SUBMISSION},
                    **DELIVERS,
                ),
                OpenDkimSettings("sign", private),
            ),
        ),
        Machine(
            "open",
            12,
            "open.example.org",
            (PostfixSettings({"mynetworks": "0.0.0.0/0 [::]/0"}, **DELIVERS),),
        ),
        Machine("closed", 13, "closed.example.org", (PostfixSettings(**DELIVERS),)),
    )


@pytest.fixture(scope="module")
def lab(buildable: None) -> Iterator[Lab]:
    with running_lab(_machines(), "i") as running:
        yield running


@dataclass(frozen=True)
class Imap:
    """How the fleet says that the mailbox is read."""

    host: str = f"mx1.{BOX}"
    port: int = IMAPS_PORT
    password: str = PASSWORD
    trusted: bool = True


def fleet_of(lab: Lab, folder: Path, imap: Imap = Imap()) -> Path:
    fleet = lab.write_fleet(folder / "fleet")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(imap.password)
    yaml, path = YAML(), fleet / "mailproof.yaml"
    settings = yaml.load(path.read_text())
    settings["probe"]["canary"] = {
        "mailbox": CANARY,
        "window_s": 8,
        "imap": {
            "host": imap.host,
            "port": imap.port,
            "username": CANARY,
            "password": f"file:{secret}",
        },
    }
    if not imap.trusted:
        del settings["trust"]
    with path.open("w") as file:
        yaml.dump(settings, file)
    return fleet


def dovecot(lab: Lab) -> Dovecot:
    (found,) = (each for each in lab.servers["box"] if isinstance(each, Dovecot))
    return found


def delivered(lab: Lab) -> list[str]:
    return dovecot(lab).delivered()


def verdicts(run: Run, label: str) -> list[tuple[str, Any]]:
    results = run.about(f"mx1.{label}.example.org", "relay-refused")
    return [(r["outcome"], r["violations"] or r["unknown"]) for r in results]


def test_canary_is_found_in_a_mailbox_over_imap(lab: Lab, tmp_path: Path) -> None:
    before = delivered(lab)
    fleet = fleet_of(lab, tmp_path)
    hosts = "mx1.open.example.org,mx1.closed.example.org"
    run = perform(lab, fleet, "--canary", "--limit", hosts)
    ((outcome, (violation, *_)),) = verdicts(run, "open")
    assert (outcome, violation["message"][:9]) == ("fail", "confirmed")
    assert verdicts(run, "closed") == [("pass", None)]
    (message,) = [text for text in delivered(lab) if text not in before]
    assert "Received: from mx1.open.example.org" in message
    assert lab.queued() == {}
    facts = (run.directory / "facts.jsonl").read_text()
    assert PASSWORD not in facts


def test_trace_shows_what_the_receiving_server_says_of_authentication(
    lab: Lab, tmp_path: Path
) -> None:
    fleet = fleet_of(lab, tmp_path)
    secret = tmp_path / "login"
    secret.touch(mode=0o600)
    secret.write_text("correct horse")
    via = ("--via", f"mx1.{SUBMITS}:587", "--login", f"alice@{SUBMITS}=file:{secret}")
    done = lab.mailproof("trace", CANARY, *via, "--send", "--json", cwd=fleet)
    found = json.loads(done.stdout)
    assert (done.returncode, found["result"]) == (Exit.COMPLETE, "through"), found["sentence"]
    (judged,) = found["arrival"]["authentication_results"]
    assert judged.startswith(f"mx1.{BOX}; dkim=pass")
    assert f"header.d={SUBMITS}" in judged
    assert found["arrival"]["foreign_authentication_results"] == [FORGED]
    # OpenDKIM takes out what was written in its own name before (RFC 8601 section 5).
    assert FORGED_AS_BOX not in done.stdout
    (message,) = [text for text in delivered(lab) if found["recipient"] in text]
    assert judged.split(";")[0] in message

    shown = lab.mailproof("trace", CANARY, *via, "--send", cwd=fleet).stdout
    assert f"Authentication-Results: mx1.{BOX}; dkim=pass" in shown
    assert f"not to be believed: {FORGED}" in shown


def test_message_without_a_signature_is_judged_so(lab: Lab, tmp_path: Path) -> None:
    found = json.loads(
        lab.mailproof("trace", CANARY, "--send", "--json", cwd=fleet_of(lab, tmp_path)).stdout
    )
    (judged,) = found["arrival"]["authentication_results"]
    assert judged.startswith(f"mx1.{BOX}; dkim=none")


@pytest.mark.parametrize(
    ("imap", "words"),
    [
        (Imap(password="wrong"), f"the login as {CANARY} was refused"),
        (Imap(trusted=False), "CERTIFICATE_VERIFY_FAILED"),
        (Imap(host=f"mx1.{SUBMITS}", port=587), "SSL"),
        (Imap(host=f"mx1.{SUBMITS}", port=993), "refused"),
        (Imap(host=f"[{IPV4_NETWORK}.{SILENT_RESOLVER}]"), "no answer within 10 s"),
    ],
    ids=["wrong password", "untrusted certificate", "no TLS", "closed", "silent"],
)
def test_nothing_is_sent_where_nobody_could_look_for_it(
    lab: Lab, tmp_path: Path, imap: Imap, words: str
) -> None:
    fleet = fleet_of(lab, tmp_path, imap)
    before = lab.postfix("open").log.read_text()
    done = lab.mailproof("run", "--canary", "--limit", "mx1.open.example.org", cwd=fleet)
    assert done.returncode == Exit.USAGE, done.stderr
    assert "probe.canary can't be read" in done.stderr
    assert words in done.stderr
    assert imap.password not in done.stderr
    assert lab.postfix("open").log.read_text() == before


def test_mailbox_that_closes_after_the_message_was_sent_leaves_it_unknown(
    lab: Lab, tmp_path: Path
) -> None:
    fleet = fleet_of(lab, tmp_path)
    log, users = dovecot(lab).log, dovecot(lab).folder / "users"
    earlier, known = log.read_text().count("imap-login: Info: Login"), users.read_text()

    before = len(delivered(lab))

    def looked() -> bool:
        return log.read_text().count("imap-login: Info: Login") > earlier

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(perform, lab, fleet, "--canary", "--limit", "mx1.open.example.org")
        wait_until(looked, "the first look into the mailbox", log)
        try:
            users.write_text(known.replace(PASSWORD, "another"))
            run = running.result(120)
        finally:
            users.write_text(known)
    assert len(delivered(lab)) == before + 1
    ((outcome, (violation, *_)),) = verdicts(run, "open")
    assert outcome == "fail"
    assert violation["message"].startswith(
        "relays mail for strangers, accepted at RCPT, and the canary's mailbox can't be read: "
        f"mx1.{BOX}:993: IMAP: the login as {CANARY} was refused"
    )
