"""Cipher lists in the language of OpenSSL, which the configurations of most programs speak."""

# Names of ciphers(1) for suites that encrypt nothing, name no peer or use a broken cipher.
_NAMES = "ALL ANULL COMPLEMENTOFALL LOW ENULL EXP EXPORT RC4 3DES DES MD5 NULL"
_WEAK = frozenset(_NAMES.split())


def is_weak(ciphers: str) -> bool:
    """Whether an OpenSSL cipher list takes in what gives no real protection (ciphers(1))."""
    for word in ciphers.replace(",", ":").replace(" ", ":").split(":"):
        if word.startswith(("!", "-", "+")):
            continue
        if word.upper().startswith("@SECLEVEL=0"):
            return True
        parts = {part.upper() for part in word.split("+")}
        if parts & _WEAK and f"-{word}" not in ciphers:
            return True
    return False
