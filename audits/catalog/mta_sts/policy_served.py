"""The MTA-STS policy that a domain announces is served.

## Rationale
A policy that senders can't fetch protects nobody new, and once the copies that others hold have
expired, nobody at all. Nothing bounces meanwhile, so that it stays unnoticed.

## Remediation
Serve the policy without redirect, as `text/plain`, with a certificate that is valid for `mta-sts.`
and the domain, under exactly this address:

    https://mta-sts.example.net/.well-known/mta-sts.txt

What it says there:

    version: STSv1
    mode: enforce
    mx: mx1.example.net
    max_age: 604800

For nginx:

    location = /.well-known/mta-sts.txt {
        default_type text/plain;
        return 200 "version: STSv1\\nmode: enforce\\nmx: mx1.example.net\\nmax_age: 604800\\n";
    }
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.https import MtaStsPolicy


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(8461, "3.2"), Rfc(8461, "3.3")),
    frameworks=(
        Doc("ISM", "1589"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(policy: MtaStsPolicy, *, max_bytes: int = 65536) -> Verdict:
    """max_bytes: the longest policy that senders need to take."""
    violation = _not_served(policy) or _too_long(policy, max_bytes) or _malformed(policy)
    violations = [violation] if violation else []
    if policy.status == 200 and _media_type(policy) != "text/plain":
        message = f"served as {policy.content_type or 'no type at all'}, not as text/plain"
        seen = cite(policy, "/content_type")
        violations.append(Violation(message, (seen,), Severity.LOW))
    if violations:
        return Fail(tuple(violations))
    return Pass((cite(policy, "/status"), cite(policy, "/mode")))


def _not_served(policy: MtaStsPolicy) -> Violation | None:
    if policy.status == 200:
        return None
    if policy.status is None:
        message = f"no answer from {policy.url}: {policy.failure or 'nothing was said'}"
        return Violation(message, (cite(policy, "/failure"), cite(policy, "/url")))
    seen = (cite(policy, "/status"), cite(policy, "/url"))
    if policy.location is None:
        return Violation(f"HTTP status {policy.status}", seen)
    message = f"HTTP status {policy.status} to {policy.location}, which senders do not follow"
    return Violation(message, (*seen, cite(policy, "/location")))


def _too_long(policy: MtaStsPolicy, max_bytes: int) -> Violation | None:
    if not policy.truncated and policy.body_bytes <= max_bytes:
        return None
    more = "more than " if policy.truncated else ""
    seen = (cite(policy, "/body_bytes"),)
    return Violation(f"{more}{policy.body_bytes} bytes, over {max_bytes}", seen)


def _malformed(policy: MtaStsPolicy) -> Violation | None:
    if policy.malformed is None:
        return None
    return Violation(
        f"senders reject the policy: {policy.malformed}", (cite(policy, "/malformed"),)
    )


def _media_type(policy: MtaStsPolicy) -> str:
    return (policy.content_type or "").partition(";")[0].strip().lower()
