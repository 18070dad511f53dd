"""Routers: where mail goes, as far as it tells what is relayed (chapters 15 to 22)."""

from collections.abc import Iterator
from dataclasses import replace

from audits.facts.mta import ConfigLine
from audits.parse.exim.config import Driver, Option
from audits.parse.exim.daemon import FOREIGN, Client, Daemon, Finding, Truth, settled
from audits.parse.exim.expansion import truth
from audits.parse.exim.match import ListText, Matcher

_ELSEWHERE = frozenset({"dnslookup", "ipliteral", "manualroute", "queryprogram"})
# As many own domains are tried.
_MOST_OWN = 8
# Recipients at an own domain that name one of others, in two old ways of writing.
HIDDEN = (f"user%{FOREIGN}", f"{FOREIGN}!user")


def takes_foreign(daemon: Daemon, client: Client, *, verifying: bool = False) -> Finding:
    """Whether a router sends mail to domains of others on."""
    open_: Finding | None = None
    for router in daemon.config.routers:
        if verifying and _off(router, "verify", "verify_recipient"):
            continue
        found = _applies(daemon, client, router)
        if found.truth is Truth.NO:
            continue
        kind = router.value("driver")
        if kind == "redirect" or (kind == "accept" and not _is_remote(daemon, router)):
            if found.truth is Truth.YES and router.value("data").lstrip().startswith(":fail:"):
                return Finding(Truth.NO, f"the router {router.name} refuses it")
            continue
        if found.truth is Truth.YES and (kind in _ELSEWHERE or kind == "accept"):
            lines = router.lines("driver")
            return Finding(Truth.YES, f"the router {router.name} sends it on", lines)
        open_ = open_ or found
    if open_ is not None:
        return Finding(Truth.OPEN, open_.why, open_.lines)
    return Finding(Truth.NO, "no router takes mail to domains of others")


def rewrites(daemon: Daemon, client: Client) -> Iterator[tuple[Truth, str, tuple[ConfigLine, ...]]]:
    """What makes a recipient at an own domain one at a domain of others, as HIDDEN has it."""
    option = daemon.config.options.get("percent_hack_domains")
    if option is not None and option.value and "%" in (client.local_part or ""):
        found = Matcher(daemon, client).match(ListText("domain", option.value, option))
        if found.truth is not Truth.NO:
            why = "percent_hack_domains passes on what a recipient such as user%domain@here names"
            yield found.truth, why, tuple(dict.fromkeys((*option.lines, *found.lines)))
    for router in daemon.config.routers:
        if router.value("driver") != "redirect" or "data" not in router.options:
            continue
        where = _applies(daemon, client, router)
        if where.truth is Truth.NO:
            continue
        outcome = daemon.expand(router.value("data"), client)
        if (outcome.text or "").strip().lower().endswith(f"@{FOREIGN}"):
            why = f"the router {router.name} makes {client.local_part}@here a foreign address"
            yield where.truth, why, router.lines("domains", "condition", "data")


def _off(router: Driver, *names: str) -> bool:
    return any(router.value(name) == "false" for name in names)


def _is_remote(daemon: Daemon, router: Driver) -> bool:
    name = router.value("transport")
    return any(t.name == name and t.value("driver") == "smtp" for t in daemon.config.transports)


def _applies(daemon: Daemon, client: Client, router: Driver) -> Finding:
    """Whether a router's preconditions let an address in."""
    held = Truth.YES
    why = ""
    for name, kind in (("domains", "domain"), ("local_parts", "localpart"), ("senders", "address")):
        option = router.options.get(name)
        if option is None:
            continue
        found = Matcher(daemon, client).match(ListText(kind, option.value, option))
        if found.truth is Truth.NO:
            return found
        if found.truth is Truth.OPEN:
            held, why = found.truth, found.why
    condition = router.options.get("condition")
    if condition is not None:
        outcome = daemon.expand(condition.value, client)
        if outcome.text is None:
            found = settled(outcome, f"the condition of the router {router.name}")
            if found.truth is Truth.OPEN:
                held, why = found.truth, found.why
        elif truth(outcome.text) is not True and outcome.text.strip().lower() in (
            *("", "0", "no", "false"),
        ):
            return Finding(Truth.NO)
    return Finding(held, why, router.line.lines)


def own_domains(daemon: Daemon) -> tuple[str, ...]:
    """Names of domains that the lists hold, each once: those that this host takes mail for."""
    client = replace(Client(25, encrypted=False), domain="")
    names: dict[str, None] = {}
    for (kind, _), listed in daemon.config.lists.items():
        if kind == "domain":
            _collect(daemon, client, listed.option, names)
    for router in daemon.config.routers:
        if "domains" in router.options:
            _collect(daemon, client, router.options["domains"], names)
    for acl in daemon.config.acls.values():
        for statement in acl.statements:
            for condition in statement.conditions:
                if condition.name == "domains":
                    option = Option("domains", condition.value, condition.line, condition.offset)
                    _collect(daemon, client, option, names)
    return tuple(names)


def _collect(daemon: Daemon, client: Client, option: Option, names: dict[str, None]) -> None:
    for item in Matcher(daemon, client).items(ListText("domain", option.value, option)):
        if len(names) >= _MOST_OWN:
            return
        text = item.text.lower()
        if text == "@" and daemon.hostname:
            names[daemon.hostname] = None
        elif text and not item.unread and text[0].isalnum() and ";" not in text:
            names[text] = None
        elif text.startswith("*.") and "." in text[2:]:
            names[f"host.{text[2:]}"] = None
