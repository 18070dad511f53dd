"""Every rule of mail's DNS that tools were seen to get wrong has a vector, and so has every bug.

`RULES` are the rules by chapter, each with the rows of the vectors that hold us to it; what a world
on loopback can't show is proven by another test, named beside them as `file::function`. `BUGS` are
those confirmed in other tools: each has a vector whose name begins with the tool.
"""

import re
from pathlib import Path

import pytest

from tests.vectors import cases

TESTS = Path(__file__).parent
CASES = cases()
ROWS = {case.row for case in CASES if case.row}

RULES: dict[str, dict[str, tuple[str, ...]]] = {
    "SPF": {
        "the version is case-insensitive": ("spf-version",),
        "the version stands alone at the start": ("spf-version-ends",),
        "several records are permerror": ("spf-several",),
        "a syntax error anywhere is permerror": ("spf-behind-all",),
        "exp and redirect stand once at most": ("spf-twice",),
        "redirect is ignored beside all": ("spf-redirect-all",),
        "include or redirect without a target is permerror": ("spf-target-none",),
        "failure of the DNS below a term is temperror": (
            "spf-include-silent",
            "spf-exists-silent",
            "spf-silent",
        ),
        "which terms are counted": ("spf-count",),
        "names of an mx are limited by themselves": ("spf-mx-names",),
        "a repeated include is counted again": ("spf-repeated",),
        "evaluation may stop before the worst case": ("spf-early-match",),
        "void look-ups depend on the client's family": ("spf-void",),
        "exists asks for A": ("spf-exists-a",),
        "macros for explanations, and letters of macros": ("spf-macro-case",),
        "a single label is left open": ("spf-toplabel",),
        "prefix lengths": ("spf-prefix",),
        "unknown modifiers": ("spf-unknown-modifier",),
        "strings are joined with nothing between": ("spf-strings",),
        "octets outside printable ASCII": ("spf-control",),
        "one tag is not found inside another": ("dmarc-substring",),
        "type SPF is not used": ("spf-type-99",),
        "names with a slash": ("spf-slash",),
        "includes are followed": ("spf-include-all",),
        "the record is read as published": ("spf-verbatim",),
    },
    "DMARC": {
        "the version is exact, its name is not": ("dmarc-version",),
        "unknown tags are ignored": ("dmarc-unknown-tag",),
        "the order of tags is free": ("dmarc-order",),
        "obsolete tags and sizes": ("dmarc-obsolete", "dmarc-rua"),
        "p missing or invalid": ("dmarc-no-p", "dmarc-bad-p"),
        "test mode lowers the policy": ("dmarc-test-mode",),
        "np is for names that do not exist": ("dmarc-missing-name",),
        "sp is for names below": ("dmarc-effective", "dmarc-below"),
        "sp of a name's own record is not for it": ("dmarc-own-sp",),
        "the walk takes eight queries at most": ("dmarc-walk", "dmarc-walk-end"),
        "the organizational domain": ("dmarc-organizational",),
        "author, organizational domain, public suffix": ("dmarc-suffix",),
        "several records are discarded, and the walk goes on": ("dmarc-several",),
        "other texts are discarded": ("dmarc-other-texts",),
        "without a record above a domain is its own organization": ("dmarc-own-organization",),
        "destinations of reports outside": ("dmarc-external",),
        "a public suffix gets no failure reports": ("dmarc-suffix-ruf",),
        "silence is not an invalid record": ("dmarc-silent",),
    },
    "MTA-STS and TLS-RPT": {
        "one record of its version": ("sts-records", "tlsrpt-records"),
        "the policy is fetched without redirects, under PKIX": (
            "sts-redirect",
            "sts-certificate",
            "sts-silent",
        ),
        "the media type is a warning": ("sts-type",),
        "line ends": ("sts-line-ends",),
        "duplicate, unknown and misspelt fields": ("sts-duplicates", "sts-misspelt"),
        "max_age": ("sts-max-age",),
        "patterns": ("sts-patterns",),
        "the MX host's own name is matched, by name and certificate": (
            "sts-alias",
            "sts-mx-certificate",
        ),
        "a host outside an enforced policy gets no mail": ("sts-cover",),
        "the id follows the policy": ("sts-id",),
        "a policy is not inherited": ("sts-inherit",),
        "DANE is not overridden": ("sts-dane",),
        "name and schemes of TLS-RPT": ("tlsrpt-name", "tlsrpt-rua"),
    },
    "DANE and DNSSEC": {
        "MX, addresses and TLSA all secure": ("dane-secure",),
        "SERVFAIL is not the absence of records": ("dane-servfail",),
        "denial has to be proven": (
            "dane-bogus",
            "lab/test_dane.py::test_each_zone_is_judged_as_it_is",
        ),
        "usages 0 and 1": ("dane-usage", "dane-no-tls"),
        "what usages 3 and 2 look at": ("dane-ee", "dane-ta", "dane-ta-root"),
        "one of several issuers": ("dane-issuers",),
        "selector 0": ("dane-selector",),
        "rollover": ("dane-rollover",),
        "the base follows a secure alias, the record may be one": ("dane-base", "dane-cname"),
        "every address and every type of certificate": ("dane-each", "dane-key-types"),
        "a host in a signed child zone": (
            "dane-child",
            "lab/test_dane.py::test_host_in_a_signed_child_zone_is_validated_from_its_own_keys",
        ),
        "AD of a resolver that validates": ("dane-resolver", "dnssec-resolver"),
        "two resolvers, each with answers of its own": ("dane-second", "dnssec-second"),
        "keys without a DS record": (
            "dnssec-island",
            "lab/test_dane.py::test_each_zone_is_judged_as_it_is",
        ),
        "bogus is not dead": ("dnssec-bogus",),
        "the zone of the MX host, and parameters": ("dnssec-mx", "dnssec-parameters"),
    },
    "MX, PTR and SMTP": {
        "null MX": ("mx-null",),
        "targets are host names and no aliases": ("mx-target",),
        "implicit MX": ("mx-implicit",),
        "order is numeric": ("mx-order",),
        "hosts of IPv6 alone": ("mx-ipv6",),
        "SERVFAIL leaves a domain in scope": ("mx-servfail",),
        "what was silent is told by name": ("mx-silent",),
        "silence of a reverse zone": ("ptr-silent",),
        "several PTR records": ("ptr-several",),
        "HELO and banner": ("helo", "greeting"),
        "implicit TLS on 465": ("port-465",),
        "AUTH before TLS": ("auth-before-tls",),
        "AUTH is required, whenever the refusal comes": ("auth-required",),
        "each port has rules of its own": ("port-profile",),
        "codes of block lists": ("dnsbl-codes", "dnsbl-refusal", "dnsbl-dead", "dnsbl-silent"),
        "SRV records of submission": (
            "srv-not-offered",
            "srv-published",
            "srv-silent",
            "srv-target",
        ),
        "CAA: climb, aliases and issuers": (
            "caa-climb",
            "caa-alias",
            "caa-silent",
            "caa-issue",
            "caa-issuer",
        ),
        "findings have an exit code": (
            "exit-code",
            "lab/test_outcomes.py::"
            "test_findings_alone_and_tolerated_unknowns_have_exit_codes_of_their_own",
        ),
    },
    "DKIM and BIMI": {
        "version": ("dkim-version",),
        "revoked, missing and duplicate": ("dkim-revoked", "dkim-no-p", "dkim-duplicate"),
        "size comes from the modulus": ("dkim-size",),
        "bare RSAPublicKey": ("dkim-pkcs1",),
        "Ed25519": ("dkim-ed25519",),
        "type in capitals": ("dkim-k-case",),
        "services": ("dkim-services",),
        "hashes": ("dkim-hashes",),
        "flags": ("dkim-flags",),
        "strings and folding": ("dkim-strings",),
        "several records": ("dkim-several",),
        "artefacts of zone files": ("dkim-artefacts",),
        "aliases": ("dkim-alias",),
        "private and known keys": ("dkim-private", "dkim-weak"),
        "elliptic curves": ("dkim-ecdsa",),
        "the name above selectors": ("dkim-domainkey", "dkim-silent"),
        "shared and old keys": ("dkim-shared", "dkim-age"),
        "BIMI needs an enforced policy": ("bimi-policy",),
        "what else DMARC leans on": ("dmarc-dkim", "dmarc-parked"),
    },
}

# Tool and bug, by the name of the vector that is ours to get right.
BUGS: dict[str, tuple[str, ...]] = {
    "checkdmarc": (
        "6.0.4 takes a version in mixed case for a syntax error",
        "6.0.4 takes a timeout of an included name for a permanent error",
        "6.0.4 never looks up the name in exists",
        "6.0.4 takes a record with a term behind all for valid",
        "6.0.4 takes a macro error behind all for valid",
        "6.0.4 takes a macro for explanations in exp for valid",
        "6.0.4 takes two redirects for valid",
        "6.0.4 takes a carriage return for a space",
        "6.0.4 rejects a name with a slash in it",
        "6.0.4 takes an address for an mx pattern",
        "6.0.4 accepts a max_age of 0",
        "6.0.4 only warns of an MX host outside an enforced policy",
        "6.0.4 gives p=none to a record with neither p nor rua",
        "6.0.4 takes a policy that can't be read for the end of DMARC",
        "6.0.4 shows p=quarantine in test mode as it stands",
        "6.0.4 prints the parent's p for a subdomain under sp",
        "6.0.4 has no policy for a name that does not exist",
        "6.0.4 stops at several records and looks no further up",
        "6.0.4 takes a verification text beside the record for fatal",
        "6.0.4 takes a timeout for an invalid record",
        "6.0.4 gives answers of one set of name servers for another, from its DNS cache",
        "6.0.4 ends with exit code 0 whatever it finds",
        "6.0.4 takes SERVFAIL for no TLSA record",
        "6.0.4 drops TLSA records behind an alias",
        "6.0.4 validates TLSA records with the keys of another zone",
        "6.0.4 looks for no CAA record at a parent",
    ),
    "Internet.nl": (
        "2026-07 takes an unknown tag for a syntax error",
        "2026-07 takes a policy that is not the second tag for a syntax error",
        "2026-07 counts no a with a host",
        "2026-07 finds no limit in mx terms without an include",
        "2026-07 counts a redirect beside all",
        "2026-07 takes a single label for a domain",
    ),
    "trustymail": (
        "gives credit for STARTTLS to a host of IPv6 alone that it can not reach",
        "leaves out a domain whose servers fail",
        "and mailvalidator speak in clear to port 465",
        "takes np, psd and t for invalid",
        "demands pct, which is no more",
    ),
    "zonemaster": (
        "8.1 lists the silent servers where it means those that answered wrongly",
        "8.1 lower-cases the policy before it reads it",
        "8.1 does not follow an include",
    ),
    "Mail-in-a-Box": (
        "sorts MX records as text and looks at the first",
        "takes a rollover pair for incorrect",
        "shows a name that gets SERVFAIL as not set",
    ),
    "mailvalidator": (
        "judges submission by the rules for MX hosts",
        "0.1.8 takes 127.0.0.2 for the only answer of a list",
        "0.1.8 takes an empty _domainkey for DKIM",
    ),
    "dkimpy": (
        "1.1.8 takes a key that is not for mail",
        "1.1.8 ignores h, and so a key that is for SHA-1 alone",
        "1.1.8 ignores t, and so a key in testing",
        "1.1.8 can't tell a revoked key from garbage",
        "1.1.8 takes v behind another tag",
        "1.1.8 refuses a key type in capitals",
        "1.1.8 says no more than bad version of an escape from a zone file",
    ),
}
PROVEN = [
    (f"{c}: {rule}", p) for c, rules in RULES.items() for rule, ps in rules.items() for p in ps
]


@pytest.mark.parametrize(("rule", "proof"), PROVEN, ids=[f"{r} ({p})" for r, p in PROVEN])
def test_rule_is_proven(rule: str, proof: str) -> None:
    file, _, function = proof.partition("::")
    if function:
        assert re.search(rf"^def {function}\(", (TESTS / file).read_text(), re.MULTILINE), rule
    else:
        assert proof in ROWS, rule


@pytest.mark.parametrize(("chapter", "rules"), RULES.items())
def test_every_rule_has_a_vector(chapter: str, rules: dict[str, tuple[str, ...]]) -> None:
    bare = [rule for rule, proofs in rules.items() if not ROWS.intersection(proofs)]
    assert not bare, chapter


def test_every_row_of_a_vector_belongs_to_a_rule() -> None:
    assert not ROWS - {proof for _, proof in PROVEN}


@pytest.mark.parametrize("name", [f"{tool} {bug}" for tool, bugs in BUGS.items() for bug in bugs])
def test_bug_of_another_tool_has_a_vector_of_its_name(name: str) -> None:
    (case,) = [case for case in CASES if case.id == name]
    assert case.row
