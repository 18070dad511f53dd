"""What the words of a policy mean as code points."""

import pytest

from audits.facts.tls_offer import Version
from audits.parse.tls_names import (
    RFC8446_SUITES,
    SUITES,
    SUITES_BEFORE_13,
    alert_name,
    group_name,
    is_ephemeral,
    is_signed,
    key_exchange,
    scheme_name,
    suite_name,
)
from audits.parse.tls_policy import (
    ALLOW_LISTS,
    DENIED,
    MODERN_GROUPS,
    curves_outside,
    denied_suites,
    dhe_suites,
    hybrids_named,
    suites_13_outside,
    suites_without_forward_secrecy,
    versions_below,
)


def names(codes: frozenset[int]) -> set[str]:
    return {suite_name(code) for code in codes}


def test_names_are_unique() -> None:
    assert len(set(SUITES.values())) == len(SUITES)


@pytest.mark.parametrize(
    ("word", "has", "has_not"),
    [
        ("DES", "TLS_RSA_WITH_DES_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
        ("3DES", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_DES_CBC_SHA"),
        ("EXPORT", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "TLS_RSA_WITH_DES_CBC_SHA"),
        ("anon", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ("MD5", "SSL_CK_RC4_128_WITH_MD5", "TLS_RSA_WITH_RC4_128_SHA"),
        ("CBC", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ],
)
def test_word_denies_what_it_names(word: str, has: str, has_not: str) -> None:
    denied = names(denied_suites([word]))
    assert has in denied
    assert has_not not in denied


def test_nothing_that_is_allowed_anywhere_is_denied_everywhere() -> None:
    denied = denied_suites(DENIED)
    for allowed, tolerated in ALLOW_LISTS.values():
        assert allowed.isdisjoint(tolerated)
        assert denied.isdisjoint(allowed | tolerated)


def test_rfc9325_is_what_it_recommends() -> None:
    allowed, _ = ALLOW_LISTS["rfc9325"]
    assert names(allowed & SUITES_BEFORE_13) == {
        f"TLS_ECDHE_{key}_WITH_{cipher}"
        for key in ("RSA", "ECDSA")
        for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
    }
    assert allowed >= RFC8446_SUITES
    assert suites_13_outside(allowed) == frozenset()


def test_nl_lets_run_out_cbc_with_sha2_and_dhe_but_not_sha1() -> None:
    _, tolerated = ALLOW_LISTS["ncsc-nl-sufficient"]
    found = names(tolerated)
    assert "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" in found
    assert "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" in found
    assert "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256" in found
    assert "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" not in found
    assert "TLS_RSA_WITH_AES_256_GCM_SHA384" not in found


def test_narrow_list_asks_for_the_rest_of_tls_1_3() -> None:
    outside = names(suites_13_outside(ALLOW_LISTS["ncsc-nl-sufficient"][0]))
    assert {"TLS_AES_128_CCM_8_SHA256", "TLS_SHA256_SHA256"} <= outside


def test_key_exchange_is_read_from_the_name() -> None:
    assert key_exchange(0xC02F) == "ECDHE_RSA"
    assert key_exchange(0x1301) == ""
    assert is_ephemeral(0x0018)
    assert not is_signed(0x0018)
    assert not is_ephemeral(0x0003)
    assert suites_without_forward_secrecy().isdisjoint(dhe_suites())
    assert "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256" in names(suites_without_forward_secrecy())


def test_groups_and_versions_are_found_by_name() -> None:
    assert 21 in curves_outside(MODERN_GROUPS)
    assert 29 not in curves_outside(["X25519"])
    assert hybrids_named(["x25519mlkem768"]) == {4588}
    assert versions_below(Version.TLS10) == {Version.SSL2, Version.SSL3}


def test_unknown_numbers_are_shown_as_numbers() -> None:
    assert suite_name(0xFAFA) == "suite 0xfafa"
    assert group_name(9999) == "group 9999"
    assert scheme_name(0x9999) == "scheme 0x9999"
    assert alert_name(200) == "alert 200"
    assert alert_name(None) == "an error"
