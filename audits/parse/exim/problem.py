"""What is wrong with the files of an Exim themselves: what would stop it, and what is lost."""

from collections.abc import Iterator
from difflib import get_close_matches

from audits.facts.mta import Problem
from audits.parse.exim.config import VERBS, Config
from audits.parse.exim.daemon import Daemon
from audits.parse.exim.defaults import MAIN_OPTIONS, USUAL

_NEEDS_DRIVER = ("routers", "transports", "authenticators")


def problems(daemon: Daemon) -> Iterator[Problem]:
    """Everything wrong beyond the syntax of single lines."""
    config = daemon.config
    yield from _unknown(daemon)
    yield from _other_library(daemon)
    yield from _without_acl(daemon)
    for section in _NEEDS_DRIVER:
        for driver in getattr(config, section):
            if "driver" not in driver.options:
                message = f"`{driver.name}` of {section} has no driver"
                yield Problem("missing", True, message, "`driver = ...`", driver.line.place)
    yield from _without_transport(config, daemon)
    yield from _lists(config, daemon)


def _unknown(daemon: Daemon) -> Iterator[Problem]:
    for name, option in daemon.config.options.items():
        if name in MAIN_OPTIONS:
            continue
        near = get_close_matches(name, MAIN_OPTIONS, 1, 0.8)
        if not near and daemon.build.number > USUAL:
            continue  # the list of names is that of 4.96
        expected = f"`{near[0]}`" if near else "an option of this version"
        place = option.line.place
        yield Problem("unknown", bool(near), f"Exim has no option `{name}`", expected, place)


def _other_library(daemon: Daemon) -> Iterator[Problem]:
    option = daemon.config.options.get("openssl_options")
    if option is not None and option.value and daemon.build.library == "GnuTLS":
        message = "openssl_options is set, and this Exim was built with GnuTLS"
        yield Problem("value", True, message, "tls_require_ciphers", option.line.place)


def _without_acl(daemon: Daemon) -> Iterator[Problem]:
    """ACLs that an option names and nobody wrote: the command is then put off."""
    for name, option in daemon.config.options.items():
        text = option.value.strip()
        if not name.startswith("acl_") or not text or daemon.unread:
            continue
        if text in daemon.config.acls or "$" in text or text.startswith("/"):
            continue
        if text.split()[0] in VERBS:
            continue
        message = f"{name} names the ACL `{text[:60]}`, which is not there"
        yield Problem("missing", True, message, "the name of an ACL", option.line.place)


def _without_transport(config: Config, daemon: Daemon) -> Iterator[Problem]:
    there = {transport.name for transport in config.transports}
    for router in config.routers:
        option = router.options.get("transport")
        if option is None or option.value in there or "$" in option.value or daemon.unread:
            continue
        message = f"the router {router.name} names the transport `{option.value[:60]}`"
        place = option.line.place
        yield Problem("missing", True, message, "a transport that is there", place)


def _lists(config: Config, daemon: Daemon) -> Iterator[Problem]:
    """Named lists that are referred to and not there."""
    if daemon.unread:
        return
    for acl in config.acls.values():
        for statement in acl.statements:
            for condition in statement.conditions:
                kind = {"hosts": "host", "domains": "domain"}.get(condition.name)
                if kind is None or "$" in condition.value:
                    continue
                for word in condition.value.replace("!", " ").replace(":", " ").split():
                    if not word.startswith("+") or word[1:].startswith(("include_", "ignore_")):
                        continue
                    if (kind, word[1:]) not in config.lists:
                        message = f"`{condition.name}` refers to `{word[:60]}`, which is not there"
                        place = condition.line.place_at(condition.offset)
                        expected = f"a {kind}list of that name"
                        yield Problem("missing", False, message, expected, place)
