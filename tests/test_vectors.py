"""Small worlds, each with what audits must say of it and the clause that decides.

The worlds are in `data/vectors/*.yaml`. Each is brought up on loopback, looked at by the live
collectors, stored, read back, and judged. A file holds

    texts: {NAME: TEXT}          # optional; `<<NAME>>` in a record stands for TEXT
    cases:
      - id: a short sentence     # a bug seen in another tool begins with the tool and its version
        rule: RFC 7208 section 4.5
        row: spf-version         # optional: a rule that other tools were seen to get wrong
        zone:                    # whatever is not here does not exist
          example.com: [TXT v=spf1 -all, MX 10 mx.example.com]
          mx.example.com: A 192.0.2.1
        expect:
          spf-published: pass    # of the one subject that the audit was asked about, or
          mx-target-resolves: {outcome: fail, says: part of a message, subject: mx.example.com}

`expect` may name pass, fail, unknown, not-applicable; `says` and `not_says` look into messages,
notes and quotes, where `a server` stands for the address of one; `subject` is how the subject's
name begins, where an audit has several; `severity` may be told; a list holds several expectations.
A bare TXT value is cut into strings of 255 octets; one that begins with `"` is taken as a master
file has it. Beside these there are, all optional:

    fails: {NAME or NAME TYPE: TIMEOUT, BOGUS or an RCODE such as SERVFAIL}
    secure: [NAME or NAME TYPE]  # AD is set there, and the resolver is seen to validate
    trusted_resolver: false      # or it is not, for all its AD
    second: {fails: {}}          # a second resolver, which fails at other names than the first
    inventory: {domains: {as in domains.yaml}, hosts: {HOST: as data.mail in hosts.yaml}}
    lists: [ZONE]                # block lists that are asked
    params: {AUDIT: {NAME: VALUE}}
    https: {HOST: {body, status, type, headers, certificate, silent, refused}}
    smtp: {HOST or ADDRESS: {certificate, with_rsa, ports, behaviour}}
    asks: {PREFIX: [names]}      # all names with that prefix that were asked for, in order
    never_asks: [NAME]
    exit_code: 10                # how `mailproof run` ends with these results
    truth: {spf: valid}          # what any tool ought to find, for benchmarks/accuracy.py
    before: {zone, fails, https ...}   # what was otherwise when the run before looked

The inventory has example.com by default, which sends and receives. Certificates are `good`,
`expired`, `self-signed`, `wrong-name`, `untrusted`, `leaf-only`; for HTTPS also `wildcard` and
`cn-only`, for SMTP also `none`. A record may hold `<<leaf 1 1 HOST>>`: the TLSA data of selector
and matching type for what HOST serves; `issuer` and `root` are those above the leaf, and the root
is never served; `rsa` is the certificate of `with_rsa`. An address of the zone that no server is
given for refuses connections.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from audits.evaluate.result import Result
from tests.vectors import Case, Expected, cases, judged, words

CASES = cases()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_vector(case: Case, loop: asyncio.Runner, tmp_path: Path) -> None:
    seen = judged(case, loop, tmp_path)
    for audit, expected in case.expectations():
        result = _result(seen.results, audit, expected)
        said = words(result)
        assert (result.outcome, said) == (expected.outcome, said), result
        assert expected.severity in (None, result.severity)
        assert expected.says is None or expected.says in said
        assert expected.not_says is None or expected.not_says not in said
    names = [asked.name for asked in seen.asked]
    for prefix, wanted in case.asks.items():
        assert tuple(name for name in names if name.startswith(prefix)) == wanted
    assert not set(case.never_asks).intersection(names)
    assert case.exit_code in (None, seen.exit_code)


def _result(results: list[Result], audit: str, expected: Expected) -> Result:
    """The one result of an audit on the subject that is meant."""
    found = [r for r in results if r.audit == audit]
    meant = [r for r in found if str(r.subject).startswith(expected.subject or "")]
    assert len(meant) == 1, f"{audit} was asked of {', '.join(str(r.subject) for r in found)}"
    return meant[0]


def test_every_vector_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
