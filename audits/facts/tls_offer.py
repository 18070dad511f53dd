"""What was offered to a service in TLS, hello by hello, and what it answered."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Reason, Silence, Step
from audits.facts.tls import KeyType
from audits.subject import Service


class Version(StrEnum):
    """A protocol version, oldest first."""

    SSL2 = "ssl2"
    SSL3 = "ssl3"
    TLS10 = "1.0"
    TLS11 = "1.1"
    TLS12 = "1.2"
    TLS13 = "1.3"

    @property
    def rank(self) -> int:
        return _VERSIONS.index(self)

    @property
    def code(self) -> int:
        """As it stands in a hello (RFC 8446 section 4.1.2, and SSL 2)."""
        return _CODES[self.rank]

    @property
    def words(self) -> str:
        """As people write it: `SSL 3`, `TLS 1.2`."""
        return f"SSL {self.value[-1]}" if self.value.startswith("ssl") else f"TLS {self.value}"

    @classmethod
    def of(cls, code: int) -> "Version | None":
        """The version with that code, if there is one."""
        return _VERSIONS[_CODES.index(code)] if code in _CODES else None


_VERSIONS = tuple(Version)
_CODES = (0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304)

# TLS ExtensionType values (IANA registry)
SERVER_NAME = 0
TRUNCATED_HMAC = 4
SUPPORTED_GROUPS = 10
EC_POINT_FORMATS = 11
SIGNATURE_ALGORITHMS = 13
HEARTBEAT = 15
PADDING = 21
ENCRYPT_THEN_MAC = 22
EXTENDED_MASTER_SECRET = 23
SESSION_TICKET = 35
EARLY_DATA = 42
SUPPORTED_VERSIONS = 43
PSK_KEY_EXCHANGE_MODES = 45
SIGNATURE_ALGORITHMS_CERT = 50
KEY_SHARE = 51
RENEGOTIATION_INFO = 65281
# Alert of RFC 8446 section 6.2: the version that was offered is not spoken
PROTOCOL_VERSION = 70


class ClientHello(Struct, frozen=True):
    """What a hello offers, as code points of the IANA registries, in the order sent.

    lowest, highest: the range of versions. Up to TLS 1.2 a hello names the highest alone and so
    offers all older ones back to SSL 3 (RFC 5246 appendix E.1). suites of SSL 2 are its cipher
    kinds. groups, schemes: empty where the version knows none. narrow: they are a choice, so that
    a refusal may be for them and says nothing of the suites.
    """

    lowest: Version
    highest: Version
    suites: tuple[int, ...]
    groups: tuple[int, ...]
    schemes: tuple[int, ...]
    narrow: bool = False

    def asks_for(self, version: Version) -> bool:
        """Whether its refusal means that its suites are refused in that version.

        It does for the highest version, which a server looks at first. TLS 1.1 and older have the
        same suites: with none of them in one version a server has none in an older one either.
        """
        if version is self.highest:
            return True
        old = self.highest.rank <= Version.TLS11.rank
        return old and self.lowest.rank <= version.rank < self.highest.rank


class ServerAnswer(Struct, frozen=True):
    """What a server chose (ServerHello, HelloRetryRequest, ServerKeyExchange); None: not said.

    retry: it was a HelloRetryRequest (RFC 8446 section 4.1.4). group: of the key exchange, that of
    RFC 7919 too where the server sent its prime. dh_bits: length of the prime. scheme: of the
    signature over the key exchange in TLS 1.2. extensions: types that the server echoed.
    """

    version: Version
    suite: int
    retry: bool
    group: int | None
    dh_bits: int | None
    scheme: int | None
    compression: int
    extensions: tuple[int, ...]


class TlsOffer(Struct, frozen=True):
    """One hello and how it was answered.

    accepted: the server chose something (`answer`). refused: it ended the handshake with a fatal
    alert (`alert`, RFC 8446 section 6), or SSL 2's error. closed: it closed the connection without
    an answer, did so again when asked again, and accepted another hello in the same turn; Dovecot
    refuses like that. inconclusive: none of it, for the reason in `silence`; a rate limit looks so.
    """

    hello: ClientHello
    outcome: Literal["accepted", "refused", "closed", "inconclusive"]
    answer: ServerAnswer | None
    alert: int | None
    silence: Silence | None

    def denies(self, version: Version) -> bool:
        """Whether it shows that what it offers is not accepted in that version."""
        return self.outcome in ("refused", "closed") and self.hello.asks_for(version)

    def denies_suites(self, version: Version) -> bool:
        """Whether it shows that none of its suites is accepted in that version."""
        for_version = self.alert == PROTOCOL_VERSION
        return self.denies(version) and (for_version or not self.hello.narrow)


class TlsOffers(Fact, frozen=True, tag="tls.offers"):
    """Every hello that was sent to a service beyond the handshake of a current client."""

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    offers: tuple[TlsOffer, ...]

    def answers(self) -> Iterator[tuple[int, ServerAnswer]]:
        """What was accepted, each with the place of its offer."""
        for place, offer in enumerate(self.offers):
            if offer.answer is not None:
                yield place, offer.answer

    def refusals(self, version: Version) -> list[int]:
        """Places of the offers of that version that were refused."""
        return [place for place, offer in enumerate(self.offers) if offer.denies(version)]

    def unproven(self, version: Version, suites: Iterable[int]) -> set[int]:
        """Those of the suites that were neither refused nor chosen in that version."""
        left = set(suites)
        for offer in self.offers:
            if offer.denies_suites(version):
                left.difference_update(offer.hello.suites)
            elif offer.answer is not None and offer.answer.version is version:
                left.discard(offer.answer.suite)
        return left

    @property
    def silence(self) -> Silence:
        """Why a question stayed open: the last silence, or that nothing of it was asked."""
        for offer in reversed(self.offers):
            if offer.outcome == "inconclusive" and offer.silence is not None:
                return offer.silence
        return Silence(Reason.NOT_COLLECTED, "this run did not offer it to the service")


class Renegotiations(Fact, frozen=True, tag="tls.renegotiations"):
    """How often a server let its client begin a new handshake inside TLS 1.2 or an older version.

    tried: how many at most; 0 where no connection was left for it. accepted: how many it took part
    in to their end. refusal: how it ended the next one, such as `alert no_renegotiation`; None
    where it ended none.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: Service
    tried: int
    accepted: int
    refusal: str | None


class TlsAsk(Struct, frozen=True):
    """What a service is to be offered, as far as the audits in force need it.

    versions: that it ought to refuse. suites: sets of suites up to TLS 1.2; of each set it is
    enough to know that all are refused, or one that is accepted; the gravest first. suites13: of
    TLS 1.3, to be refused. schemes: that ought not to sign. groups: elliptic curves that ought not
    to be chosen, offered before others. required: groups of which each ought to be accepted, in TLS
    1.2, in 1.3 where the server has that alone, by their code point of TLS 1.2. hybrids: groups of
    TLS 1.3 of which one ought to be accepted. features: what the server makes of extensions in TLS
    1.2. renegotiations: how many to try, one more than are tolerated; 0 for none. other_key: the
    type of a key that the server may hold beside the one that it showed.
    """

    versions: frozenset[Version] = frozenset()
    suites: tuple[frozenset[int], ...] = ()
    suites13: frozenset[int] = frozenset()
    schemes: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    required: frozenset[int] = frozenset()
    hybrids: frozenset[int] = frozenset()
    features: bool = False
    renegotiations: int = 0
    other_key: KeyType | None = None

    def __or__(self, other: "TlsAsk") -> "TlsAsk":
        return TlsAsk(
            versions=self.versions | other.versions,
            suites=tuple(dict.fromkeys((*self.suites, *other.suites))),
            suites13=self.suites13 | other.suites13,
            schemes=self.schemes | other.schemes,
            groups=self.groups | other.groups,
            required=self.required | other.required,
            hybrids=self.hybrids | other.hybrids,
            features=self.features or other.features,
            renegotiations=max(self.renegotiations, other.renegotiations),
            other_key=self.other_key or other.other_key,
        )


class TlsQuestions(Struct, frozen=True):
    """What services are to be offered: on port 25 (`mx`), and on the submission ports (`msa`)."""

    mx: TlsAsk = TlsAsk()
    msa: TlsAsk = TlsAsk()

    @classmethod
    def same(cls, ask: TlsAsk) -> "TlsQuestions":
        """The same on every port."""
        return cls(ask, ask)

    def __or__(self, other: "TlsQuestions") -> "TlsQuestions":
        return TlsQuestions(self.mx | other.mx, self.msa | other.msa)
