"""What the command line says of TLSA records and signed zones, beside what Postfix says."""

import json

import pytest

from tests.lab.lab import BOGUS, GOOD, Lab
from tests.lab.network import tool
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

GOOD_HOST = f"mx1.{GOOD}"
DOMAINS = tuple(
    f"{label}.example"
    for label in (
        "sound",
        "stale",
        "misnamed",
        "unusable",
        "untold",
        "insecure",
        "island",
        "expired",
        "unproven",
        "alias",
        "parent",
        "strayed",
    )
)
# The MX hosts of these are in a zone below.
BELOW = ("parent.example", "strayed.example")
AUDITS = {
    "dane-tlsa-published",
    "dane-dnssec-secure",
    "dane-tlsa-matches-certificate",
    "dnssec-signed",
    "dnssec-valid",
}
_POLICY = {
    "id": "dane",
    "version": 1,
    "title": "DANE and DNSSEC alone",
    "audits": dict.fromkeys(sorted(AUDITS)),
}


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over domains that share a host and have one fault each."""
    fleet = lab.write_fleet(tmp_path_factory.mktemp("dane") / "fleet")
    # JSON is YAML.
    (fleet / "policies/dane.yaml").write_text(json.dumps(_POLICY))
    declared = {name: {"sends": True, "receives": True} for name in (GOOD, BOGUS, *DOMAINS)}
    (fleet / "inventory/domains.yaml").write_text(json.dumps(declared))
    return perform(lab, fleet, "--policy", "policies/dane.yaml")


@pytest.mark.parametrize(
    ("domain", "published", "secure", "signed", "valid"),
    [
        (GOOD, "pass", "pass", "pass", "pass"),
        ("sound.example", "pass", "pass", "pass", "pass"),
        ("alias.example", "pass", "pass", "pass", "pass"),
        ("stale.example", "pass", "pass", "pass", "pass"),
        ("misnamed.example", "pass", "pass", "pass", "pass"),
        ("unusable.example", "fail", "pass", "pass", "pass"),
        ("untold.example", "fail", "pass", "pass", "pass"),
        ("insecure.example", "fail", "fail", "fail", "not-applicable"),
        ("island.example", "fail", "fail", "fail", "not-applicable"),
        ("expired.example", "unknown", "unknown", "unknown", "fail"),
        ("unproven.example", "fail", "fail", "fail", "fail"),
        ("parent.example", "pass", "pass", "pass", "pass"),
        ("strayed.example", "fail", "fail", "fail", "fail"),
        (BOGUS, "unknown", "unknown", "unknown", "fail"),
    ],
)
def test_each_zone_is_judged_as_it_is(
    run: Run, domain: str, published: str, secure: str, signed: str, valid: str
) -> None:
    expected = {
        "dane-tlsa-published": published,
        "dane-dnssec-secure": secure,
        "dnssec-signed": signed,
        "dnssec-valid": valid,
    }
    for audit, outcome in expected.items():
        assert run.outcomes(domain, audit) == {outcome}, audit


@pytest.mark.parametrize(
    ("host", "outcome"),
    [
        (GOOD_HOST, "pass"),
        ("mx1.sound.example", "pass"),
        ("mx1.alias.example", "pass"),
        ("mx1.stale.example", "fail"),
        ("mx1.misnamed.example", "fail"),
        ("mx1.unusable.example", "not-applicable"),
        ("mx1.untold.example", "not-applicable"),
        ("mx1.insecure.example", "not-applicable"),
        ("mx1.island.example", "not-applicable"),
    ],
)
def test_each_record_is_compared_with_the_certificate_of_a_real_postfix(
    run: Run, host: str, outcome: str
) -> None:
    assert run.outcomes(host, "dane-tlsa-matches-certificate", port=25) == {outcome}


def test_host_in_a_signed_child_zone_is_validated_from_its_own_keys(run: Run) -> None:
    host = "mx1.sub.parent.example"
    assert run.outcomes("parent.example", "dane-tlsa-published", "dnssec-valid") == {"pass"}
    assert run.outcomes(host, "dane-tlsa-matches-certificate", port=25) == {"pass"}
    facts = [json.loads(line) for line in (run.directory / "facts.jsonl").read_text().splitlines()]
    zones = [
        seen["fact"]["zone"]
        for seen in facts
        if seen.get("fact", {}).get("kind") == "dns.dnssec-host"
        and seen["fact"]["subject"]["name"] == host
    ]
    assert [(zone["name"], zone["bogus"]) for zone in zones] == [("sub.parent.example", None)]
    assert zones[0]["answer"]["authenticated"]
    assert {key["key_tag"] for key in zones[0]["ds"]} <= {
        key["key_tag"] for key in zones[0]["keys"]
    }


def test_messages_say_what_is_wrong(run: Run) -> None:
    words = {
        ("expired.example", "dnssec-valid"): "the zone expired.example is bogus",
        ("unproven.example", "dane-dnssec-secure"): "the absence of TLSA records",
        ("island.example", "dnssec-signed"): "its parent has no DS record",
        ("mx1.misnamed.example", "dane-tlsa-matches-certificate"): "is not for mx1.misnamed",
        ("insecure.example", "dane-dnssec-secure"): "are in no secure zone",
    }
    for (subject, audit), expected in words.items():
        (result,) = run.about(subject, audit)
        messages = [violation["message"] for violation in result["violations"]]
        assert any(expected in message for message in messages), messages


@pytest.mark.skipif(tool("posttls-finger") is None, reason="posttls-finger is not installed")
@pytest.mark.parametrize("domain", [GOOD, *DOMAINS, BOGUS])
def test_posttls_finger_authenticates_what_we_pass_and_nothing_else(
    lab: Lab, run: Run, domain: str
) -> None:
    host = f"mx1.sub.{domain}" if domain in BELOW else f"mx1.{domain}"
    verdicts = {
        *run.outcomes(domain, "dane-tlsa-published", "dane-dnssec-secure", "dnssec-valid"),
        *(
            result["outcome"]
            for result in run.results
            if result["audit"] == "dane-tlsa-matches-certificate"
            and (result["subject"]["host"], result["subject"]["port"]) == (host, 25)
        ),
    }
    said = _finger(lab, domain)
    assert ("Verified TLS connection established" in said) is (verdicts == {"pass"}), said


def _finger(lab: Lab, domain: str) -> str:
    """What Postfix' own client says of the first MX host that it reaches, at level `dane`."""
    config = lab.postfix("good").folder / "etc"
    done = lab.auditor.run(
        "posttls-finger",
        *("-c", "-l", "dane", "-L", "summary,verbose", "-T", "10", domain),
        env={"MAIL_CONFIG": str(config)},
    )
    return done.stdout + done.stderr
