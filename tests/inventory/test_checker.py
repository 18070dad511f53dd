"""Values in their one form, and how those that have none are told."""

import pytest

from tests.inventory.written import mail, problems, read


def attested(*more: str) -> str:
    """The mail data of a host with an attestation at its third line."""
    uri = "evidence_uri: 'https://wiki.example.net/mfa'"
    entry = ", ".join((uri, "by: Head of IT", "date: 2026-01-15", *more))
    return f"roles: [msa]\nattest:\n  submission_mfa: {{{entry}}}"


def test_names_and_addresses_are_canonical() -> None:
    fleet = read(
        hosts=mail("roles: [mx]\naddresses: ['2001:DB8::0:10']", name="MX1.Bücher.Example."),
        domains="BÜCHER.example: {sends: true, receives: true, senders: [mx1.bücher.example]}",
    )
    assert fleet.host_names == ("mx1.xn--bcher-kva.example",)
    assert fleet.hosts[0].fact.addresses == ("2001:db8::10",)
    assert fleet.domains[0].fact.senders == ("mx1.xn--bcher-kva.example",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("roles: [mx, mxx]", "4: mx1.example.net: data.mail.roles[1]: found 'mxx', expected one"),
        ("roles: []", "4: mx1.example.net: data.mail.roles: found a list, expected a list of mx"),
        ("roles: [mx, none]", "4: mx1.example.net: data.mail.roles: found 'none' beside others"),
        (
            "roles: [mx]\naddresses:\n- 192.0.2.1\n- 192.0.2.300",
            "7: mx1.example.net: data.mail.addresses[1]: found '192.0.2.300', expected an IPv4",
        ),
        (
            "roles: [mx]\nbehind_gateway: [192.0.2.1/24]",
            "5: mx1.example.net: data.mail.behind_gateway[0]: found '192.0.2.1/24', expected a pre",
        ),
        ("roles: [mx]\nservices: [{port: 0}]", "5: mx1.example.net: data.mail.services[0].port: "),
        (
            "roles: [mx]\nservices: [{port: 25}, {port: 25}]",
            "5: mx1.example.net: data.mail.services[1].port: found port 25 again, expected it once",
        ),
        (
            "roles: [mx]\nservices: [{port: 25, connect: localhost}]",
            "5: mx1.example.net: data.mail.services[0].connect: found 'localhost', expected addre",
        ),
        (
            "roles: [mx]\nhelo_name: mx1",
            "5: mx1.example.net: data.mail.helo_name: found 'mx1', expected a fully qualified name",
        ),
        ("roles: [mx]\ndomains: [a..b]", "5: mx1.example.net: data.mail.domains[0]: found 'a..b'"),
        (
            attested("value: hope", "expires: 2027-01-15"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.value: found 'hope', expected one",
        ),
        (
            attested("value: tokens", "expires: soon"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.expires: found 'soon', expected a",
        ),
        (
            attested("value: tokens", "expires: 2025-01-15"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.expires: found 2025-01-15, expe",
        ),
        (
            attested("value: tokens"),
            "6: mx1.example.net: data.mail.attest.submission_mfa: key 'expires' is missing",
        ),
        (
            "roles: [msa]\nattest: {submision_mfa: {}}",
            "5: mx1.example.net: data.mail.attest: found key 'submision_mfa', expected one of",
        ),
    ],
)  # fmt: skip
def test_bad_value_is_told_with_file_line_and_key(text: str, message: str) -> None:
    found = problems(hosts=mail(text), domains=None)
    assert len(found) == 1
    assert found[0].startswith(f"inventory/hosts.yaml:{message}")
