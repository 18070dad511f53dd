"""What an inventory declares: its hosts, with what they inherit, and its domains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from audits.errors import ParseError
from audits.facts.declared import (
    DeclaredDomain,
    DeclaredHost,
    DeclaredSelector,
    DeclaredSender,
)
from audits.inventory.checker import Checker
from audits.inventory.entry import DefaultsEntry, HostEntry, Login, Mail
from audits.inventory.file import Files
from audits.inventory.host import declared_host, merged
from audits.parse.declared_name import declared_name
from audits.parse.located_yaml import Document, Key, nearest
from audits.subject import Domain, Role

_MAIL_PATH = ("data", "mail")


@dataclass
class Declaration:
    """The inventory on its way from decoded files to facts: hosts are taken first, then domains.

    hosts, domains: by name, each with the document that declares it and under which key.
    optional_mail: hosts without roles are none of ours. Every mistake is added to `problems`.
    """

    files: Files
    problems: list[str]
    optional_mail: bool
    hosts: dict[str, tuple[DeclaredHost, Document, str]] = field(default_factory=dict)
    domains: dict[str, tuple[DeclaredDomain, Document, str]] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    connections: dict[str, HostEntry] = field(default_factory=dict)
    lineages: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups: dict[str, HostEntry] = {
            name: entry or HostEntry() for name, entry in (self.files.groups.entries or {}).items()
        }
        self.defaults: DefaultsEntry = self.files.defaults.entries or DefaultsEntry()
        self._inherited = {
            name: self._mail(self.files.groups.document, entry, (name,))
            for name, entry in self.groups.items()
        }
        self._default_mail = self._mail(self.files.defaults.document, self.defaults, ())
        for name, entry in self.groups.items():
            self._check_groups(self.files.groups.document, name, entry.groups or ())

    def _mail(self, document: Document, entry: DefaultsEntry, path: tuple[Key, ...]) -> Mail:
        mail = entry.data.mail if entry.data else Mail()
        return Checker(document, self.problems).mail(mail, (*path, *_MAIL_PATH))

    def _check_groups(self, document: Document, name: str, groups: Sequence[str]) -> None:
        for place, group in enumerate(groups):
            if group not in self.groups:
                known = list(self.groups)
                self.problems.append(
                    document.problem(
                        (name, "groups", place),
                        f"found {group!r}, expected a group of groups.yaml{nearest(group, known)}",
                    )
                )

    def lineage(self, groups: Sequence[str], above: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Groups and the groups of groups, in the order in which Nornir lets them inherit."""
        found: dict[str, None] = {}
        for group in groups:
            if group in above:
                path = (group, "groups")
                self.problems.append(
                    self.files.groups.document.problem(
                        path, f"found the circle {' > '.join((*above, group))}, expected none"
                    )
                )
                continue
            if group not in self.lineages and group in self.groups:
                parents = self.groups[group].groups or ()
                self.lineages[group] = self.lineage(parents, (*above, group))
            found.update(dict.fromkeys((group, *self.lineages.get(group, ()))))
        return tuple(found)

    def take_hosts(self) -> None:
        """What `hosts.yaml` declares, with what its groups and the defaults add."""
        document = self.files.hosts.document
        for written, entry in (self.files.hosts.entries or {}).items():
            entry = entry or HostEntry()
            groups = self.lineage(entry.groups or ())
            own = self._mail(document, entry, (written,))
            mail = merged(
                own, *(self._inherited.get(g, Mail()) for g in groups), self._default_mail
            )
            if mail.roles is UNSET and self.optional_mail:
                continue
            name = self._new_name(document, written, self.hosts)
            self._check_groups(document, written, entry.groups or ())
            if mail.roles is UNSET:
                self.problems.append(self._no_roles(document, written))
            self.hosts[name] = (declared_host(name, groups, mail), document, written)
            self.connections[name] = entry
            if isinstance(mail.login, Login):
                self.logins[name] = mail.login

    def _new_name(self, document: Document, written: str, taken: Mapping[str, Any]) -> str:
        try:
            name = declared_name(written)
        except ParseError as error:
            self.problems.append(f"{document.where((written,))}: {error}")
            return written
        if name in taken:
            first = taken[name][2]
            self.problems.append(
                f"{document.where((written,))}: found {written!r} again, expected it once; it "
                f"stands at line {document.line((first,))} already, as {first!r}"
            )
        return name

    def _no_roles(self, document: Document, written: str) -> str:
        data = (document.root[written] or {}).get("data") or {}
        odd = [key for key in data if key != "mail" and nearest(key, ["mail"])]
        path: tuple[Key, ...] = (written, "data", odd[0]) if odd else (written,)
        return (
            f"{document.where(path)}: {written}: data.mail.roles: found nothing here, in its "
            f"groups or in defaults.yaml, expected a list of {', '.join(Role)}"
            + (f"; did you mean 'mail' by {odd[0]!r}?" if odd else "")
        )

    def take_domains(self) -> None:
        """What `domains.yaml` declares; the hosts that it names must be known by now."""
        document = self.files.domains.document
        check = Checker(document, self.problems)
        for written, entry in (self.files.domains.entries or {}).items():
            name = self._new_name(document, written, self.domains)
            expected_mx = entry.mx
            if expected_mx is not None:
                expected_mx = check.every(declared_name, expected_mx, (written, "mx"))
            senders = self._known(check, entry.senders, (written, "senders"))
            declared = DeclaredDomain(
                subject=Domain(name),
                groups=tuple(dict.fromkeys(entry.groups or ())),
                sends=entry.sends,
                receives=entry.receives,
                mx=expected_mx,
                submission=self._known(check, entry.submission, (written, "submission")),
                senders=senders,
                dkim=tuple(
                    DeclaredSelector(s.selector.lower(), s.owner, s.created, s.active)
                    for s in entry.dkim
                ),
                mail_class=entry.mail_class,
                sending=tuple(map(self._sender, senders)),
            )
            self.domains[name] = (declared, document, written)

    def _sender(self, name: str) -> DeclaredSender:
        """A sender of the inventory; one that is not known is a problem already."""
        if name not in self.hosts:
            return DeclaredSender(name, ())
        host = self.hosts[name][0]
        return DeclaredSender(name, host.sends_from or host.addresses)

    def _known(
        self, check: Checker, texts: Sequence[str], path: tuple[Key, ...]
    ) -> tuple[str, ...]:
        """Names of hosts that the inventory must know."""

        def known(text: str) -> str:
            name = declared_name(text)
            if name not in self.hosts:
                close = nearest(name, list(self.hosts))
                raise ParseError(f"found {text!r}, expected a host of the inventory{close}")
            return name

        return check.every(known, texts, path)
