"""What a file of the inventory says, brought into the form of facts; what can't be is a problem."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from audits.errors import ParseError
from audits.inventory.entry import Attest, Mail, ServiceEntry, SubmissionMfa
from audits.parse.declared_name import (
    declared_address,
    declared_endpoint,
    declared_name,
    declared_network,
)
from audits.parse.located_yaml import Document, Key
from audits.subject import Role

_LISTS: dict[str, Callable[[str], str]] = {
    "addresses": declared_address,
    "domains": declared_name,
    "sends_from": declared_address,
    "behind_gateway": declared_network,
}


@dataclass
class Checker:
    """Brings values into the form of facts; what can't be is noted with its place."""

    document: Document
    problems: list[str]

    def note(self, path: Sequence[Key], error: ParseError) -> None:
        self.problems.append(self.document.problem(path, str(error)))

    def one(self, read: Callable[[str], str], text: str, path: tuple[Key, ...]) -> str:
        """A text in its one form; as written where it has none."""
        try:
            return read(text)
        except ParseError as error:
            self.note(path, error)
            return text

    def every(
        self, read: Callable[[str], str], texts: Sequence[str], path: tuple[Key, ...]
    ) -> tuple[str, ...]:
        """Texts in their one form, each once."""
        found = (self.one(read, text, (*path, i)) for i, text in enumerate(texts))
        return tuple(dict.fromkeys(found))

    def mail(self, mail: Mail, path: tuple[Key, ...]) -> Mail:
        """The same with canonical names and addresses."""
        changed: dict[str, Any] = {}
        for key, read in _LISTS.items():
            texts = getattr(mail, key)
            if texts is not UNSET:
                changed[key] = self.every(read, texts, (*path, key))
        if isinstance(mail.helo_name, str):
            changed["helo_name"] = self.one(declared_name, mail.helo_name, (*path, "helo_name"))
        if mail.services is not UNSET:
            changed["services"] = self._services(mail.services, (*path, "services"))
        if isinstance(mail.attest, Attest):
            self._attest(mail.attest, (*path, "attest"))
        if mail.roles is not UNSET and Role.NONE in mail.roles and len(set(mail.roles)) > 1:
            self.note((*path, "roles"), ParseError("found 'none' beside others, expected it alone"))
        return msgspec.structs.replace(mail, **changed)

    def _attest(self, attest: Attest, path: tuple[Key, ...]) -> None:
        for key in Attest.__struct_fields__:
            stated: SubmissionMfa | None = getattr(attest, key)
            if stated is not None and stated.expires < stated.on:
                error = f"found {stated.expires}, expected a day not before {stated.on}"
                self.note((*path, key, "expires"), ParseError(error))

    def _services(
        self, services: tuple[ServiceEntry, ...], path: tuple[Key, ...]
    ) -> tuple[ServiceEntry, ...]:
        seen: dict[int, ServiceEntry] = {}
        for place, service in enumerate(services):
            if service.port in seen:
                error = ParseError(f"found port {service.port} again, expected it once")
                self.note((*path, place, "port"), error)
            connect = service.connect
            if connect is not None:
                connect = self.one(declared_endpoint, connect, (*path, place, "connect"))
            seen[service.port] = ServiceEntry(service.port, connect)
        return tuple(seen.values())
