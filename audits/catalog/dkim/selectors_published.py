"""Every DKIM selector that is in use has a key in the DNS.

## Rationale
Mail that is signed under a selector without key counts as unsigned. Without an aligned signature,
forwarded mail fails DMARC, and large receivers limit or refuse bulk mail.

## Remediation
Publish the public key of each selector that signs, as the signing host prints it:

    s2026._domainkey   3600  IN  TXT  ( "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOC"
                                        "AQ8AMIIBCgKCAQEA..." )

Declare each selector in `domains.yaml`, and set `active: false` for one that no longer signs:

    example.net:
      dkim: [{selector: s2026, owner: self}]

## Limits
The DNS has no list of selectors. Where none is declared, only a domain without anything below
`_domainkey` is known to have no key.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import DkimKeys, DkimSelector
from audits.facts.fact import Reason


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.HIGH,
    references=(
        Rfc(6376, "3.6.1"),
        Doc("Google sender rules"),
        Doc("Microsoft sender rules"),
        Doc("Internet.nl", "dkim"),
    ),
    frameworks=(
        Doc("BSI TR-03182-P", "03-M"),
        Doc("BSI TR-03182-P", "04-M"),
        Doc("ISM", "0861"),
        Doc("SCuBA", "MS.EXO.3.1v1"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dkim: DkimKeys) -> Verdict:
    if not dkim.selectors:
        return _none_declared(dkim)
    violations = []
    for place, selector in enumerate(dkim.selectors):
        fault = _fault(selector)
        if fault is not None:
            at = f"/selectors/{place}"
            cited = [cite(dkim, f"{at}/{'keys/0' if selector.keys else 'answer/rcode'}")]
            if selector.alias_chain:
                cited.append(cite(dkim, f"{at}/alias_chain"))
            violations.append(Violation(f"selector {selector.selector} {fault}", tuple(cited)))
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    return Pass(tuple(cite(dkim, f"/selectors/{i}/keys/0") for i, _ in enumerate(dkim.selectors)))


def _none_declared(dkim: DkimKeys) -> Verdict:
    found = dkim.domainkey
    if found is None:
        return Undecided(Reason.NOT_DECLARED, "the inventory declares no active selector")
    rcode = cite(dkim, "/domainkey/rcode")
    if found.rcode == "NXDOMAIN":
        message = f"no selector is declared, and {found.name} does not exist (NXDOMAIN)"
        return Fail((Violation(message, (rcode,)),))
    detail = f"the inventory declares no active selector; {found.name} exists ({found.rcode})"
    return Undecided(Reason.NOT_DECLARED, detail, (rcode,))


def _fault(selector: DkimSelector) -> str | None:
    if selector.answer is None:
        return None
    if not selector.keys:
        end = selector.alias_chain[-1] if selector.alias_chain else None
        missing = "does not exist" if selector.answer.rcode == "NXDOMAIN" else "has no TXT record"
        by_alias = f" is an alias of {end}, which {missing}"
        return (by_alias if end else f" {missing}").strip() + f" ({selector.answer.rcode})"
    if all(key.revoked for key in selector.keys):
        return "is revoked: its p= is empty"
    return None
