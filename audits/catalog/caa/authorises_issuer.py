"""The authority that issued a service's certificate is one that CAA allows.

## Rationale
Authorities look at CAA each time that they issue. Where the records name another one than the
certificate comes from, the next renewal fails, or the certificate was never asked for by those who
keep the zone.

## Remediation
Name the CA that you renew with, and take out those that you left:

    example.net.   3600  IN  CAA  0 issue "letsencrypt.org"

For a certificate with a wildcard the `issuewild` properties count, where there are any.

## Limits
CAA is judged as it is now; it bound the CA on the day of issue only. An issuer is known by its
organization, and by the names that public CAs state. For a private CA, or one that is missing here,
the audit does not apply; `issuers` adds it as `Organization=ca.example`.
"""

from audits.evaluate.audit import Rfc, audit
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
)
from audits.facts.caa import CaaSet
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain
from audits.parse.caa import organization, permitted
from audits.parse.caa_issuer import issuer_domains
from audits.parse.x509 import matches


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(8659, "4.2"), Rfc(8659, "4.3")),
)
def evaluate(chain: CertificateChain, caa: CaaSet, *, issuers: tuple[str, ...] = ()) -> Verdict:
    """issuers: further CAs, `organizationName=domain` each."""
    leaf = chain.leaf
    if leaf is None:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    if not matches(leaf, chain.subject.host):
        return NotApplicable("the certificate is for another name")
    wildcard = chain.subject.host not in leaf.dns_names
    allowed = permitted(caa.records, wildcard=wildcard)
    if allowed is None:
        return NotApplicable("no CAA record says who may issue")
    issuer = organization(leaf.issuer)
    names = issuer_domains(issuer, issuers) if issuer else ()
    if not names:
        return NotApplicable(f"no name for CAA is known of the issuer {issuer or leaf.issuer!r}")
    seen = (
        cite(chain, "/certificates/0/issuer"),
        *(cite(caa, f"/records/{i}/value") for i, _ in enumerate(caa.records)),
    )
    if allowed.intersection(names):
        return Pass(seen)
    told = ", ".join(sorted(allowed)) or "nobody"
    at = caa.answers[-1].name
    message = f"{issuer} ({names[0]}) issued it, and CAA at {at} allows {told}"
    return Fail((Violation(message, seen),))
