"""Facts of a host with one Postfix, read from files that differ in one thing from sound ones."""

from typing import Any

from audits.evaluate.audit import Audit
from audits.evaluate.result import Result
from audits.facts.fact import Fact
from audits.facts.mta import MtaListeners, MtaPrograms, TrustedNetworks
from audits.parse.config_tree import Reading
from audits.subject import MailHost, Role
from tests.build import judge, roles
from tests.parse.postfix.configs import MASTER_CF, reading

HOST = MailHost("mx1.example.net")
SUBMISSIONS = """\
submissions inet n - y - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""


def facts(found: Reading) -> tuple[Fact, ...]:
    return (
        MtaPrograms(HOST, (found.program,)),
        MtaListeners(HOST, found.listeners),
        TrustedNetworks(HOST, found.networks, found.networks_open),
    )


def of(
    audit: Audit,
    extra: str = "",
    *,
    without: str = "",
    master: str = MASTER_CF + SUBMISSIONS,
    version: str | None = None,
    files: dict[str, str] | None = None,
    role: tuple[Role, ...] = (Role.MX, Role.MSA, Role.RELAY),
    **params: Any,
) -> Result:
    """What an audit says of the sound configuration with lines added to main.cf."""
    found = reading(extra, without=without, master=master, version=version, files=files)
    return judge(audit, HOST, roles(HOST.name, *role), *facts(found), **params)


def places(result: Result) -> list[str]:
    """Where the first evidence of each violation stands."""
    return [str(violation.evidence[0].place) for violation in result.violations]
