"""What the DNS answered: MX, addresses, SPF, DKIM, DMARC, MTA-STS, TLS-RPT, PTR, the resolver."""

from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Reason, Silence, Step
from audits.subject import Address, Domain, MailHost, Vantage


class Answer(Struct, frozen=True):
    """One answer to one question.

    name: the name asked for. rcode: its mnemonic, `NOERROR` or `NXDOMAIN`.
    authenticated: the AD bit as the resolver set it (RFC 4035 section 3.2.3); it says
    something only of a resolver that is known to validate.
    extended_errors: `code text` each (RFC 8914). ttl_s: of the answer, negative ones included.
    """

    name: str
    rcode: str
    authenticated: bool
    extended_errors: tuple[str, ...]
    ttl_s: int


class Tag(Struct, frozen=True):
    """One `name=value` of a tag list (RFC 6376 section 3.2), white space trimmed."""

    name: str
    value: str


class MxRecord(Struct, frozen=True):
    """One MX record. exchange: `.` is the null MX (RFC 7505)."""

    preference: int
    exchange: str


class MxSet(Fact, frozen=True, tag="dns.mx"):
    """The MX records of a domain by preference, lowest first, then name (RFC 5321 section 5.1)."""

    STEP: ClassVar[Step] = Step.MX

    subject: Domain
    answer: Answer
    records: tuple[MxRecord, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """Host names to deliver to, in order, each once; the domain itself where no MX exists.

        Empty for a name that does not exist, and for a null MX.
        """
        if not self.records:
            return (self.subject.name,) if self.answer.rcode == "NOERROR" else ()
        return tuple(dict.fromkeys(r.exchange for r in self.records if r.exchange != "."))


class SilentType(Struct, frozen=True):
    """An address type that could not be asked for while the other was answered."""

    rdtype: str
    silence: Silence


class ApexAddresses(Fact, frozen=True, tag="dns.apex"):
    """A and AAAA at the domain name itself. addresses: IPv4 first."""

    STEP: ClassVar[Step] = Step.ADDRESS

    subject: Domain
    answers: tuple[Answer, ...]
    addresses: tuple[str, ...]
    silent: tuple[SilentType, ...]


class HostAddresses(Fact, frozen=True, tag="dns.host"):
    """A and AAAA of a host name. alias_chain: targets of CNAMEs that were followed, in order.

    silent: at most one type; where neither was answered the fact is unobserved.
    """

    STEP: ClassVar[Step] = Step.ADDRESS

    subject: MailHost
    answers: tuple[Answer, ...]
    alias_chain: tuple[str, ...]
    addresses: tuple[str, ...]
    silent: tuple[SilentType, ...]


class SpfTerm(Struct, frozen=True):
    """A mechanism or modifier of an SPF record (RFC 7208 section 4.6.1).

    text: as published. qualifier: `+`, `-`, `~` or `?`; empty for a modifier.
    name: lower case. value: what follows `:` or `=`, prefix lengths included; empty if nothing.
    """

    text: str
    qualifier: str
    name: str
    value: str


class SpfRecord(Struct, frozen=True):
    """One SPF record; `terms` holds those that could be read. malformed: the first syntax error."""

    text: str
    terms: tuple[SpfTerm, ...]
    malformed: str | None


class SpfNode(Struct, frozen=True):
    """The SPF records at one name of the tree that include and redirect span.

    path: the terms that led here from the domain, outermost first. answer: None where silent.
    """

    name: str
    path: tuple[str, ...]
    answer: Answer | None
    records: tuple[SpfRecord, ...]
    silence: Silence | None


class SpfTree(Fact, frozen=True, tag="dns.spf"):
    """The SPF records of a domain, first, and of every name that they include or redirect to.

    Depth first, in order of terms. Names with macros are not followed: they depend on the message.
    The first node has an answer: where the domain itself is silent, the fact is unobserved.
    """

    subject: Domain
    nodes: tuple[SpfNode, ...]


class DkimKey(Struct, frozen=True):
    """One DKIM key record (RFC 6376 section 3.6.1).

    algorithm: value of `k`, `rsa` where absent. form: `spki`, `pkcs1` or `raw`, None if unread.
    bits: of the RSA modulus, or 256 for Ed25519. exponent: of an RSA key; None beyond 64 bits.
    key_sha256: of the key in one form, SubjectPublicKeyInfo for RSA and the bare octets for
    Ed25519; of the decoded `p` where it is unread. weakness: why anybody has the private key, too.
    revoked: `p` is present and empty. hashes, services, flags: lists of `h`, `s`, `t`.
    private: `p` holds a private key, which is withheld here.
    """

    text: str
    tags: tuple[Tag, ...]
    algorithm: str
    form: str | None
    bits: int | None
    exponent: int | None
    key_sha256: str | None
    weakness: str | None
    private: bool
    revoked: bool
    hashes: tuple[str, ...]
    services: tuple[str, ...]
    flags: tuple[str, ...]
    malformed: str | None


class DkimSelector(Struct, frozen=True):
    """What is published under one declared selector. answer: None where silent."""

    selector: str
    name: str
    alias_chain: tuple[str, ...]
    answer: Answer | None
    keys: tuple[DkimKey, ...]
    silence: Silence | None


class DkimKeys(Fact, frozen=True, tag="dns.dkim"):
    """The keys under the active selectors that the inventory declares for a domain, in its order.

    domainkey: the answer at `_domainkey.<domain>`, asked for only where no selector is declared.
    """

    subject: Domain
    selectors: tuple[DkimSelector, ...]
    domainkey: Answer | None

    @property
    def silent(self) -> tuple[int, Silence] | None:
        """The first selector that was silent, by index, and its silence; None if all answered."""
        found = ((i, s.silence) for i, s in enumerate(self.selectors) if s.silence is not None)
        return next(found, None)


class DmarcRecord(Struct, frozen=True):
    """One DMARC policy record (RFC 9989 section 4.7). tags: in order, names lower case."""

    text: str
    tags: tuple[Tag, ...]
    malformed: str | None

    def value(self, name: str) -> str | None:
        """The value of the first tag of that name, or None."""
        return next((tag.value for tag in self.tags if tag.name == name), None)


class DmarcStep(Struct, frozen=True):
    """One query of the tree walk. texts: all TXT found; records: those that claim to be DMARC."""

    answer: Answer
    texts: tuple[str, ...]
    records: tuple[DmarcRecord, ...]


class DmarcWalk(Fact, frozen=True, tag="dns.dmarc"):
    """The DNS tree walk for a domain's DMARC policy, in order of queries (RFC 9989 section 4.10).

    organizational: the organizational domain that the walk gives (section 4.10.2).
    """

    subject: Domain
    steps: tuple[DmarcStep, ...]
    organizational: str

    @property
    def found_at(self) -> int | None:
        """The index of the step whose record governs, or None (RFC 9989 section 4.10.1).

        The author domain's own record comes first, then the organizational domain's, then that of
        the public suffix above it.
        """
        single = [i for i, step in enumerate(self.steps) if len(step.records) == 1]
        if single and single[0] == 0:
            return 0
        wanted = f"_dmarc.{self.organizational}"
        for i in single:
            if self.steps[i].answer.name == wanted:
                return i
        return next(
            (i for i in single if self.steps[i].records[0].value("psd") in ("y", "Y")), None
        )


class StsRecord(Struct, frozen=True):
    """One MTA-STS TXT record (RFC 8461 section 3.1)."""

    text: str
    id: str | None
    malformed: str | None


class MtaStsTxt(Fact, frozen=True, tag="dns.mta-sts"):
    """TXT at `_mta-sts.<domain>`: all texts, and the records among them that claim MTA-STS."""

    subject: Domain
    answer: Answer
    texts: tuple[str, ...]
    records: tuple[StsRecord, ...]


class TlsRptRecord(Struct, frozen=True):
    """One TLS-RPT TXT record (RFC 8460 section 3). rua: URIs as published."""

    text: str
    rua: tuple[str, ...]
    malformed: str | None


class TlsRptTxt(Fact, frozen=True, tag="dns.tlsrpt"):
    """TXT at `_smtp._tls.<domain>`: all texts, and the records among them that claim TLS-RPT."""

    subject: Domain
    answer: Answer
    texts: tuple[str, ...]
    records: tuple[TlsRptRecord, ...]


class PtrNames(Fact, frozen=True, tag="dns.ptr"):
    """The names that the reverse zone gives for an address, sorted (RFC 1035 section 3.5)."""

    STEP: ClassVar[Step] = Step.ADDRESS

    subject: Address
    answer: Answer
    names: tuple[str, ...]


class ForwardName(Struct, frozen=True):
    """One PTR name and the addresses that it resolves to."""

    name: str
    addresses: tuple[str, ...]
    silence: Silence | None


class ForwardNames(Fact, frozen=True, tag="dns.ptr-forward"):
    """What each PTR name of an address resolves to (RFC 8601 section 3, iprev)."""

    STEP: ClassVar[Step] = Step.ADDRESS

    subject: Address
    names: tuple[ForwardName, ...]


class ResolverReport(Fact, frozen=True, tag="dns.resolver"):
    """What the pre-flight found out about the resolver.

    servers: `address:port` each. signed, bogus: answers for a name known to be signed and for
    one known to be bogus, None where not asked or silent. finding: one clause in plain words.
    """

    subject: Vantage
    servers: tuple[str, ...]
    signed: Answer | None
    bogus: Answer | None
    finding: str

    @property
    def validates(self) -> bool:
        """It authenticates a signed name; only then does its AD bit mean anything."""
        return self.signed is not None and self.signed.authenticated

    @property
    def distrust(self) -> Silence | None:
        """Why it does not tell what is secure (RFC 7672 section 2.1.3); None where it validates."""
        return None if self.validates else Silence(Reason.UNVALIDATED, self.finding)
