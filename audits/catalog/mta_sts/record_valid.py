"""A domain announces its MTA-STS policy with one record that is valid.

## Rationale
Senders that find two records, or one that they can't read, take it that there is no policy: mail
goes on as before, and whoever strips STARTTLS meets no resistance.

## Remediation
Keep one record. Its `id` is 1 to 32 letters and digits, with no other sign in it:

    _mta-sts   3600  IN  TXT  "v=STSv1; id=20260115T120000"

Other TXT records at that name do no harm.
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
)
from audits.facts.dns import MtaStsTxt


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(8461, "3.1"),),
    frameworks=(Doc("ISM", "1589"), Doc("BSI TR-03108-P", "MTASTS_SERVER")),
)
def evaluate(sts: MtaStsTxt) -> Verdict:
    if not sts.records:
        return NotApplicable("the domain announces no MTA-STS policy")
    records = tuple(cite(sts, f"/records/{i}") for i, _ in enumerate(sts.records))
    if len(records) > 1:
        message = f"{len(records)} MTA-STS records, of which senders take none"
        return Fail((Violation(message, records),))
    malformed = sts.records[0].malformed
    if malformed is not None:
        return Fail((Violation(f"senders ignore the record: {malformed}", records),))
    return Pass(records)
