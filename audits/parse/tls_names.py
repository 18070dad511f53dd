"""Code points of TLS by their names in the IANA registries, and what the names of suites say.

Cipher suites that need a pre-shared key, SRP, Kerberos or a DSA or static DH certificate are left
out: no mail server has them.
"""

from types import MappingProxyType

# By what stands in front of the cipher; code points are those of the TLS Cipher Suites registry.
_SUITES: dict[str, dict[int, str]] = {
    "TLS_RSA_WITH_": {
        0x0001: "NULL_MD5",
        0x0002: "NULL_SHA",
        0x0004: "RC4_128_MD5",
        0x0005: "RC4_128_SHA",
        0x0007: "IDEA_CBC_SHA",
        0x0009: "DES_CBC_SHA",
        0x000A: "3DES_EDE_CBC_SHA",
        0x002F: "AES_128_CBC_SHA",
        0x0035: "AES_256_CBC_SHA",
        0x003B: "NULL_SHA256",
        0x003C: "AES_128_CBC_SHA256",
        0x003D: "AES_256_CBC_SHA256",
        0x0041: "CAMELLIA_128_CBC_SHA",
        0x0084: "CAMELLIA_256_CBC_SHA",
        0x0096: "SEED_CBC_SHA",
        0x009C: "AES_128_GCM_SHA256",
        0x009D: "AES_256_GCM_SHA384",
        0x00BA: "CAMELLIA_128_CBC_SHA256",
        0x00C0: "CAMELLIA_256_CBC_SHA256",
        0xC03C: "ARIA_128_CBC_SHA256",
        0xC03D: "ARIA_256_CBC_SHA384",
        0xC050: "ARIA_128_GCM_SHA256",
        0xC051: "ARIA_256_GCM_SHA384",
        0xC07A: "CAMELLIA_128_GCM_SHA256",
        0xC07B: "CAMELLIA_256_GCM_SHA384",
        0xC09C: "AES_128_CCM",
        0xC09D: "AES_256_CCM",
        0xC0A0: "AES_128_CCM_8",
        0xC0A1: "AES_256_CCM_8",
    },
    "TLS_RSA_EXPORT_WITH_": {
        0x0003: "RC4_40_MD5",
        0x0006: "RC2_CBC_40_MD5",
        0x0008: "DES40_CBC_SHA",
    },
    "TLS_DHE_RSA_EXPORT_WITH_": {
        0x0014: "DES40_CBC_SHA",
    },
    "TLS_DHE_RSA_WITH_": {
        0x0015: "DES_CBC_SHA",
        0x0016: "3DES_EDE_CBC_SHA",
        0x0033: "AES_128_CBC_SHA",
        0x0039: "AES_256_CBC_SHA",
        0x0045: "CAMELLIA_128_CBC_SHA",
        0x0067: "AES_128_CBC_SHA256",
        0x006B: "AES_256_CBC_SHA256",
        0x0088: "CAMELLIA_256_CBC_SHA",
        0x009A: "SEED_CBC_SHA",
        0x009E: "AES_128_GCM_SHA256",
        0x009F: "AES_256_GCM_SHA384",
        0x00BE: "CAMELLIA_128_CBC_SHA256",
        0x00C4: "CAMELLIA_256_CBC_SHA256",
        0xC044: "ARIA_128_CBC_SHA256",
        0xC045: "ARIA_256_CBC_SHA384",
        0xC052: "ARIA_128_GCM_SHA256",
        0xC053: "ARIA_256_GCM_SHA384",
        0xC07C: "CAMELLIA_128_GCM_SHA256",
        0xC07D: "CAMELLIA_256_GCM_SHA384",
        0xC09E: "AES_128_CCM",
        0xC09F: "AES_256_CCM",
        0xC0A2: "AES_128_CCM_8",
        0xC0A3: "AES_256_CCM_8",
        0xCCAA: "CHACHA20_POLY1305_SHA256",
    },
    "TLS_DH_anon_EXPORT_WITH_": {
        0x0017: "RC4_40_MD5",
        0x0019: "DES40_CBC_SHA",
    },
    "TLS_DH_anon_WITH_": {
        0x0018: "RC4_128_MD5",
        0x001A: "DES_CBC_SHA",
        0x001B: "3DES_EDE_CBC_SHA",
        0x0034: "AES_128_CBC_SHA",
        0x003A: "AES_256_CBC_SHA",
        0x0046: "CAMELLIA_128_CBC_SHA",
        0x006C: "AES_128_CBC_SHA256",
        0x006D: "AES_256_CBC_SHA256",
        0x0089: "CAMELLIA_256_CBC_SHA",
        0x009B: "SEED_CBC_SHA",
        0x00A6: "AES_128_GCM_SHA256",
        0x00A7: "AES_256_GCM_SHA384",
        0x00BF: "CAMELLIA_128_CBC_SHA256",
        0x00C5: "CAMELLIA_256_CBC_SHA256",
        0xC084: "CAMELLIA_128_GCM_SHA256",
        0xC085: "CAMELLIA_256_GCM_SHA384",
    },
    "TLS_": {
        0x00C6: "SM4_GCM_SM3",
        0x00C7: "SM4_CCM_SM3",
        0x1301: "AES_128_GCM_SHA256",
        0x1302: "AES_256_GCM_SHA384",
        0x1303: "CHACHA20_POLY1305_SHA256",
        0x1304: "AES_128_CCM_SHA256",
        0x1305: "AES_128_CCM_8_SHA256",
        0xC0B4: "SHA256_SHA256",
        0xC0B5: "SHA384_SHA384",
    },
    "TLS_ECDH_ECDSA_WITH_": {
        0xC001: "NULL_SHA",
        0xC002: "RC4_128_SHA",
        0xC003: "3DES_EDE_CBC_SHA",
        0xC004: "AES_128_CBC_SHA",
        0xC005: "AES_256_CBC_SHA",
        0xC025: "AES_128_CBC_SHA256",
        0xC026: "AES_256_CBC_SHA384",
        0xC02D: "AES_128_GCM_SHA256",
        0xC02E: "AES_256_GCM_SHA384",
    },
    "TLS_ECDHE_ECDSA_WITH_": {
        0xC006: "NULL_SHA",
        0xC007: "RC4_128_SHA",
        0xC008: "3DES_EDE_CBC_SHA",
        0xC009: "AES_128_CBC_SHA",
        0xC00A: "AES_256_CBC_SHA",
        0xC023: "AES_128_CBC_SHA256",
        0xC024: "AES_256_CBC_SHA384",
        0xC02B: "AES_128_GCM_SHA256",
        0xC02C: "AES_256_GCM_SHA384",
        0xC048: "ARIA_128_CBC_SHA256",
        0xC049: "ARIA_256_CBC_SHA384",
        0xC05C: "ARIA_128_GCM_SHA256",
        0xC05D: "ARIA_256_GCM_SHA384",
        0xC072: "CAMELLIA_128_CBC_SHA256",
        0xC073: "CAMELLIA_256_CBC_SHA384",
        0xC086: "CAMELLIA_128_GCM_SHA256",
        0xC087: "CAMELLIA_256_GCM_SHA384",
        0xC0AC: "AES_128_CCM",
        0xC0AD: "AES_256_CCM",
        0xC0AE: "AES_128_CCM_8",
        0xC0AF: "AES_256_CCM_8",
        0xCCA9: "CHACHA20_POLY1305_SHA256",
    },
    "TLS_ECDH_RSA_WITH_": {
        0xC00B: "NULL_SHA",
        0xC00C: "RC4_128_SHA",
        0xC00D: "3DES_EDE_CBC_SHA",
        0xC00E: "AES_128_CBC_SHA",
        0xC00F: "AES_256_CBC_SHA",
        0xC029: "AES_128_CBC_SHA256",
        0xC02A: "AES_256_CBC_SHA384",
        0xC031: "AES_128_GCM_SHA256",
        0xC032: "AES_256_GCM_SHA384",
    },
    "TLS_ECDHE_RSA_WITH_": {
        0xC010: "NULL_SHA",
        0xC011: "RC4_128_SHA",
        0xC012: "3DES_EDE_CBC_SHA",
        0xC013: "AES_128_CBC_SHA",
        0xC014: "AES_256_CBC_SHA",
        0xC027: "AES_128_CBC_SHA256",
        0xC028: "AES_256_CBC_SHA384",
        0xC02F: "AES_128_GCM_SHA256",
        0xC030: "AES_256_GCM_SHA384",
        0xC04C: "ARIA_128_CBC_SHA256",
        0xC04D: "ARIA_256_CBC_SHA384",
        0xC060: "ARIA_128_GCM_SHA256",
        0xC061: "ARIA_256_GCM_SHA384",
        0xC076: "CAMELLIA_128_CBC_SHA256",
        0xC077: "CAMELLIA_256_CBC_SHA384",
        0xC08A: "CAMELLIA_128_GCM_SHA256",
        0xC08B: "CAMELLIA_256_GCM_SHA384",
        0xCCA8: "CHACHA20_POLY1305_SHA256",
    },
    "TLS_ECDH_anon_WITH_": {
        0xC015: "NULL_SHA",
        0xC016: "RC4_128_SHA",
        0xC017: "3DES_EDE_CBC_SHA",
        0xC018: "AES_128_CBC_SHA",
        0xC019: "AES_256_CBC_SHA",
    },
}

SUITES = MappingProxyType(
    {code: head + tail for head, tails in _SUITES.items() for code, tail in tails.items()}
)
SUITES_13 = frozenset(_SUITES["TLS_"])
# The suites of TLS 1.3 that RFC 8446 appendix B.4 defines.
RFC8446_SUITES = frozenset({0x1301, 0x1302, 0x1303, 0x1304, 0x1305})
SUITES_BEFORE_13 = frozenset(SUITES) - SUITES_13

# Cipher kinds of SSL 2, three octets each
SSL2_SUITES = MappingProxyType(
    {
        0x010080: "SSL_CK_RC4_128_WITH_MD5",
        0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
        0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
        0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
        0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5",
        0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
        0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
    }
)

# TLS Supported Groups
GROUPS = MappingProxyType(
    {
        1: "sect163k1",
        2: "sect163r1",
        3: "sect163r2",
        4: "sect193r1",
        5: "sect193r2",
        6: "sect233k1",
        7: "sect233r1",
        8: "sect239k1",
        9: "sect283k1",
        10: "sect283r1",
        11: "sect409k1",
        12: "sect409r1",
        13: "sect571k1",
        14: "sect571r1",
        15: "secp160k1",
        16: "secp160r1",
        17: "secp160r2",
        18: "secp192k1",
        19: "secp192r1",
        20: "secp224k1",
        21: "secp224r1",
        22: "secp256k1",
        23: "secp256r1",
        24: "secp384r1",
        25: "secp521r1",
        26: "brainpoolP256r1",
        27: "brainpoolP384r1",
        28: "brainpoolP512r1",
        29: "x25519",
        30: "x448",
        31: "brainpoolP256r1tls13",
        32: "brainpoolP384r1tls13",
        33: "brainpoolP512r1tls13",
        256: "ffdhe2048",
        257: "ffdhe3072",
        258: "ffdhe4096",
        259: "ffdhe6144",
        260: "ffdhe8192",
        512: "MLKEM512",
        513: "MLKEM768",
        514: "MLKEM1024",
        4587: "SecP256r1MLKEM768",
        4588: "X25519MLKEM768",
        4589: "SecP384r1MLKEM1024",
    }
)
CURVES = frozenset(range(1, 31))
# Curves that go by another number in TLS 1.3 (RFC 8734 section 3)
RENUMBERED_13 = MappingProxyType({26: 31, 27: 32, 28: 33})
FFDHE = frozenset(range(256, 261))
# Hybrids of a lattice and an elliptic curve, in TLS 1.3 alone
HYBRIDS = frozenset({4587, 4588, 4589})

# TLS SignatureScheme, and the pairs of HashAlgorithm and SignatureAlgorithm of RFC 5246
SCHEMES = MappingProxyType(
    {
        0x0101: "rsa_pkcs1_md5",
        0x0201: "rsa_pkcs1_sha1",
        0x0203: "ecdsa_sha1",
        0x0301: "rsa_pkcs1_sha224",
        0x0303: "ecdsa_sha224",
        0x0401: "rsa_pkcs1_sha256",
        0x0403: "ecdsa_secp256r1_sha256",
        0x0501: "rsa_pkcs1_sha384",
        0x0503: "ecdsa_secp384r1_sha384",
        0x0601: "rsa_pkcs1_sha512",
        0x0603: "ecdsa_secp521r1_sha512",
        0x0804: "rsa_pss_rsae_sha256",
        0x0805: "rsa_pss_rsae_sha384",
        0x0806: "rsa_pss_rsae_sha512",
        0x0807: "ed25519",
        0x0808: "ed448",
        0x0809: "rsa_pss_pss_sha256",
        0x080A: "rsa_pss_pss_sha384",
        0x080B: "rsa_pss_pss_sha512",
        0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
        0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
        0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    }
)

# TLS Alerts
ALERTS = MappingProxyType(
    {
        0: "close_notify",
        10: "unexpected_message",
        20: "bad_record_mac",
        22: "record_overflow",
        40: "handshake_failure",
        42: "bad_certificate",
        43: "unsupported_certificate",
        47: "illegal_parameter",
        50: "decode_error",
        51: "decrypt_error",
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: "user_canceled",
        109: "missing_extension",
        110: "unsupported_extension",
        112: "unrecognized_name",
        116: "certificate_required",
        120: "no_application_protocol",
    }
)


def suite_name(code: int) -> str:
    """The name of a suite, of SSL 2's too; of an unknown one its number."""
    return SUITES.get(code) or SSL2_SUITES.get(code) or f"suite {code:#06x}"


def group_name(code: int) -> str:
    """The name of a group; of an unknown one its number."""
    return GROUPS.get(code, f"group {code}")


def scheme_name(code: int) -> str:
    """The name of a signature scheme; of an unknown one its number."""
    return SCHEMES.get(code, f"scheme {code:#06x}")


def alert_name(number: int | None) -> str:
    """The name of an alert; of an unknown one its number."""
    return "an error" if number is None else f"alert {ALERTS.get(number, number)}"


def key_exchange(code: int) -> str:
    """Key exchange and authentication in a suite's name, such as `ECDHE_RSA`; empty in TLS 1.3."""
    head, found, _ = SUITES.get(code, "").partition("_WITH_")
    return head.removeprefix("TLS_") if found else ""


def is_ephemeral(code: int) -> bool:
    """Whether the server sends a ServerKeyExchange for this suite."""
    method = key_exchange(code)
    return method.startswith(("ECDHE_", "DHE_")) or "_anon" in method


def is_signed(code: int) -> bool:
    """Whether a signature covers the key exchange."""
    return key_exchange(code).startswith(("ECDHE_", "DHE_"))
