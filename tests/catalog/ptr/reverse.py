"""Hosts and reverse look-ups for tests."""

from audits.facts.declared import HostRoles
from audits.facts.dns import ForwardName, ForwardNames, PtrNames
from audits.facts.fact import Reason, Silence
from audits.subject import Address, MailHost, Role
from tests.build import answer

SUBJECT = MailHost("mx1.example.net")
SILENT = Silence(Reason.SERVFAIL, "SERVFAIL")


def host_at(
    *addresses: str,
    sends_from: tuple[str, ...] = (),
    roles: tuple[Role, ...] = (Role.MX,),
    in_inventory: bool = True,
) -> HostRoles:
    return HostRoles(SUBJECT, in_inventory, roles, ("example.net",), addresses, sends_from, ())


def ptr(address: str, *names: str) -> PtrNames:
    found = answer("reverse", "NOERROR" if names else "NXDOMAIN")
    return PtrNames(Address(address), found, names)


def forward(address: str, **names: tuple[str, ...] | Silence) -> ForwardNames:
    """names: by first label what `<label>.example.net` resolves to, or its silence."""
    found = tuple(
        ForwardName(f"{label}.example.net", (), to)
        if isinstance(to, Silence)
        else ForwardName(f"{label}.example.net", to, None)
        for label, to in names.items()
    )
    return ForwardNames(Address(address), found)
