"""ACLs: what becomes of a client's command, statement by statement (chapter 43).

A client chooses what it can forge: its sender, the mailbox, its EHLO name, its names in DNS. So a
rule that refuses for one of these is avoided, and one that accepts for it is met.
"""

from dataclasses import dataclass
from enum import Enum

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine
from audits.parse.exim.config import (
    MODIFIERS,
    VERBS,
    Acl,
    Condition,
    Config,
    Option,
    Statement,
    inline_acl,
    statements,
)
from audits.parse.exim.daemon import FOREIGN, Client, Daemon, Finding, Truth, settled
from audits.parse.exim.expansion import truth
from audits.parse.exim.match import ListText, Matcher
from audits.parse.exim.router import takes_foreign
from audits.parse.exim.source import read_source, shortened

_DEEPEST = 8
_MOST_STEPS = 2_000

# What the options for ACLs come to where they are not set.
_UNSET_REFUSES = frozenset({"acl_smtp_rcpt", "acl_smtp_vrfy", "acl_smtp_expn", "acl_smtp_etrn"})
# The ACLs that a message goes through, in their order.
MESSAGE = (
    "acl_smtp_connect",
    "acl_smtp_helo",
    "acl_smtp_mail",
    "acl_smtp_rcpt",
    "acl_smtp_predata",
    "acl_smtp_data",
)
_LISTS = {
    "hosts": "host",
    "domains": "domain",
    "local_parts": "localpart",
    "senders": "address",
}
# They depend on what a client sends, or on a name in DNS that it can have.
_CHOSEN = frozenset(
    {
        "bmi_optin",
        "decode",
        "demime",
        "dkim_signers",
        "dkim_status",
        "dmarc_status",
        "dnslists",
        "malware",
        "mime_regex",
        "ratelimit",
        "regex",
        "seen",
        "sender_domains",
        "spam",
        "spf",
        "spf_guess",
    }
)


class Fate(Enum):
    """What becomes of a command."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    OPEN = "open"


@dataclass(frozen=True)
class Course:
    """The way of a command through ACLs. why: one clause; lines: the statements that decide."""

    fate: Fate
    why: str
    lines: tuple[ConfigLine, ...]


class Walk:
    """One client's way through the ACLs; variables that they set are kept from one to the next."""

    def __init__(self, daemon: Daemon, client: Client) -> None:
        self._daemon = daemon
        self._client = client
        self._held: dict[str, str | None] = {}
        self._steps = 0
        self._chose = False
        # Lists of domains that make a rule against mail to others let this client by.
        self._let_by: list[Finding] = []

    def message(self) -> Course:
        """The way of a message with one recipient; what RCPT decides stands for an acceptance."""
        courses = []
        for name in MESSAGE:
            course = self.command(name)
            if course.fate is Fate.REFUSED:
                return course
            courses.append(course)
        open_ = next((course for course in courses if course.fate is Fate.OPEN), None)
        return open_ or courses[MESSAGE.index("acl_smtp_rcpt")]

    def command(self, name: str) -> Course:
        """The way of a command through the ACL of an option, such as `acl_smtp_rcpt`."""
        option = self._daemon.config.options.get(name)
        written = self._daemon.raw(name)
        if not written:
            return self._unset(name)
        outcome = self._daemon.expand(written, self._client, self._held)
        if outcome.text is None or option is None:
            found = settled(outcome, name)
            return Course(Fate.OPEN, found.why, self._daemon.lines(name))
        if not outcome.text.strip():
            return self._unset(name)
        return self._named(outcome.text.strip(), option, name, 0)

    def _unset(self, name: str) -> Course:
        lines = self._daemon.lines(name)
        if name not in _UNSET_REFUSES:
            return Course(Fate.ACCEPTED, f"{name} is not set", lines)
        what = {"acl_smtp_rcpt": "every recipient"}.get(name, "the command")
        return Course(Fate.REFUSED, f"{name} is not set, so {what} is refused", lines)

    # --- ACLs ---

    def _named(self, text: str, option: Option, where: str, depth: int) -> Course:
        acl = self._daemon.config.acls.get(text)
        if acl is None and text.startswith("/"):
            acl = self._from_file(text)
        elif acl is None and text.split()[0] in VERBS:
            acl = inline_acl(text, option.line, option.offset)
        if acl is not None:
            return self._acl(acl, option.lines, depth)
        if self._daemon.unread or text.startswith("/"):
            why = f"the ACL {shortened(text)} was not supplied"
            return Course(Fate.OPEN, why, option.lines)
        why = f"there is no ACL `{shortened(text)}`, so {where} puts everything off"
        return Course(Fate.REFUSED, why, option.lines)

    def _from_file(self, path: str) -> Acl | None:
        found = self._daemon.tree.read(path)
        if isinstance(found, Silence):
            return None
        source = read_source(self._daemon.tree, path, found)
        return Acl(path, None, tuple(statements(Config(), source.lines)))

    def _acl(self, acl: Acl, asked_at: tuple[ConfigLine, ...], depth: int) -> Course:
        may_accept: Course | None = None
        may_refuse: Course | None = None
        for statement in acl.statements:
            self._steps += 1
            if self._steps > _MOST_STEPS or depth > _DEEPEST:
                return Course(Fate.OPEN, "ACLs too long to follow", asked_at)
            course = self._statement(statement, depth)
            if course is None:
                continue
            if course.fate is Fate.OPEN:
                accepts = statement.verb in ("accept", "discard")
                may_accept = may_accept or (course if accepts else None)
                may_refuse = may_refuse or (None if accepts else course)
                continue
            other = may_refuse if course.fate is Fate.ACCEPTED else may_accept
            return other or self._with_what_let_by(course)
        if may_accept is not None:
            return may_accept
        lines = acl.line.lines if acl.line else asked_at
        name = f"`{acl.name}`" if acl.name else "the ACL"
        return Course(Fate.REFUSED, f"{name} ends without accepting", lines)

    def _statement(self, statement: Statement, depth: int) -> Course | None:
        """What a statement decides; None where the next one is asked."""
        held = Truth.YES
        passed = False
        why: list[str] = []
        lines = dict.fromkeys(statement.lines)
        for condition in statement.conditions:
            if condition.name in MODIFIERS:
                passed = passed or condition.name == "endpass"
                self._modify(condition, held)
                continue
            found = self._condition(condition, depth)
            answer = found.truth.negated() if condition.negated else found.truth
            lines |= dict.fromkeys(found.lines)
            self._note(statement, condition, found)
            if answer is Truth.NO:
                held = Truth.NO
                break
            if found.why and (answer is Truth.OPEN or held is not Truth.OPEN):
                why.insert(0, found.why) if answer is Truth.OPEN else why.append(found.why)
            if answer is Truth.OPEN or (answer is Truth.CHOSEN and held is Truth.YES):
                held = answer
        if held is Truth.CHOSEN:
            self._chose = True
        told = "; ".join(dict.fromkeys(why[:1] if held is Truth.OPEN else why))
        return _effect(statement, held, passed, told, tuple(lines))

    def _note(self, statement: Statement, condition: Condition, found: Finding) -> None:
        """Remembers a list that a domain of others should not be on, and is."""
        guards = statement.verb == "require" or condition.negated
        listed = condition.name in ("domains", "recipients") and found.lines
        on_it = found.truth in (Truth.YES, Truth.CHOSEN)
        if self._client.domain == FOREIGN and guards and listed and on_it:
            lines = tuple(dict.fromkeys((*statement.lines, *found.lines)))
            why = f"`{condition.name} = {shortened(condition.value)[:80]}`: {found.why}"
            self._let_by.append(Finding(found.truth, why, lines))

    def _with_what_let_by(self, course: Course) -> Course:
        """An acceptance, with the lists that took part in it."""
        if course.fate is not Fate.ACCEPTED or not self._let_by:
            return course
        why = "; ".join(dict.fromkeys(found.why for found in self._let_by))
        lines = dict.fromkeys(line for found in self._let_by for line in found.lines)
        return Course(course.fate, f"{course.why} after {why}", (*lines, *course.lines))

    def _modify(self, condition: Condition, held: Truth) -> None:
        """`set acl_m0 = text`, which counts from here on."""
        if condition.name != "set":
            return
        name, _, text = condition.value.partition("=")
        outcome = self._daemon.expand(text, self._client, self._held)
        self._held[name] = outcome.text if held is Truth.YES else None

    # --- conditions ---

    def _condition(self, condition: Condition, depth: int) -> Finding:
        name, value = condition.name, condition.value
        if name in _LISTS:
            return self._list(condition, _LISTS[name])
        if name in _CHOSEN:
            return Finding(Truth.CHOSEN, "")
        if name == "authenticated":
            if self._client.user is None:
                return Finding(Truth.NO)
            return Finding(Truth.YES if value == "*" else Truth.CHOSEN)
        if name == "encrypted":
            if not self._client.encrypted:
                return Finding(Truth.NO)
            return Finding(Truth.YES if value == "*" else Truth.CHOSEN)
        if name == "condition":
            return self._true(value)
        if name == "verify":
            return self._verified(value)
        if name == "acl":
            return self._nested(condition, depth)
        if name == "recipients":
            return self._recipient(condition)
        return Finding(Truth.OPEN, f"what `{name}` comes to, files don't tell")

    def _list(self, condition: Condition, kind: str) -> Finding:
        option = _as_option(condition)
        text = ListText(kind, condition.value, option)
        return Matcher(self._daemon, self._client, self._held).match(text)

    def _recipient(self, condition: Condition) -> Finding:
        """A list of addresses, of which the domain is what counts here."""
        if condition.value.strip() in ("*", "*@*"):
            return Finding(Truth.YES)
        domains = " : ".join(
            part.rpartition("@")[2] for part in condition.value.split(":") if part.strip()
        )
        text = ListText("domain", domains, _as_option(condition))
        found = Matcher(self._daemon, self._client, self._held).match(text)
        chosen = found.truth is Truth.YES
        return Finding(Truth.CHOSEN if chosen else found.truth, found.why, found.lines)

    def _true(self, value: str) -> Finding:
        outcome = self._daemon.expand(value, self._client, self._held)
        if outcome.text is None:
            return settled(outcome, f"`condition = {shortened(value)}`")
        holds = truth(outcome.text)
        if holds is None:
            return Finding(Truth.OPEN, f"`{shortened(outcome.text)}` is neither true nor false")
        return Finding(Truth.YES if holds else Truth.NO)

    def _verified(self, value: str) -> Finding:
        what = value.partition("/")[0].strip()
        if what == "recipient" and self._client.domain == FOREIGN:
            return takes_foreign(self._daemon, self._client, verifying=True)
        if what == "certificate":
            return self._certificate()
        return Finding(Truth.CHOSEN)

    def _certificate(self) -> Finding:
        asks = [n for n in ("tls_verify_hosts", "tls_try_verify_hosts") if self._daemon.raw(n)]
        if not self._client.encrypted or not asks:
            return Finding(Truth.NO)
        by = "tls_verify_certificates"
        why = f"whom {by} = {self._daemon.raw(by)} gives certificates to, files don't tell"
        return Finding(Truth.OPEN, why, self._daemon.lines(*asks, by))

    def _nested(self, condition: Condition, depth: int) -> Finding:
        outcome = self._daemon.expand(condition.value, self._client, self._held)
        if not (outcome.text or "").strip():
            return settled(outcome, "`acl =`")
        before, self._chose = self._chose, False
        name = (outcome.text or "").split()[0]
        text = name if name in self._daemon.config.acls else (outcome.text or "").strip()
        course = self._named(text, _as_option(condition), "it", depth + 1)
        chose, self._chose = self._chose, before
        if course.fate is Fate.OPEN:
            return Finding(Truth.OPEN, course.why, course.lines)
        if chose:
            return Finding(Truth.CHOSEN, course.why, course.lines)
        accepted = course.fate is Fate.ACCEPTED
        return Finding(Truth.YES if accepted else Truth.NO, course.why, course.lines)


def _effect(
    statement: Statement, held: Truth, passed: bool, why: str, lines: tuple[ConfigLine, ...]
) -> Course | None:
    """What a verb does where its conditions come out so."""
    verb = statement.verb
    detail = f": {why}" if why else ""
    if verb == "warn" or (verb == "require" and held in (Truth.YES, Truth.CHOSEN)):
        return None
    if held is Truth.OPEN:
        return Course(Fate.OPEN, why, lines)
    if verb == "require":
        return Course(Fate.REFUSED, "`require` refuses what does not fulfil it", lines)
    if held is Truth.NO:
        if passed and verb in ("accept", "discard"):
            return Course(Fate.REFUSED, f"`{verb}` with `endpass` refuses the rest", lines)
        return None
    if verb == "accept":
        return Course(Fate.ACCEPTED, f"`{_first(statement)}` accepts{detail}", lines)
    if verb == "discard":
        return Course(Fate.REFUSED, "`discard` takes it, and throws it away", lines)
    if held is Truth.CHOSEN:
        return None
    return Course(Fate.REFUSED, f"`{_first(statement)}` refuses{detail}", lines)


def _first(statement: Statement) -> str:
    """A statement in short: its verb and conditions."""
    told = [
        f"{'!' * c.negated}{c.name} = {c.value}"
        for c in statement.conditions
        if c.name not in MODIFIERS
    ]
    return " ".join([statement.verb, *(shortened(text)[:80] for text in told[:3])])


def _as_option(condition: Condition) -> Option:
    """A condition as an option, whose value stands where the condition's does."""
    return _Written(condition.name, condition.value, condition.line, condition.offset)


class _Written(Option):
    """A condition's own line, in place of `name = value`."""

    @property
    def config_line(self) -> ConfigLine:
        return self.line.config_line


def condition_list(statement: Statement, name: str) -> ListText | None:
    """The list that a condition of a statement names, `hosts` for one; None without such one."""
    for condition in statement.conditions:
        if condition.name == name:
            return ListText(_LISTS[name], condition.value, _as_option(condition))
    return None
