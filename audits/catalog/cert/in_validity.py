"""Every certificate that a service presents is within its dates.

## Rationale
Once a certificate has expired, mail programs refuse it or ask their users to look away, and senders
that insist on TLS keep the mail back.

## Remediation
Renew the certificate now, load it, then find out why that did not happen by itself:

    certbot renew --deploy-hook "systemctl reload postfix dovecot"

An expired intermediate is replaced by serving the CA's current chain. Where a certificate is not
yet valid, look at the clock of the host that issued it.

## Limits
On port 25 the severity is high at most, and medium where a TLSA record of usage 3 fits: by it no
sender that does DANE looks at dates, but others may. `mx_validation` sets by hand how senders
verify.
"""

from datetime import timedelta

from audits.evaluate.audit import AsOf, Doc, Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.dane import TlsaSet
from audits.facts.dns import ResolverReport
from audits.facts.fact import Observation, Reason
from audits.facts.https import MtaStsDomains
from audits.facts.tls import CertificateChain
from audits.parse.mx_validation import Validation, validated


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.CRITICAL,
    references=(Rfc(5280, "4.1.2.5"), Rfc(7672, "3.1.1")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"),),
)
def evaluate(
    chain: CertificateChain,
    sts: Observation[MtaStsDomains],
    tlsa: Observation[TlsaSet],
    resolver: Observation[ResolverReport],
    as_of: AsOf,
    *,
    clock_skew_s: float = 300.0,
    mx_validation: Validation = "auto",
) -> Verdict:
    """mx_validation: how senders verify MX hosts; `auto` is by what is published."""
    skew = timedelta(seconds=clock_skew_s)
    milder = None
    if chain.subject.port == SMTP:
        asked = validated(mx_validation, sts, tlsa, resolver, chain)
        milder = Severity.MEDIUM if asked.by == "dane-ee" else Severity.HIGH
    violations = []
    for place, held in enumerate(chain.certificates):
        if as_of.at > held.not_after + skew:
            message = (
                f"{held.subject or 'a certificate'} expired on {held.not_after:%Y-%m-%d %H:%M} UTC"
            )
            pointer = f"/certificates/{place}/not_after"
        elif as_of.at < held.not_before - skew:
            message = (
                f"{held.subject or 'a certificate'} begins on {held.not_before:%Y-%m-%d %H:%M} UTC"
            )
            pointer = f"/certificates/{place}/not_before"
        else:
            continue
        violations.append(Violation(message, (cite(chain, pointer),), milder))
    if violations:
        return Fail(tuple(violations))
    if chain.malformed is not None or not chain.certificates:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    places = range(len(chain.certificates))
    return Pass(tuple(cite(chain, f"/certificates/{place}/not_after") for place in places))
