"""No DKIM key that is in use is declared to be in testing.

## Rationale
`t=y` asks receivers to treat a signature as if there were none, so the key proves nothing. It is
meant for the first days of a selector and is easily forgotten.

## Remediation
Publish the key again without `y` in `t`; `t=s` may stay:

    s2026._domainkey   3600  IN  TXT  ( "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOC"
                                        "AQ8AMIIBCgKCAQEA..." )
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import DkimKeys


@audit(
    to=Target.SENDING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(6376, "3.6.1"),),
    frameworks=(
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(dkim: DkimKeys) -> Verdict:
    if not dkim.selectors:
        return NotApplicable("the inventory declares no active selector")
    violations: list[Violation] = []
    good: list[Evidence] = []
    for place, selector in enumerate(dkim.selectors):
        for i, key in enumerate(selector.keys):
            if key.revoked:
                continue
            if "y" in key.flags:
                flags = cite(dkim, f"/selectors/{place}/keys/{i}/flags")
                message = f"selector {selector.selector} has t={':'.join(key.flags)}"
                violations.append(Violation(message, (flags,)))
            else:
                good.append(cite(dkim, f"/selectors/{place}/keys/{i}"))
    if violations:
        return Fail(tuple(violations))
    if dkim.silent is not None:
        place, silence = dkim.silent
        return undecided(dkim, f"/selectors/{place}/name", silence)
    return Pass(tuple(good)) if good else NotApplicable("no key is in force")
