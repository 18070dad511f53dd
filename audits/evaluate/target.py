"""What an audit is aimed at: the column `to` of the control catalogue."""

from enum import StrEnum

from audits.facts.declared import DeclaredDomain, HostRoles
from audits.facts.snapshot import Snapshot
from audits.subject import Domain, MailHost, Role, Service, Subject

SMTP = 25
SUBMISSIONS = 465


class Target(StrEnum):
    """The subjects an audit applies to. Values read after "the audit is about"."""

    DOMAIN = "every domain"
    SENDING_DOMAIN = "domains that send mail"
    RECEIVING_DOMAIN = "domains that receive mail"
    PARKED_DOMAIN = "parked domains"
    MX_HOST = "MX hosts"
    MSA_HOST = "submission hosts"
    OUTBOUND_HOST = "hosts that send mail to other domains"
    ANY_HOST = "hosts of the inventory"
    MX_SERVICE = "port 25 of MX hosts"
    SUBMISSION_SERVICE = "submission ports"
    STARTTLS_SUBMISSION_SERVICE = "submission ports that begin in clear"
    IMPLICIT_TLS_SERVICE = "submission ports that begin with TLS"
    MAIL_SERVICE = "SMTP ports of MX, submission and relay hosts"


_DOMAIN = (
    Target.DOMAIN,
    Target.SENDING_DOMAIN,
    Target.RECEIVING_DOMAIN,
    Target.PARKED_DOMAIN,
)
_HOST = (Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST, Target.ANY_HOST)


def subject_type_of(target: Target) -> type[Domain] | type[MailHost] | type[Service]:
    """The type of subject that results of such an audit are about."""
    if target in _DOMAIN:
        return Domain
    return MailHost if target in _HOST else Service


def applies(target: Target, subject: Subject, snapshot: Snapshot) -> bool:
    """Whether the subject is one that the target means, by inventory and MX records."""
    match subject:
        case Domain():
            declared = snapshot.fact(DeclaredDomain, subject)
            return declared is not None and _domain_applies(target, declared)
        case MailHost():
            roles = snapshot.fact(HostRoles, subject)
            return roles is not None and _host_applies(target, roles)
        case Service(host, _, port):
            roles = snapshot.fact(HostRoles, MailHost(host))
            return roles is not None and _service_applies(target, port, roles)
        case _:
            return False


def _domain_applies(target: Target, declared: DeclaredDomain) -> bool:
    match target:
        case Target.DOMAIN:
            return True
        case Target.SENDING_DOMAIN:
            return declared.sends
        case Target.RECEIVING_DOMAIN:
            return declared.receives
        case Target.PARKED_DOMAIN:
            return declared.parked
        case _:
            return False


def _host_applies(target: Target, roles: HostRoles) -> bool:
    if not roles.in_inventory:
        return False
    match target:
        case Target.ANY_HOST:
            return True
        case Target.MX_HOST:
            return Role.MX in roles.roles
        case Target.MSA_HOST:
            return Role.MSA in roles.roles
        case Target.OUTBOUND_HOST:
            return Role.RELAY in roles.roles or bool(roles.sends_from)
        case _:
            return False


def _service_applies(target: Target, port: int, roles: HostRoles) -> bool:
    submission = Role.MSA in roles.roles and port != SMTP
    match target:
        case Target.MX_SERVICE:
            return Role.MX in roles.roles and port == SMTP
        case Target.SUBMISSION_SERVICE:
            return submission
        case Target.STARTTLS_SUBMISSION_SERVICE:
            return submission and port != SUBMISSIONS
        case Target.IMPLICIT_TLS_SERVICE:
            return submission and port == SUBMISSIONS
        case Target.MAIL_SERVICE:
            return bool(roles.roles) and Role.NONE not in roles.roles
        case _:
            return False
