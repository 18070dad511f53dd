"""Debian's Exim: the configuration that update-exim4.conf(8) makes of its own settings.

It takes the template, or the pieces in conf.d one after the other, and puts macros for the values
of update-exim4.conf.conf where the line `UPEX4CmacrosUPEX4C` stands. What it generated is read
instead wherever that was supplied.
"""

import re
from collections.abc import Iterator
from posixpath import basename, join

from audits.facts.fact import Silence
from audits.parse.config_tree import ConfigText, ConfigTree

_ORDER = ("main", "acl", "router", "transport", "retry", "rewrite", "auth")
_SETTING = re.compile(r"""\s*(dc_\w+)=(['"]?)(.*?)\2\s*(?:#.*)?""")
_NAMES = re.compile(r"[A-Za-z0-9_-]+")


def assembled(tree: ConfigTree, folder: str) -> tuple[str, ConfigText] | None:
    """The configuration of a folder like /etc/exim4; None where it holds no such settings.

    Each macro stands on the line of the setting that gives it.
    """
    settings = tree.read(join(folder, "update-exim4.conf.conf"))
    if isinstance(settings, Silence):
        return None
    lines = settings.text.split("\n")
    found = [_SETTING.fullmatch(line) for line in lines]
    split = any(each[1] == "dc_use_split_config" and each[3] == "true" for each in found if each)
    sources = list(_sources(tree, folder, split))
    if not sources:
        return None
    local = tree.read(join(folder, "exim4.conf.localmacros"))
    own = "" if isinstance(local, Silence) else local.text
    macros = [_macro(each[1], each[3], own) if each else "" for each in found]
    macros.append(f".include_if_exists {join(folder, 'exim4.conf.localmacros')}")
    macros += [f".include {source}" for source in sources]
    path = join(folder, "update-exim4.conf.conf")
    return path, ConfigText(settings.shown, "\n".join(macros))


def _sources(tree: ConfigTree, folder: str, split: bool) -> Iterator[str]:
    if not split:
        template = join(folder, "exim4.conf.template")
        if not isinstance(tree.read(template), Silence):
            yield template
        return
    for part in _ORDER:
        for path in tree.matching(join(folder, "conf.d", part, "*")):
            if _NAMES.fullmatch(basename(path)):
                yield path


def _macro(setting: str, value: str, own: str) -> str:
    """The macro that a setting becomes, unless the administrator's own macros have it."""
    items = _items(value)
    lists = {
        "dc_other_hostnames": ("MAIN_LOCAL_DOMAINS", ["@", "localhost", *items]),
        "dc_relay_domains": ("MAIN_RELAY_TO_DOMAINS", items or ["empty"]),
        "dc_relay_nets": ("MAIN_RELAY_NETS", ["", "127.0.0.1", "::::1", *items]),
    }
    if setting in lists:
        name, words = lists[setting]
        text = " : ".join(words)
    elif setting == "dc_local_interfaces" and value:
        name, text = "MAIN_LOCAL_INTERFACES", f"<; {re.sub(' : ', ' ; ', value)}"
    elif setting == "dc_eximconfig_configtype":
        name, text = f"DCconfig_{value}", "1"
    elif setting == "dc_smarthost" and value:
        name, text = "DCsmarthost", value
    elif setting == "dc_localdelivery" and value:
        name, text = "LOCAL_DELIVERY", value
    else:
        return ""
    already = re.search(rf"^\s*{re.escape(name)}\s*=", own, re.MULTILINE)
    return "" if already else f"{name} = {text}"


def _items(text: str) -> list[str]:
    """The items of a setting, which semicolons separate, or colons in older ones."""
    parts = text.split(";") if ";" in text else re.split(r"(?<!:):(?!:)", text)
    words = [part.strip() for part in parts]
    return [word.replace(":", "::") if ";" in text else word for word in words if word]
