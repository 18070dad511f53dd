"""DMARC aggregate reports also go to whoever has a right to them.

## Rationale
Some authorities oblige those they supervise to send them their DMARC reports, as CISA does US
federal agencies. Whoever leaves the address out breaks a rule, whatever else the record says.

## Remediation
Add each required address to `rua`, between commas:

    _dmarc   3600  IN  TXT  "v=DMARC1; p=reject; rua=mailto:r@example.net,mailto:r@other.example"
"""

from urllib.parse import unquote

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
)
from audits.facts.dns import DmarcWalk
from audits.parse.dmarc import report_uris
from audits.parse.dmarc_policy import tag_place


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(9989, "4.7"), Doc("BOD 18-01", "1.a.iii")),
    frameworks=(
        Doc("BOD 18-01", "1.a.iii"),
        Doc("SCuBA", "MS.EXO.4.3v1"),
    ),
)
def evaluate(dmarc: DmarcWalk, *, required_rua: tuple[str, ...] = ()) -> Verdict:
    """required_rua: addresses, with or without `mailto:`."""
    if not required_rua:
        return NotApplicable("the policy requires no report address")
    found = dmarc.found_at
    if found is None:
        message = f"no DMARC record sends reports to {', '.join(required_rua)}"
        return Fail((Violation(message, (cite(dmarc, "/steps/0/answer/rcode"),)),))
    step = dmarc.steps[found]
    named = {
        _comparable(address) for uri, address in report_uris(step.records[0]) if uri.tag == "rua"
    }
    seen = _seen(dmarc, found)
    missing = [
        address
        for address in required_rua
        if _comparable(unquote(address.removeprefix("mailto:"))) not in named
    ]
    if missing:
        message = f"rua at {step.answer.name} does not name {', '.join(missing)}"
        return Fail((Violation(message, (seen,)),))
    return Pass((seen,))


def _seen(dmarc: DmarcWalk, found: int) -> Evidence:
    if dmarc.steps[found].records[0].value("rua") is None:
        return cite(dmarc, f"/steps/{found}/records/0")
    return cite(dmarc, *tag_place(dmarc, found, "rua"))


def _comparable(address: str) -> tuple[str, str]:
    """The domain of a mailbox knows no case; its local part may (RFC 5321 section 2.4)."""
    local, _, domain = address.rpartition("@")
    return local, domain.lower().removesuffix(".")
