"""Where programs that sign mail for DKIM have their private keys, by their configuration.

Paths alone are looked for. Each text is a part of a file, by a script of sed(1) that leaves out the
lines that might hold a key or a password; a login shell may have put lines of its own before it.
"""

import re

# opendkim.conf(5): KeyFile, and KeyTable, in which the name of each key stands before
# `domain:selector:path`. A key itself may stand in place of the path: it has no `/` behind a colon.
OPENDKIM_KEYS = ("/^[[:space:]]*[Kk][Ee][Yy]/p",)
KEY_TABLE_PATHS = (r"\|:/|p",)
# rspamd's module dkim_signing: `path = "/var/lib/rspamd/dkim/$domain.$selector.key";`
RSPAMD_PATHS = ("/path/p",)
RSPAMD_USUAL = "/var/lib/rspamd/dkim/*.*.key"

_SETTING = re.compile(r"^[ \t]*(KeyFile|KeyTable)[ \t]+(\S+)", re.MULTILINE | re.IGNORECASE)
_TABLE_FILE = re.compile(r"(?:(?:file|refile):)?(/.+)")
_TABLE_LINE = re.compile(r"^[^#\s]\S*[ \t]+[^:\s]+:[^:\s]+:(/\S+)", re.MULTILINE)
_IN_LINE = re.compile(r"=[^:=,]+:[^:,]+:(/[^,\s]+)")
_PATH = re.compile(r"^[^#\n]*?\bpath[\"']?[ \t]*[=:][ \t]*[\"']?(/[^\"';\s]+)", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?\w+\}?|%\{?\w*\}?")


def opendkim_files(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of private keys and of key tables that lines of opendkim.conf name."""
    keys: list[str] = []
    tables: list[str] = []
    for name, value in _SETTING.findall(text):
        if name.lower() == "keyfile":
            keys += [value] if value.startswith("/") else []
        elif value.startswith("csl:"):
            keys += map(_pattern, _IN_LINE.findall(value))
        elif table := _TABLE_FILE.fullmatch(value):
            tables.append(table[1])
    return tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(tables))


def key_table_files(text: str) -> tuple[str, ...]:
    """The paths of private keys in a key table; `*` stands for what depends on the sender."""
    return tuple(dict.fromkeys(map(_pattern, _TABLE_LINE.findall(text))))


def rspamd_files(text: str) -> tuple[str, ...]:
    """The paths of private keys in lines of dkim_signing.conf, with `*` for each variable."""
    return tuple(dict.fromkeys(map(_pattern, _PATH.findall(text))))


def _pattern(path: str) -> str:
    return _VARIABLE.sub("*", path)
