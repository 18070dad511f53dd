"""How the zones of domains and of mail hosts stand towards DNSSEC (RFC 4033 to 4035)."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from audits.facts.dns import Answer, SilentType
from audits.facts.fact import Fact
from audits.subject import Domain, MailHost


class Signature(Struct, frozen=True):
    """One RRSIG record (RFC 4034 section 3.1). covers: the type that it signs; signer: the zone.

    name: of the records that it signs. inception, expiration: aware UTC.
    """

    name: str
    covers: str
    algorithm: int
    key_tag: int
    signer: str
    inception: datetime
    expiration: datetime


class Security(StrEnum):
    """What a resolver says of an answer (RFC 4033 section 5).

    It means something only of a resolver that is known to validate. Indeterminate is no member:
    where nothing was learnt, the fact is unobserved.
    """

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"


class DsRecord(Struct, frozen=True):
    """One DS record of the parent zone (RFC 4034 section 5.1). digest: lower hex."""

    key_tag: int
    algorithm: int
    digest_type: int
    digest: str


class ZoneKey(Struct, frozen=True):
    """One DNSKEY record (RFC 4034 section 2.1). flags: 257 has SEP set, the mark of a KSK.

    bits: modulus or curve size; 0 where the key can't be read or its algorithm is not known.
    """

    flags: int
    algorithm: int
    key_tag: int
    bits: int


class Nsec3Parameters(Struct, frozen=True):
    """The NSEC3PARAM record (RFC 5155 section 4.1). salt: lower hex, empty for none."""

    hash_algorithm: int
    iterations: int
    salt: str


class ZoneStatus(Struct, frozen=True):
    """A zone as a resolver sees it.

    name: its apex; where that was not learnt, the name that was asked about. bogus: why the
    resolver refuses the answer, though it gives it with checking disabled; None where it doesn't.
    answer: to the question for the SOA, with checking disabled where it is bogus.
    ds, keys, nsec3: empty or None where there are none; those of an insecure zone are read too.
    signatures: over SOA, DNSKEY and the answers that were asked for anyway, MX of a domain and
    addresses and TLSA of a host, or over their denial. silent: what of this was not answered.
    """

    name: str
    answer: Answer
    bogus: str | None
    ds: tuple[DsRecord, ...]
    keys: tuple[ZoneKey, ...]
    nsec3: Nsec3Parameters | None
    signatures: tuple[Signature, ...]
    silent: tuple[SilentType, ...]

    @property
    def security(self) -> Security:
        if self.bogus is not None:
            return Security.BOGUS
        return Security.SECURE if self.answer.authenticated else Security.INSECURE

    @property
    def unsigned(self) -> bool:
        """Neither keys nor DS records were found: no resolver is needed to call it insecure."""
        return not (self.keys or self.ds or self.silent or self.bogus)


class BogusName(Struct, frozen=True):
    """A name with mail records that a validating resolver refuses to answer for. detail: why."""

    name: str
    rdtype: str
    detail: str


class DomainSecurity(Fact, frozen=True, tag="dns.dnssec"):
    """The zone that a domain is in.

    bogus_names: of the names looked up for the domain's mail, those that are bogus.
    """

    subject: Domain
    zone: ZoneStatus
    bogus_names: tuple[BogusName, ...]


class HostSecurity(Fact, frozen=True, tag="dns.dnssec-host"):
    """The zone that a mail host's name is in; that of its target where it is an alias."""

    subject: MailHost
    zone: ZoneStatus
