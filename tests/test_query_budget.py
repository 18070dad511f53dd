"""How many DNS queries a fleet costs: a bound for a domain, and nothing asked twice."""

import asyncio
from pathlib import Path

from audits.policy_file import read_policy
from tests.vectors import Case, Inventory, Mta, Page, judged

POLICY = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 604800\n"
TLSA = "TLSA 3 1 1 <<leaf 1 1 {}>>"
WHOLE = {
    "example.com": (
        "MX 10 mx1.example.com",
        "MX 20 mx2.example.com",
        "A 192.0.2.80",
        "TXT v=spf1 mx include:_spf.example.com -all",
    ),
    "_spf.example.com": ("TXT v=spf1 ip4:192.0.2.1 -all",),
    "s1._domainkey.example.com": ("TXT v=DKIM1; k=ed25519; p=Z/52zgsauoZ0ylHuZR9yogBLRoE8rMWf",),
    "s2._domainkey.example.com": ("TXT v=DKIM1; k=ed25519; p=Z/52zgsauoZ0ylHuZR9yogBLRoE8rMWf",),
    "_dmarc.example.com": ("TXT v=DMARC1; p=reject; rua=mailto:d@example.com",),
    "_mta-sts.example.com": ("TXT v=STSv1; id=20260101",),
    "_smtp._tls.example.com": ("TXT v=TLSRPTv1; rua=mailto:t@example.com",),
    "mx1.example.com": ("A 192.0.2.1",),
    "mx2.example.com": ("A 192.0.2.2",),
    "_25._tcp.mx1.example.com": (TLSA.format("mx1.example.com"),),
    "_25._tcp.mx2.example.com": (TLSA.format("mx2.example.com"),),
}


def test_domain_with_everything_costs_forty_queries_at_most_and_none_twice(
    tmp_path: Path,
) -> None:
    everything = read_policy("baseline", base=tmp_path).audit_ids()
    case = Case(
        id="whole",
        rule="",
        expect=dict.fromkeys(everything, ""),
        zone=WHOLE,
        secure=("*",),
        inventory=Inventory(
            {
                "example.com": {
                    "sends": True,
                    "receives": True,
                    "dkim": [{"selector": "s1"}, {"selector": "s2"}],
                }
            }
        ),
        https={"mta-sts.example.com": Page(POLICY)},
        smtp={"mx1.example.com": Mta(), "mx2.example.com": Mta()},
    )
    with asyncio.Runner() as loop:
        seen = judged(case, loop, tmp_path, timeout_s=10)
    asked = [(each.name, each.rdtype, each.flags) for each in seen.asked]
    assert {"TLSA", "MX", "TXT", "A", "AAAA"} <= {rdtype for _, rdtype, _ in asked}
    assert len(asked) == len(set(asked))
    assert len(asked) <= 40, "\n".join(f"{rdtype} {name}" for name, rdtype, _ in sorted(asked))
    assert not [result for result in seen.results if result.outcome == "error"]


def test_thousand_domains_behind_one_mx_host_ask_for_it_once(tmp_path: Path) -> None:
    names = [f"d{number}.example.com" for number in range(1000)]
    zone = dict.fromkeys(names, ("MX 10 mx.example.net",))
    case = Case(
        id="thousand",
        rule="",
        expect={"mx-target-resolves": ""},
        zone={**zone, "mx.example.net": ("A 192.0.2.1",)},
        inventory=Inventory({name: {"sends": False, "receives": True} for name in names}),
    )
    with asyncio.Runner() as loop:
        seen = judged(case, loop, tmp_path, timeout_s=10)
    about_the_host = [each.rdtype for each in seen.asked if each.name == "mx.example.net"]
    assert sorted(about_the_host) == ["A", "AAAA"]
    assert len({each.name for each in seen.asked if each.rdtype == "MX"}) == 1000
    assert len(seen.results) == 1000
    assert not [result for result in seen.results if result.unknown]
