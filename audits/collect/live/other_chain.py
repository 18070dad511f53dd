"""The collector of the certificate that a server holds beside the one that it prefers."""

from collections.abc import Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.conversation import Conversation, Deadline, TlsFailed, connected
from audits.collect.live.pace import Pace
from audits.collect.live.service import NOT_OURS, RELAY_PORT
from audits.collect.live.tcp import Unheard, target_of
from audits.collect.live.tls import context_for
from audits.collect.live.trust import TrustStore
from audits.errors import UsageError
from audits.facts.dane import TlsaSet
from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.facts.tls import CertificateChain, KeyType, OtherChain
from audits.facts.tls_offer import TlsOffer, TlsOffers
from audits.parse.tls_inquiry import refusal_of_key, speaks_13_alone, takes_key_in_13
from audits.parse.tls_names import alert_name
from audits.parse.tlsa import usable
from audits.settings import Settings
from audits.subject import MailHost, Service, Subject

# RFC 8446 section 6.2: what a server says that has nothing for what its client takes.
_HAS_NONE = frozenset({"alert handshake_failure", "alert insufficient_security"})
_OTHER: dict[str, KeyType] = {"rsa": "ecdsa", "ec": "rsa", "ed25519": "rsa", "ed448": "rsa"}


class OtherChainWalk:
    """The second certificate on port 25, where TLSA records promise something of every one.

    Only after the usual conversation has shown the first one, only on hosts of ours, and only
    where senders use the records: nobody else minds which certificate a client gets. A crafted
    hello has mostly shown already that there is no other; else it takes a handshake. In TLS 1.3 the
    certificate comes encrypted, so that of a server that speaks nothing else it is known only that
    there is none.
    """

    name: ClassVar[str] = "other-chain"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({OtherChain})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset(
        {HostRoles, DeclaredHost, TlsaSet, CertificateChain, TlsOffers}
    )

    def __init__(self, origin: Origin, settings: Settings, pace: Pace, trust: TrustStore) -> None:
        self._origin = origin
        self._settings = settings
        self._pace = pace
        self._trust = trust

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Service)
        found = _reason_not_to_ask(subject, seen) or await self._ask(subject, seen)
        return [observation(OtherChain, subject, found, self._origin.live(self.name))]

    async def _ask(self, service: Service, seen: Snapshot) -> OtherChain | Silence:
        key_type = other_key_type(service, seen)
        if key_type is None:
            return Silence(Reason.ABSENT, "the key first presented is neither RSA nor ECDSA")
        offers = seen.fact(TlsOffers, service)
        known = _answered(service, key_type, offers.offers) if offers is not None else None
        if known is not None:
            return known
        declared = seen.fact(DeclaredHost, MailHost(service.host))
        target = target_of(service, declared, self._settings.redirect)
        deadline = Deadline(self._settings.limits.host_s)
        async with connected(target, self._settings, self._pace, deadline) as connection:
            attempt, talk = connection.attempt, connection.talk
            if talk is None:
                words = f"the connection for its {key_type.upper()} certificate: {attempt.detail}"
                return attempt.silence or Silence(Reason.UNREACHABLE, words)
            try:
                return await self._handshake(talk, service, key_type, declared)
            except TlsFailed as failed:
                return _refused(service, key_type, failed)
            except Unheard as unheard:
                return unheard.silence
            finally:
                await talk.quit()

    async def _handshake(
        self,
        talk: Conversation,
        service: Service,
        key_type: KeyType,
        declared: DeclaredHost | None,
    ) -> OtherChain | Silence:
        """STARTTLS as in the usual conversation; raises Unheard."""
        for reply, wanted in (
            (await talk.greeting(), 220),
            (await talk.ehlo(), 250),
            (await talk.ask("STARTTLS"), 220),
        ):
            if reply.code != wanted:
                reason = Reason.DEFERRED if reply.transient else Reason.PROTOCOL
                return Silence(reason, f"on its second connection the server said {reply.text}")
        handshake = await talk.enter_tls(service.host, context=context_for(key_type))
        private_ca = declared.private_ca if declared is not None else None
        now = self._origin.clock()
        try:
            chain = self._trust.chain_fact(service, handshake.chain, now, private_ca)
        except UsageError as error:
            return Silence(Reason.INTERNAL, str(error))
        return OtherChain(service, key_type, chain, None)


def other_key_type(service: Service, seen: Snapshot) -> KeyType | None:
    """The type of key to ask for beside the one first presented; None where nobody minds."""
    if _reason_not_to_ask(service, seen) is not None:
        return None
    first = seen.fact(CertificateChain, service)
    return _OTHER.get(first.leaf.key_type) if first is not None and first.leaf else None


def _answered(
    service: Service, key_type: KeyType, offers: Sequence[TlsOffer]
) -> OtherChain | Silence | None:
    """What crafted hellos have shown of the other certificate; None where a handshake can tell."""
    alert = refusal_of_key(key_type, offers)
    if alert is not None:
        return OtherChain(service, key_type, None, alert_name(alert))
    if not speaks_13_alone(offers):
        return None
    if takes_key_in_13(key_type, offers):
        words = (
            f"the server speaks TLS 1.3 only, and serves clients that take an {key_type.upper()} "
            "key only: the certificate that they get comes encrypted, and was not seen"
        )
        return Silence(Reason.TLS, words)
    return Silence(Reason.TLS, _only_13(key_type))


def _only_13(key_type: KeyType) -> str:
    return (
        f"the server speaks TLS 1.3 only: whether it has an {key_type.upper()} certificate "
        "was not answered"
    )


def _reason_not_to_ask(service: Service, seen: Snapshot) -> Silence | None:
    host = MailHost(service.host)
    roles, tlsa = seen.fact(HostRoles, host), seen.fact(TlsaSet, host)
    if service.port != RELAY_PORT:
        return Silence(Reason.SKIPPED, "TLSA records are looked at for port 25 only")
    if roles is None or not roles.in_inventory:
        return NOT_OURS
    if tlsa is None or not tlsa.secure or not any(usable(tlsa.records)):
        return Silence(Reason.SKIPPED, f"no TLSA record that senders use is known of {host}")
    match seen.get(CertificateChain, service):
        case Observed():
            return None
        case Unobserved(_, _, reason, detail):
            return Silence(reason, detail)
        case None:
            return Silence(Reason.NOT_COLLECTED, "no first certificate was asked for")


def _refused(service: Service, key_type: KeyType, failed: TlsFailed) -> OtherChain | Silence:
    """Whether a failed handshake says that there is no such certificate."""
    refusal = failed.handshake.error if failed.handshake is not None else None
    if refusal in _HAS_NONE:
        return OtherChain(service, key_type, None, refusal)
    if refusal == "alert protocol_version":
        return Silence(Reason.TLS, _only_13(key_type))
    return failed.silence
