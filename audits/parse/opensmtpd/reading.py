"""A whole OpenSMTPD configuration: listeners, rules, trusted networks, and what is wrong."""

import re
from collections.abc import Iterator

from audits.facts.fact import Silence
from audits.facts.mta import Mta, Parameter, Program, Question, Ruling, TrustedNetwork
from audits.parse.config_tree import ConfigTree, Reading
from audits.parse.opensmtpd.grammar import read_declared
from audits.parse.opensmtpd.listener import listeners
from audits.parse.opensmtpd.problem import problems
from audits.parse.opensmtpd.rule import Rules
from audits.parse.opensmtpd.statement import Action, Declared

# Where nobody says which version it is, the judgement is that of this one.
_USUAL = (7, 4)
_USUAL_OLD = (6, 0)
_NEW_GRAMMAR_SINCE = (6, 4)
# The key of filter-dkimsign(8), among the arguments of its program.
_SIGNED_WITH = re.compile(r"(?<=\s-k)\s*(/[^\s\"]+)")

_OLD_RULE = re.compile(r"^[ \t]*(accept|reject)\b", re.MULTILINE)
_NEW_RULE = re.compile(r"^[ \t]*(match|action)\b", re.MULTILINE)


def read_opensmtpd(tree: ConfigTree, place: str, version: str | None) -> Reading | Silence:
    """What smtpd.conf at a place says; a silence where there is none.

    version: as `smtpd -h` gives it, or None; then the rules show which of its two grammars it is.
    """
    found = tree.read(place)
    if isinstance(found, Silence):
        return found
    said = version_of(version)
    rules_are_old = bool(_OLD_RULE.search(found.text)) and not _NEW_RULE.search(found.text)
    old = said < _NEW_GRAMMAR_SINCE if said else rules_are_old
    declared = Declared(old, said or (_USUAL_OLD if old else _USUAL))
    read_declared(tree, place, declared)
    rules = Rules(declared, tree)
    open_ = "; ".join(dict.fromkeys(rules.unread_networks())) or None
    program = Program(
        mta=Mta.OPENSMTPD,
        instance=place,
        version=version,
        parameters=tuple(
            Parameter(name, line.text, line.text, line) for name, line in declared.lines
        ),
        rulings=tuple(_outbound(declared)),
        password_schemes=(),
        problems=tuple(problems(declared)),
        unread=tuple(dict.fromkeys(declared.unread)),
    )
    networks = tuple(
        TrustedNetwork(Mta.OPENSMTPD, place, prefix, line) for prefix, line in rules.trusted()
    )
    listening = tuple(listeners(declared, rules, place))
    return Reading(
        program,
        listening,
        networks,
        open_,
        secret_files=tuple(_secret_files(declared)),
        certificate_files=tuple(
            dict.fromkeys(parts["cert"] for parts in declared.pki.values() if "cert" in parts)
        ),
    )


def _secret_files(declared: Declared) -> Iterator[str]:
    """Paths of keys and of tables with logins, for their permissions alone."""
    for parts in declared.pki.values():
        if "key" in parts:
            yield parts["key"]
    names = [each.logins for each in declared.listening]
    for action in declared.actions.values():
        words = action.relay or ()
        names += [words[n + 2] for n in range(len(words) - 2) if words[n : n + 2] == ("auth", "<")]
    for name in dict.fromkeys(names):
        table = declared.tables.get(name)
        if table is not None and table.path:
            yield table.path
    for signer in declared.filters.values():
        if "dkimsign" in signer.line.text:
            yield from _SIGNED_WITH.findall(signer.line.text)


def version_of(text: str | None) -> tuple[int, ...]:
    """`OpenSMTPD 6.8.0p2` as numbers; empty where it is not known or not to be read."""
    found = re.search(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text or "")
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _outbound(declared: Declared) -> Iterator[Ruling]:
    """TLS when sending: tried unless an action says otherwise; neither DANE nor MTA-STS."""
    relays = [action for action in declared.actions.values() if action.relay is not None]
    if not relays:
        return
    bare = [action for action in relays if _in_clear(action)]
    decisive = tuple(action.line for action in bare or relays)
    why = "`relay` tries STARTTLS unless `smtp+notls` is its host"
    yield Ruling(Question.OUTBOUND_TLS, "no" if bare else "yes", why, decisive)
    for question, name in (
        (Question.OUTBOUND_DANE, "DANE"),
        (Question.OUTBOUND_MTA_STS, "MTA-STS"),
    ):
        yield Ruling(question, "no", f"OpenSMTPD does not know {name}", decisive)


def _in_clear(action: Action) -> bool:
    return any(word.startswith("smtp+notls://") for word in action.relay or ())
