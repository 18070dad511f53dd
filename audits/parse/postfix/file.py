"""The files beside its tables that a Postfix configuration names: keys, certificates, logins."""

import re
from collections.abc import Iterator, Sequence

from audits.errors import ParseError
from audits.parse.postfix.scope import Scope

_SIDES = ("smtpd", "smtp", "lmtp")
_TYPES = ("", "ec", "d")
# Logins at other servers, and what `postmap -F` makes of keys.
_MAPS = ("smtp_sasl_password_maps", "lmtp_sasl_password_maps", "tls_server_sni_maps")
# Tables whose definition holds a login to the database.
_DATABASE = re.compile(r"(?:proxy:)?(?:ldap|mongodb|mysql|pgsql):(/.+)")
_MAP = re.compile(r"(?:[\w-]+:)*(/.+)")


def secret_files(scopes: Sequence[Scope], names: Sequence[str]) -> Iterator[str]:
    """Paths of keys and of maps with passwords, for their permissions alone.

    scopes: of main.cf and of each service; names: of the parameters that are set anywhere.
    """
    for scope in scopes:
        for side in _SIDES:
            chains = _words(scope, f"{side}_tls_chain_files")
            keys = (word for t in _TYPES for word in _words(scope, f"{side}_tls_{t}key_file"))
            yield from (word for word in chains or keys if word.startswith("/"))
        for name in _MAPS:
            yield from _paths(_MAP, _words(scope, name))
        for name in names:
            yield from _paths(_DATABASE, _words(scope, name))


def certificate_files(scopes: Sequence[Scope]) -> tuple[str, ...]:
    """Paths of the certificates that smtpd(8) presents; empty where a table may name others."""
    found: dict[str, None] = {}
    for scope in scopes:
        if scope.raw("tls_server_sni_maps"):
            return ()
        chains = _words(scope, "smtpd_tls_chain_files")
        single = [word for t in _TYPES for word in _words(scope, f"smtpd_tls_{t}cert_file")]
        found |= dict.fromkeys(word for word in chains or single if word.startswith("/"))
    return tuple(found)


def _words(scope: Scope, name: str) -> list[str]:
    try:
        return scope.words(name)
    except ParseError:
        return []  # told as a problem, with its place


def _paths(pattern: re.Pattern[str], words: Sequence[str]) -> Iterator[str]:
    found = (pattern.fullmatch(word) for word in words)
    yield from (match[1] for match in found if match)
