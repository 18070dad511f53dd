"""Somebody answers for it that users submit mail with more than an account's password.

## Rationale
A password that was phished sends mail in its owner's name within minutes. Where mail programs log
in with a token, an app password or a certificate, each of which took a second factor to get, the
password alone is of no use here, and what was lost can be withdrawn by itself.

## Remediation
Let users create such credentials behind a login with a second factor, switch off plain account
passwords for submission, and have it attested in the inventory (`hosts.yaml`, or a group):

    attest:
      submission_mfa:
        value: app-passwords        # or tokens, certificates; passwords, where there is no more
        evidence_uri: https://wiki.example.net/mfa
        by: Head of IT
        date: 2026-01-15
        expires: 2027-01-15

## Limits
Nobody can see this from outside: it is as true as who attests it. Where the attestation has lapsed,
or nobody gave one, the question stays open; a policy that does not ask for one says
`required: false`.
"""

from audits.evaluate.audit import AsOf, Doc, audit
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
from audits.facts.declared import DeclaredHost
from audits.facts.fact import Reason

_ABOUT = "submission_mfa"


@audit(
    to=Target.MSA_HOST,
    severity=Severity.LOW,
    references=(Doc("Directive (EU) 2022/2555 (NIS 2)", "Article 21(2)(j)"),),
    frameworks=(Doc("CIS v8.1", "6.3"), Doc("PCI DSS 4.0.1", "8.4.2")),
)
def evaluate(declared: DeclaredHost, now: AsOf, *, required: bool = True) -> Verdict:
    stated = [(i, each) for i, each in enumerate(declared.attestations) if each.about == _ABOUT]
    if not stated and not required:
        return NotApplicable("nothing is attested, and the policy does not ask for it")
    if not stated:
        detail = "the inventory attests nothing about logins (`attest.submission_mfa`)"
        return Undecided(Reason.NOT_DECLARED, detail, (cite(declared, "/attestations", "none"),))
    place, attestation = stated[0]
    seen = (
        cite(declared, f"/attestations/{place}/value"),
        cite(declared, f"/attestations/{place}/by"),
        cite(declared, f"/attestations/{place}/evidence_uri"),
    )
    today = now.at.date()
    if not attestation.on <= today <= attestation.expires:
        lapsed = today > attestation.expires
        when = f"lapsed after {attestation.expires}" if lapsed else f"begins on {attestation.on}"
        detail = f"the attestation of {attestation.by} {when}"
        dates = tuple(cite(declared, f"/attestations/{place}/{key}") for key in ("on", "expires"))
        return Undecided(Reason.NOT_DECLARED, detail, dates)
    if attestation.value == "passwords":
        message = f"users log in with account passwords, says {attestation.by}"
        return Fail((Violation(message, seen),))
    return Pass(seen)
