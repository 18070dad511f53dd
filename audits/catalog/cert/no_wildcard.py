"""A service's certificate names hosts, and no wildcard.

## Rationale
The key of a wildcard certificate is that of every host in the zone. Lost on one, it lets the finder
be any other, the mail hosts included.

## Remediation
Order a certificate with the names of this host alone, with a key of its own:

    certbot certonly --standalone -d mx1.example.net -d submit.example.net

## Limits
For information only: public practice allows wildcards, and BSI TR-03116-4 does not. Only the leaf
is looked at.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.INFO,
    references=(Doc("BSI TR-03116-4", "6.1.2"),),
    frameworks=(Doc("BSI TR-03116-4", "6.1.2"),),
)
def evaluate(chain: CertificateChain) -> Verdict:
    leaf = chain.leaf
    if leaf is None:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    wild = [i for i, name in enumerate(leaf.dns_names) if name.startswith("*.")]
    if not wild:
        return Pass((cite(chain, "/certificates/0/dns_names"),))
    seen = tuple(cite(chain, f"/certificates/0/dns_names/{i}") for i in wild)
    shown = ", ".join(leaf.dns_names[i] for i in wild[:4])
    return Fail((Violation(f"the certificate is for {shown}", seen),))
