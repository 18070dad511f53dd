"""mta-config-agrees-with-wire."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from audits.catalog.mta.config_agrees_with_wire import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Silence, Unobserved, kind_of
from audits.facts.host import (
    BoundSocket,
    CertificateFile,
    CertificateFiles,
    ListeningSockets,
    UnseenFile,
)
from audits.facts.mta import Mta, MtaListeners, TrustedNetworks
from audits.facts.relay import RelayProbes
from audits.facts.smtp import AuthAttempt, AuthInClear, EhloReply, Reply
from audits.facts.tls import Certificate, CertificateChain, TlsHandshake
from audits.facts.tls_offer import ClientHello, TlsOffer, TlsOffers, Version
from audits.subject import Role, Service
from tests.build import AS_OF, PROVENANCE, judge, reply, roles, silent
from tests.catalog import wire
from tests.catalog.mta.configured import HOST, SUBMISSIONS, facts
from tests.catalog.relay.test_refused import OK, probes
from tests.catalog.tls.offering import accepted, answer, refused
from tests.parse.postfix.configs import MASTER_CF, reading

PORTS = (25, 465, 587)
OLD = ClientHello(Version.SSL3, Version.TLS11, (0x2F,), (), ())
WIRE = (EhloReply, TlsHandshake, TlsOffers, AuthInClear, RelayProbes, CertificateChain)
PEM = "/etc/ssl/mx1.pem"


def tls_offers(offer: TlsOffer, at: Service = wire.MX) -> TlsOffers:
    return TlsOffers(at, (offer,))


def tried(said: Reply, at: Service = wire.SUBMISSION) -> AuthInClear:
    return AuthInClear(at, (AuthAttempt("PLAIN", said),))


def on_disk(*held: Certificate, malformed: str | None = None) -> CertificateFiles:
    """What is in the file that Postfix names."""
    file = CertificateFile(Mta.POSTFIX, "/etc/postfix", PEM, held, malformed)
    return CertificateFiles(HOST, (file,), ())


def agreeing() -> dict[str, tuple[Fact, ...]]:
    """What a host with the sound configuration does on the wire."""
    return {
        "ehlo": (wire.ehlo(wire.MX, "STARTTLS"), wire.ehlo(wire.SUBMISSION, "STARTTLS")),
        "handshake": tuple(map(wire.handshake, (wire.MX, wire.SUBMISSIONS, wire.SUBMISSION))),
        "offers": (tls_offers(refused(OLD)),),
        "auth": (tried(reply(530, "5.7.0 Must issue a STARTTLS command first")),),
        "relay": (probes(),),
    }


def of(
    extra: str = "",
    *,
    sockets: tuple[int, ...] | None = PORTS,
    files: CertificateFiles | None = None,
    master: str = MASTER_CF + SUBMISSIONS,
    **changed: tuple[Fact, ...],
) -> Result:
    """The sound configuration with lines added, beside a wire that agrees unless said."""
    seen: list[Fact | Unobserved] = list(facts(reading(extra, master=master)))
    for found in (agreeing() | changed).values():
        seen += found
    if sockets is None:
        seen.append(silent(ListeningSockets, HOST, Reason.SKIPPED))
    else:
        bound = tuple(BoundSocket("", port) for port in sockets)
        seen.append(ListeningSockets(HOST, bound))
    seen.append(files or silent(CertificateFiles, HOST, Reason.SKIPPED))
    told = {(kind_of(type(fact)), fact.subject) for fact in seen if isinstance(fact, Fact)}
    for kind in WIRE:
        for at in (wire.MX, wire.SUBMISSIONS, wire.SUBMISSION):
            if (kind_of(kind), at) not in told:
                seen.append(silent(kind, at, Reason.SKIPPED))
    return judge(evaluate, HOST, roles(HOST.name, Role.MX, Role.MSA, ports=PORTS), *seen)


def test_wire_that_does_what_is_configured_passes() -> None:
    leaf = wire.certificate()
    result = of(files=on_disk(leaf), chain=(wire.chain(wire.MX, leaf),))
    assert result.outcome is Outcome.PASS
    kinds = {evidence.kind for evidence in result.evidence}
    assert kinds >= {kind_of(MtaListeners), kind_of(ListeningSockets)}
    assert kinds >= set(map(kind_of, WIRE))


def test_old_tls_that_is_allowed_and_refused_is_told_with_both_sides() -> None:
    result = of("smtpd_tls_protocols = >=TLSv1\n")
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert violation.message == (
        "smtp inet of postfix accepts TLS 1.1 or older by its configuration "
        "(smtpd_tls_protocols = >=TLSv1), and mx1.example.net:25 [192.0.2.10] refuses TLS 1.1 and "
        "older on the wire"
    )
    assert str(violation.evidence[0].place) == "main.cf:9"
    assert violation.evidence[-1].kind == kind_of(TlsOffers)
    assert violation.severity in (None, Severity.LOW)


def test_old_tls_that_is_forbidden_and_spoken_fails() -> None:
    old = answer("TLS_RSA_WITH_AES_128_CBC_SHA", Version.TLS10, group=None, scheme=None)
    result = of(offers=(tls_offers(accepted(OLD, old)),))
    assert result.outcome is Outcome.FAIL
    assert "refuses TLS 1.1 and older by its configuration" in result.violations[0].message


def test_starttls_that_something_takes_away_fails() -> None:
    hidden = (wire.ehlo(wire.MX), wire.ehlo(wire.SUBMISSION, "STARTTLS"))
    result = of(ehlo=hidden)
    (violation,) = result.violations
    assert "offers STARTTLS by its configuration" in violation.message
    assert "offers no STARTTLS on the wire" in violation.message


def test_auth_before_tls_against_the_configuration_fails() -> None:
    result = of(auth=(tried(reply(334, "")),))
    assert "takes AUTH before TLS on the wire" in result.violations[0].message


def test_auth_that_is_put_off_is_no_answer() -> None:
    assert of(auth=(tried(reply(454, "4.7.0 later")),)).outcome is Outcome.PASS


def test_relaying_against_the_configuration_fails() -> None:
    result = of(relay=(probes({"<S> U@D": OK}),))
    assert "relays for strangers on the wire" in result.violations[0].message


def test_relaying_for_an_address_that_the_host_trusts_is_no_strangers() -> None:
    extra = "mynetworks = 198.51.100.0/24\n"
    assert of(extra, relay=(probes({"<S> U@D": OK}),)).outcome is Outcome.PASS


def test_catch_all_that_takes_everything_is_no_relay() -> None:
    catch_all = probes({"<S> U@D": OK}, random=OK)
    assert of(relay=(catch_all,)).outcome is Outcome.PASS


def test_port_that_is_configured_and_not_served_fails() -> None:
    result = of(sockets=(25, 465))
    (violation,) = result.violations
    assert violation.message == (
        "submission inet of postfix is configured on port 587, and nothing listens there"
    )


def test_port_that_is_served_and_not_configured_fails() -> None:
    result = of(master=MASTER_CF)
    (violation,) = result.violations
    assert violation.message == (
        "something listens on port 465, and no mail program is configured to"
    )


OLD_LEAF = wire.certificate(sha256="aa" * 32)
NEW_LEAF = wire.certificate(
    sha256="bb" * 32, not_before=AS_OF - timedelta(days=1), not_after=AS_OF + timedelta(days=89)
)
AUTHORITY = wire.certificate(sha256="cc" * 32, is_ca=True, not_before=AS_OF, dns_names=())


def test_renewed_certificate_that_was_not_loaded_fails() -> None:
    result = of(
        files=on_disk(NEW_LEAF, AUTHORITY), chain=(wire.chain(wire.MX, OLD_LEAF, AUTHORITY),)
    )
    (violation,) = result.violations
    assert violation.message == (
        f"mx1.example.net:25 [192.0.2.10] presents a certificate that expires on "
        f"{OLD_LEAF.not_after:%Y-%m-%d}, and a newer one is in {PEM}, which postfix names: it "
        f"expires on {NEW_LEAF.not_after:%Y-%m-%d}"
    )
    assert [each.kind for each in violation.evidence] == ["tls.chain", "host.certificates"]


def test_older_certificate_than_the_one_presented_fails_as_another() -> None:
    result = of(files=on_disk(OLD_LEAF), chain=(wire.chain(wire.MX, NEW_LEAF),))
    assert "and another one is in" in result.violations[0].message


def test_certificate_that_is_in_one_of_the_files_passes() -> None:
    result = of(files=on_disk(NEW_LEAF, OLD_LEAF), chain=(wire.chain(wire.MX, OLD_LEAF),))
    assert result.outcome is Outcome.PASS
    assert "host.certificates" in {each.kind for each in result.evidence}


WITHHELD = (UnseenFile("/etc/ssl/mx1.key", Silence(Reason.DENIED, "may not be seen")),)


def test_renewed_certificate_fails_though_the_key_before_it_may_not_be_seen() -> None:
    files = replace(on_disk(NEW_LEAF), silent=WITHHELD)
    result = of(files=files, chain=(wire.chain(wire.MX, OLD_LEAF),))
    assert "and a newer one is in" in result.violations[0].message


@pytest.mark.parametrize(
    "files",
    [
        CertificateFiles(HOST, (), ()),
        on_disk(replace(NEW_LEAF, key_type="rsa"), malformed="a certificate is malformed"),
        replace(on_disk(replace(NEW_LEAF, dns_names=("mx2.example.net",))), silent=WITHHELD),
        replace(on_disk(AUTHORITY), silent=WITHHELD),
        CertificateFiles(
            HOST, (replace(on_disk(NEW_LEAF).files[0], instance="/etc/postfix-out"),), ()
        ),
    ],
    ids=["none", "other type", "other name", "authority alone", "other instance"],
)
def test_files_that_do_not_tell_all_are_not_held_against_the_wire(files: CertificateFiles) -> None:
    assert of(files=files, chain=(wire.chain(wire.MX, OLD_LEAF),)).outcome is Outcome.PASS


def test_loopback_socket_serves_nobody_else() -> None:
    assert BoundSocket("127.0.0.1", 25).loopback
    assert BoundSocket("::1", 25).loopback
    assert not BoundSocket("", 25).loopback


@pytest.mark.parametrize("reason", [Reason.FILTERED, Reason.TIMEOUT])
def test_silent_wire_is_unknown(reason: Reason) -> None:
    listeners, networks = facts(reading(master=MASTER_CF + SUBMISSIONS))[1:]
    assert isinstance(listeners, MtaListeners)
    assert isinstance(networks, TrustedNetworks)
    nothing = [silent(kind, wire.MX, reason) for kind in WIRE]
    result = judge(
        evaluate,
        HOST,
        roles(HOST.name),
        listeners,
        networks,
        silent(ListeningSockets, HOST, Reason.DENIED),
        silent(CertificateFiles, HOST, Reason.DENIED),
        *nothing,
    )
    assert result.outcome is Outcome.UNKNOWN


def test_files_under_review_are_not_compared_with_the_running_host() -> None:
    elsewhere = msgspec.structs.replace(PROVENANCE, collector="another")
    sockets = msgspec.structs.replace(
        silent(ListeningSockets, HOST, Reason.DENIED), provenance=elsewhere
    )
    seen = facts(reading("smtpd_tls_protocols = >=TLSv1\n"))
    told = [silent(kind, wire.MX, Reason.TIMEOUT) for kind in WIRE]
    files = silent(CertificateFiles, HOST, Reason.DENIED)
    result = judge(evaluate, HOST, roles(HOST.name), *seen, sockets, files, *told)
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_host_that_can_not_be_logged_in_to_is_unknown() -> None:
    kinds = (MtaListeners, ListeningSockets, TrustedNetworks, CertificateFiles)
    denied = [silent(kind, HOST, Reason.DENIED) for kind in kinds]
    told = [silent(kind, wire.MX, Reason.SKIPPED) for kind in WIRE]
    result = judge(evaluate, HOST, roles(HOST.name), *denied, *told)
    assert result.outcome is Outcome.UNKNOWN


def test_host_that_is_not_logged_in_to_does_not_apply() -> None:
    skipped = [
        silent(kind, HOST, Reason.SKIPPED)
        for kind in (MtaListeners, ListeningSockets, TrustedNetworks, CertificateFiles)
    ]
    told = [silent(kind, wire.MX, Reason.SKIPPED) for kind in WIRE]
    result = judge(evaluate, HOST, roles(HOST.name), *skipped, *told)
    assert result.outcome is Outcome.NOT_APPLICABLE
