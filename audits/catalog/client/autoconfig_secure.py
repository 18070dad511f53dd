"""Automatic configuration tells mail programs to use TLS with every server.

## Rationale
Mail programs take over what the domain's configuration says. Where it says `plain`, they send
passwords in clear from then on, and nobody who sets up an account is asked.

## Remediation
Give every server in `config-v1.1.xml` a socket type with TLS, best from the start:

    <outgoingServer type="smtp">
      <hostname>submit.example.net</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
    </outgoingServer>

In an Autodiscover response the same is `<SSL>on</SSL>`, or `<Encryption>SSL</Encryption>`. Servers
that offer no TLS are taken out of the file.

## Limits
Looked at is what Thunderbird asks for over HTTPS, `autoconfig.` and the domain, and the domain's
own `.well-known/autoconfig`; and Microsoft's Autodiscover, at `autodiscover.` and the domain and,
where the inventory names submission hosts of the domain, at the target of its SRV record. That is
asked for `postmaster` without a password: what is told only after a login is not seen. Redirects
are not followed.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.autoconfig import AutoconfigDocument, ClientAutoconfig
from audits.facts.fact import Reason


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(8314, "5.2"), Doc("MS-OXDSCLI")),
    frameworks=(Doc("BSI TR-03108-P", "E-13 to E-20"),),
)
def evaluate(config: ClientAutoconfig, *, allow_starttls: bool = True) -> Verdict:
    """allow_starttls: whether connections that begin in clear, and insist on TLS, are right."""
    accepted = {"ssl", "starttls"} if allow_starttls else {"ssl"}
    violations = []
    servers = []
    for place, document in enumerate(config.documents):
        at = f"/documents/{place}"
        if document.malformed is not None:
            message = f"{document.url} can't be read: {document.malformed}"
            seen = (cite(config, f"{at}/malformed"),)
            violations.append(Violation(message, seen, Severity.LOW))
        for i, server in enumerate(document.servers):
            cited = cite(config, f"{at}/servers/{i}/socket_type", server.socket_type or "none")
            servers.append(cited)
            if server.socket_type.lower() not in accepted:
                how = server.socket_type or "no socket type"
                message = (
                    f"{document.url} tells of {server.protocol} at {server.host}:{server.port} "
                    f"with {how}"
                )
                violations.append(Violation(message, (cited,)))
    if violations:
        return Fail(tuple(violations))
    for place, document in enumerate(config.documents):
        if document.silence is not None:
            return undecided(config, f"/documents/{place}/url", document.silence)
        if _moved(document):
            detail = f"{document.url} leads to {document.location}, which was not followed"
            return Undecided(Reason.HTTP, detail, (cite(config, f"/documents/{place}/status"),))
    if not servers:
        return NotApplicable("the domain publishes no automatic configuration")
    return Pass(tuple(servers))


def _moved(document: AutoconfigDocument) -> bool:
    """It leads elsewhere: by HTTP, or in what it says."""
    if document.status == 200:
        return document.location is not None
    return document.status is not None and 300 <= document.status < 400
