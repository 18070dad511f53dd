"""A domain asks for TLS reports with one valid record, at addresses that can take them.

## Rationale
Of two records senders take none, an address without `mailto:` is none, and a mailbox at a domain
without MX gets nothing. In each case the reports that would have told of it do not come.

## Remediation
Keep one record, and give each destination its scheme:

    _smtp._tls   3600  IN  TXT  "v=TLSRPTv1; rua=mailto:tls-reports@example.net"

Several destinations are divided by commas; `https://` takes reports by POST.

## Limits
Whether the mailbox exists, or an `https` address takes reports, is not tried.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import TlsRptTxt
from audits.facts.fact import Observation, Observed
from audits.facts.tlsrpt import ReportDestination, TlsRptDestinations


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(8460, "3"),),
    frameworks=(Doc("BSI TR-03108-P", "G-01"),),
)
def evaluate(tlsrpt: TlsRptTxt, where: Observation[TlsRptDestinations]) -> Verdict:
    if not tlsrpt.records:
        return NotApplicable("the domain asks for no reports on TLS")
    records = tuple(cite(tlsrpt, f"/records/{i}") for i, _ in enumerate(tlsrpt.records))
    if len(records) > 1:
        message = f"{len(records)} TLS-RPT records, of which senders take none"
        return Fail((Violation(message, records),))
    malformed = tlsrpt.records[0].malformed
    if malformed is not None:
        return Fail((Violation(f"senders ignore the record: {malformed}", records),))
    if not isinstance(where, Observed):
        return Pass(records)
    destinations = list(enumerate(where.fact.destinations))
    faults = [(i, fault) for i, each in destinations if (fault := _fault(each)) is not None]
    violations = tuple(
        Violation(fault, (*records, cite(where.fact, f"/destinations/{i}/exchanges")))
        for i, fault in faults
    )
    if violations:
        return Fail(violations)
    for i, destination in destinations:
        if destination.silence is not None:
            return undecided(where.fact, f"/destinations/{i}/name", destination.silence)
    return Pass(records)


def _fault(destination: ReportDestination) -> str | None:
    if destination.answer is None:
        return None
    if destination.exchanges == (".",):
        return f"reports go to {destination.name}, which takes no mail (null MX)"
    if not destination.exchanges:
        absent = destination.answer.rcode == "NXDOMAIN"
        lacks = "does not exist" if absent else "has no MX"
        return f"reports go to {destination.name}, which {lacks}"
    return None
