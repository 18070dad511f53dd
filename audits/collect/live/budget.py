"""How many connections one service costs in a run by default, and whose they are."""

from audits.collect.live.service import IMPLICIT_TLS_PORT, RELAY_PORT
from audits.facts.declared import DeclaredHost, HostRoles
from audits.subject import Service

MAX_CONNECTIONS = 12
# The usual conversation goes on in further ones where many mailboxes are refused.
MAX_WALK_CONNECTIONS = 3

# In clear and again inside TLS; elsewhere the one is inside TLS.
_RELAY_ON_RELAY_PORT, _RELAY = 2, 1


def of_conduct(service: Service, *, tls: bool = True) -> int:
    """For what a sender asks seldom: in clear, injected behind STARTTLS, before the greeting.

    Submission ports are tried with logins too, so that less is left for this. tls: a handshake
    succeeds, without which nothing is injected.
    """
    if service.port == IMPLICIT_TLS_PORT:
        return 1
    return (2 if service.port == RELAY_PORT else 1) + tls


def of_logins(service: Service, roles: HostRoles, declared: DeclaredHost | None) -> int:
    """For logins with the declared account, and at one service of the account for wrong ones.

    That is the first submission service of a host: of this one, as far as can be told here.
    """
    if declared is None or declared.login is None:
        return 0
    submission = (each for each in roles.services if each.port != RELAY_PORT and each.address)
    return 2 if service == next(submission, None) else 1


def of_hellos(
    service: Service, walked: int, *, tls: bool, logins: int, controls: bool, other_key: bool
) -> int:
    """What is left for crafted hellos, the last of which ask for details of a fault.

    One that they leave over is for renegotiation. walked: taken by the usual conversation. tls: as
    in `of_conduct`; nobody logs in without. logins: as of `of_logins`. controls: relay probes need
    one more for theirs.
    other_key: one is for the certificate of another key. The others take their shares meanwhile, so
    what they leave over is not shared out.
    """
    on_relay_port = service.port == RELAY_PORT
    others = _RELAY_ON_RELAY_PORT if on_relay_port else _RELAY + (logins if tls else 0)
    taken = max(walked, 1) + of_conduct(service, tls=tls) + others + controls + other_key
    return max(0, MAX_CONNECTIONS - taken)
