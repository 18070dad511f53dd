"""A service's certificate chain is complete and leads to a trusted root.

## Rationale
A chain that ends nowhere is as good as any that an attacker makes. A missing intermediate is worse
to find: programs that have it cached connect, all others fail.

## Remediation
Serve the leaf and every intermediate, leaf first, without the root; that is mostly the file
`fullchain.pem`.

Postfix (`main.cf`):

    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem

Exim: `tls_certificate = /etc/ssl/certs/mx1-fullchain.pem`.
Dovecot: `ssl_cert = </etc/ssl/certs/mx1-fullchain.pem`.
OpenSMTPD: `pki mx1 cert "/etc/ssl/mx1-fullchain.pem"`.

Where the host is meant to use a private CA, name its file as the host's `private_ca` in the
inventory.

## Limits
Revocation is not looked up. Dates are judged by `cert-in-validity`: here the chain is verified for
a time at which all of it is valid. On port 25 senders look for a trusted root only under MTA-STS:
without it a finding is for information only, and TLSA records stand in for the root.
`mx_validation` sets this by hand.
"""

from collections.abc import Sequence

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
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
from audits.parse.mx_validation import Validated, Validation, validated

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: no time suits all of the chain.
_DATES = frozenset({9, 10})
_FOR_SERVERS = frozenset({"serverAuth", "anyExtendedKeyUsage"})


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8314, "4.4"), Rfc(5280, "4.2.1.12")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"),),
)
def evaluate(
    chain: CertificateChain,
    sts: Observation[MtaStsDomains],
    tlsa: Observation[TlsaSet],
    resolver: Observation[ResolverReport],
    *,
    mx_validation: Validation = "auto",
) -> Verdict:
    """mx_validation: how senders verify MX hosts; `auto` is by what is published."""
    verification = chain.verification
    if verification is None:
        detail = chain.malformed or "the chain was not verified"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    is_mx = chain.subject.port == SMTP
    asked = validated(mx_validation, sts, tlsa, resolver, chain) if is_mx else None
    if asked is not None and (asked.by in ("dane-ee", "dane-ta") or mx_validation == "none"):
        return NotApplicable(f"no sender looks for a trusted root: {asked.why}")
    seen = [cite(chain, "/verification/message"), cite(chain, "/verification/stores")]
    purpose = _other_purpose(chain)
    if verification.code == 0 and purpose is None:
        return Pass(tuple(seen))
    if verification.code in _DATES and purpose is None:
        detail = "the dates of the served certificates leave no time for which to verify them"
        return Undecided(Reason.TLS, detail, tuple(seen))
    faults = [] if purpose is None else [purpose]
    if verification.code != 0 and verification.code not in _DATES:
        place = min(verification.depth, len(chain.certificates) - 1)
        if place >= 0:
            seen.append(cite(chain, f"/certificates/{place}/issuer"))
        message = (
            f"{verification.message} (X.509 error {verification.code}, depth {verification.depth})"
        )
        faults.insert(0, (message, tuple(seen)))
    return _weighed(faults, asked)


def _other_purpose(chain: CertificateChain) -> tuple[str, tuple[Evidence, ...]] | None:
    """What a leaf is for that is not for servers (RFC 5280 section 4.2.1.12)."""
    leaf = chain.leaf
    if leaf is None or not leaf.eku or not _FOR_SERVERS.isdisjoint(leaf.eku):
        return None
    held = ", ".join(leaf.eku)
    return f"its extended key usage is {held}, without serverAuth", (
        cite(chain, "/certificates/0/eku"),
    )


def _weighed(
    faults: Sequence[tuple[str, tuple[Evidence, ...]]], asked: Validated | None
) -> Fail | Undecided:
    """The faults, as grave as what senders make of them."""
    if asked is not None and asked.silence is not None:
        message, seen = faults[0]
        detail = f"{message}; whether senders mind is open: {asked.silence.detail}"
        return Undecided(asked.silence.reason, detail, seen)
    milder = Severity.INFO if asked is not None and asked.by == "nothing" else None
    return Fail(tuple(Violation(message, seen, milder) for message, seen in faults))
