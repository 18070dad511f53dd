"""Every key exchange that is accepted has forward secrecy and a strong group.

## Rationale
With RSA key exchange, whoever gets the server's key reads all mail that was ever recorded. A
Diffie-Hellman group of 1024 bits has been within reach of states for years.

## Remediation
Leave ECDHE alone; DHE needs a group of at least 2048 bits if it is to stay.

Postfix (`main.cf`):

    smtpd_tls_exclude_ciphers = kRSA, kDHE, aNULL
    tls_eecdh_auto_curves = X25519MLKEM768 X25519 prime256v1 secp384r1

Where DHE stays: `smtpd_tls_dh1024_param_file = auto` (Postfix 3.7 or later).
For a policy with `must_offer: [secp256r1, brainpoolP256r1]`, as BSI TR-03116-4 has it:

    tls_eecdh_auto_curves = brainpoolP256r1 prime256v1 secp384r1

Exim with OpenSSL: `tls_require_ciphers = HIGH:!kRSA:!kDHE:!aNULL`, `tls_dhparam = none`,
`tls_eccurve = auto`; with GnuTLS: `tls_require_ciphers = NORMAL:-RSA:-DHE-RSA`.
OpenSMTPD: `smtp ciphers "HIGH:!kRSA:!aNULL"`.

## Limits
Elliptic curves that ought not to be used are offered before the others; a server that prefers its
own order shows the best one that it has, and the others only with `--deep`.

`must_offer` costs a connection for each group that the server does not choose by itself. A curve is
asked for in TLS 1.2, or in TLS 1.3 where the server speaks nothing older. A server with an ECDSA
key that chooses by an order of its own may leave the question open.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import hellos, refusal, refused, undecided
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.tls_offer import ServerAnswer, TlsAsk, TlsOffers, TlsQuestions, Version
from audits.parse.tls_inquiry import CURVE_SUITES, group_standing
from audits.parse.tls_names import FFDHE, alert_name, group_name, suite_name
from audits.parse.tls_policy import (
    MODERN_GROUPS,
    RequiredGroup,
    curves_outside,
    dhe_suites,
    required_groups,
    suites_without_forward_secrecy,
)


def _questions(
    *,
    min_dh_bits: int,
    rfc7919_only: bool,
    groups: tuple[str, ...],
    warn_groups: tuple[str, ...],
    must_offer: tuple[RequiredGroup, ...],
) -> TlsQuestions:
    sets = (suites_without_forward_secrecy(), dhe_suites())
    required = required_groups(must_offer)
    return TlsQuestions.same(
        TlsAsk(suites=sets, groups=curves_outside(groups) - required, required=required)
    )


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(9325, "4.1"), Doc("NCSC-NL TLS guidelines 2025-05", "3.3.3")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.3"),
        Doc("BSI TR-03116-4", "2.2.2"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
    asks=_questions,
)
def evaluate(
    offers: TlsOffers,
    *,
    min_dh_bits: int = 2048,
    rfc7919_only: bool = False,
    groups: tuple[str, ...] = MODERN_GROUPS,
    warn_groups: tuple[str, ...] = (),
    must_offer: tuple[RequiredGroup, ...] = (),
) -> Verdict:
    """rfc7919_only: of DHE only the groups with a name. groups: elliptic curves and hybrids that
    may be chosen; one of warn_groups beside them is a violation of low severity. must_offer: each
    of these must be accepted, and may be chosen.
    """
    bounds = _Bounds(min_dh_bits, rfc7919_only, (*groups, *must_offer), warn_groups)
    violations: dict[str, Violation] = {}
    for place, answer in offers.answers():
        for violation in bounds.violations(offers, place, answer):
            violations.setdefault(violation.message, violation)
    required = _Required(offers, must_offer)
    for violation in required.violations:
        violations.setdefault(violation.message, violation)
    if violations:
        return Fail(tuple(violations.values()))
    strong = [answer.dh_bits for _, answer in offers.answers() if answer.suite in dhe_suites()]
    if None in strong:
        return undecided(offers)
    wanted = suites_without_forward_secrecy() | (frozenset() if strong else dhe_suites())
    verdict = refused(offers, Version.TLS12, wanted, alert_name)
    if isinstance(verdict, Undecided):
        return verdict
    curves = tuple(_curves(offers))
    if not curves and offers.unproven(Version.TLS12, CURVE_SUITES):
        return undecided(offers)
    if required.open:
        words = f"whether {', '.join(required.open)} is accepted was not shown"
        return Undecided(offers.silence.reason, words, (hellos(offers),))
    return Pass((*verdict.evidence, *curves, *required.evidence))


class _Required:
    """What became of the groups that must be accepted."""

    def __init__(self, offers: TlsOffers, names: tuple[RequiredGroup, ...]) -> None:
        self.evidence: list[Evidence] = []
        self.violations: list[Violation] = []
        self.open: list[str] = []
        for code in sorted(required_groups(names)):
            self._judge(offers, code)

    def _judge(self, offers: TlsOffers, code: int) -> None:
        standing, name = group_standing(code, offers.offers), group_name(code)
        if standing is None:
            return self.open.append(name)
        place, accepted = standing
        offer = offers.offers[place]
        pointer = f"/offers/{place}/answer/group"
        if accepted:
            return self.evidence.append(cite(offers, pointer, name))
        if offer.answer is None:
            evidence = refusal(offers, place, alert_name)
        else:
            chosen = group_name(offer.answer.group or 0)
            evidence = cite(offers, pointer, f"{chosen} was chosen, though {name} came before it")
        version = offer.hello.highest.words
        self.violations.append(Violation(f"{name} is not accepted in {version}", (evidence,)))


class _Bounds:
    """What a key exchange must not be."""

    def __init__(
        self, min_dh_bits: int, named: bool, groups: tuple[str, ...], tolerated: tuple[str, ...]
    ) -> None:
        self._min_dh_bits = min_dh_bits
        self._named = named
        self._groups = {name.lower() for name in groups}
        self._tolerated = {name.lower() for name in tolerated}

    def violations(
        self, offers: TlsOffers, place: int, answer: ServerAnswer
    ) -> Iterator[Violation]:
        at = f"/offers/{place}/answer"
        if answer.suite in suites_without_forward_secrecy():
            name = suite_name(answer.suite)
            evidence = (cite(offers, f"{at}/suite", name),)
            yield Violation(f"{name} is accepted, which has no forward secrecy", evidence)
        if answer.dh_bits is not None:
            evidence = (cite(offers, f"{at}/dh_bits"),)
            if answer.dh_bits < self._min_dh_bits:
                words = f"DHE has a group of {answer.dh_bits} bits, less than {self._min_dh_bits}"
                yield Violation(words, evidence)
            elif self._named and answer.group is None:
                words = f"DHE has a group of {answer.dh_bits} bits that RFC 7919 does not name"
                yield Violation(words, evidence)
        elif answer.group is not None and answer.group not in FFDHE:
            name = group_name(answer.group)
            # Brainpool's curves have a name of their own in TLS 1.3 (RFC 8734 section 3).
            if self._groups.isdisjoint({name.lower(), name.lower().removesuffix("tls13")}):
                evidence = (cite(offers, f"{at}/group", name),)
                severity = Severity.LOW if name.lower() in self._tolerated else None
                yield Violation(f"the group {name} is accepted", evidence, severity)


def _curves(offers: TlsOffers) -> Iterator[Evidence]:
    """The curves that were chosen, each once."""
    seen: set[int] = set()
    for place, answer in offers.answers():
        if answer.suite in CURVE_SUITES and answer.group is not None and answer.group not in seen:
            seen.add(answer.group)
            yield cite(offers, f"/offers/{place}/answer/group", group_name(answer.group))
