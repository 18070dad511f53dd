"""CAA records: where to look for them, and what their properties say (RFC 8659)."""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from audits.facts.caa import CaaRecord
from audits.facts.dns import Tag
from audits.parse.tag_list import quoted

# RFC 8659 sections 4.2 to 4.4, RFC 9495, and what the registry of CAA properties has beside them
KNOWN_TAGS = frozenset(
    {"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"}
)
_ISSUE_TAGS = frozenset({"issue", "issuewild", "issuemail", "issuevmc"})
_CRITICAL = 0x80

_WSP = " \t"
# property-tag = 1*(ALPHA / DIGIT): RFC 8659 section 4.1
_TAG = re.compile(r"[A-Za-z0-9]{1,255}", re.ASCII)
# label = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)): RFC 8659 section 4.2
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
# issuer-domain-name = label *("." label)
_ISSUER = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_PARAMETER_TAG = re.compile(_LABEL, re.ASCII)
# value = *(%x21-3A / %x3C-7E)
_PARAMETER_VALUE = re.compile(r"[\x21-\x3A\x3C-\x7E]*")
_IODEF = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https?://\S+)", re.ASCII | re.IGNORECASE)


def climb(host: str) -> Iterator[str]:
    """The names that are asked for CAA, nearest first, the root excluded (RFC 8659 section 3)."""
    labels = host.split(".")
    for place in range(len(labels)):
        yield ".".join(labels[place:])


def caa_record(flags: int, tag: bytes, value: bytes) -> CaaRecord:
    """One property from its parts in the RDATA (RFC 8659 section 4.1)."""
    name = tag.decode("latin-1").lower()
    text = value.decode("latin-1")
    if not _TAG.fullmatch(name):
        return CaaRecord(flags, name, text, None, (), f"tag {quoted(name)} is no property tag")
    if name in _ISSUE_TAGS:
        return _issue(flags, name, text)
    fault = None
    if name == "iodef" and not _IODEF.fullmatch(text):
        fault = f"iodef {quoted(text)} is no mailto, http or https URL"
    elif flags & _CRITICAL and name not in KNOWN_TAGS:
        fault = f"critical property {name} is unknown: no CA may issue"
    return CaaRecord(flags, name, text, None, (), fault)


def _issue(flags: int, tag: str, text: str) -> CaaRecord:
    """issue-value = *WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]

    A value of another form names nobody (RFC 8659 section 4.2).
    """
    issuer, _, rest = text.partition(";")
    issuer = issuer.strip(_WSP)
    if issuer and not _ISSUER.fullmatch(issuer):
        fault = f"{tag} {quoted(text)} begins with no domain name"
        return CaaRecord(flags, tag, text, "", (), fault)
    parameters = []
    for part in filter(None, (each.strip(_WSP) for each in rest.split(";"))):
        name, equals, value = part.partition("=")
        name, value = name.rstrip(_WSP), value.lstrip(_WSP)
        if not (equals and _PARAMETER_TAG.fullmatch(name) and _PARAMETER_VALUE.fullmatch(value)):
            fault = f"{tag} {quoted(text)}: {quoted(part)} is no parameter"
            return CaaRecord(flags, tag, text, "", (), fault)
        parameters.append(Tag(name.lower(), value))
    return CaaRecord(flags, tag, text, issuer.lower(), tuple(parameters), None)


def permitted(records: Iterable[CaaRecord], *, wildcard: bool) -> frozenset[str] | None:
    """Domains of the CAs that may issue for a name, or for a wildcard; None where all may.

    For wildcards issuewild stands in front of issue, and else counts for nothing (RFC 8659
    sections 4.2, 4.3). A critical property that is unknown lets nobody issue (section 4.1).
    """
    held = list(records)
    if any(record.critical and record.tag not in KNOWN_TAGS for record in held):
        return frozenset()
    wild = [record for record in held if record.tag == "issuewild"]
    governing = wild if wildcard and wild else [r for r in held if r.tag == "issue"]
    if not governing:
        return None
    return frozenset(record.issuer for record in governing if record.issuer)


def organization(distinguished_name: str) -> str | None:
    """The organizationName of a name in RFC 4514 form; None where it has none."""
    # Records alone, such as those of a zone file, need nothing of certificates.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        name = x509.Name.from_rfc4514_string(distinguished_name)
    except ValueError:
        return None
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(found[0].value) if found else None


class CaaFault(Struct, frozen=True):
    """What is wrong with relevant CAA records. place: of one record; None where it is all of them.

    wanted: whether only a property that the policy asks for beside `issue` is missing.
    """

    message: str
    place: int | None
    wanted: bool = False


def faults(records: Sequence[CaaRecord], at: str, also: Iterable[str] = ()) -> Iterator[CaaFault]:
    """What keeps records found at a name from saying who may issue; nothing for no records."""
    if not records:
        return
    for place, record in enumerate(records):
        if record.malformed is not None:
            yield CaaFault(f"at {at}: {record.malformed}", place)
    tags = {record.tag for record in records}
    if "issue" not in tags:
        message = f"the CAA records at {at} have no issue property: any CA may issue"
        yield CaaFault(message, None)
    for tag in also:
        if tag not in tags:
            yield CaaFault(f"the CAA records at {at} have no {tag} property", None, wanted=True)
