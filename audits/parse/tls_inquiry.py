"""Which hello to send next, from what is asked and what was answered so far."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice

from audits.facts.tls import KeyType
from audits.facts.tls_offer import (
    PROTOCOL_VERSION,
    ClientHello,
    ServerAnswer,
    TlsAsk,
    TlsOffer,
    Version,
)
from audits.parse.tls_names import (
    CURVES,
    FFDHE,
    HYBRIDS,
    RENUMBERED_13,
    RFC8446_SUITES,
    SCHEMES,
    SSL2_SUITES,
    SUITES_13,
    SUITES_BEFORE_13,
    is_ephemeral,
    is_signed,
    key_exchange,
    suite_name,
)

# Suites that a version before TLS 1.2 can use (RFC 5246 appendix A.5, RFC 5289).
LEGACY_SUITES = frozenset(
    code for code in SUITES_BEFORE_13 if suite_name(code).endswith(("_SHA", "_MD5"))
)
SIGNED_SUITES = frozenset(filter(is_signed, SUITES_BEFORE_13))
CURVE_SUITES = frozenset(
    code for code in SUITES_BEFORE_13 if key_exchange(code).startswith("ECDHE_")
)
_OLD_TLS = (Version.TLS11, Version.TLS10, Version.SSL3)
_USUAL_GROUPS = (29, 23, 24, 25, 30)
# The usual ones last: a server that follows its client shows which others it takes.
_ALL_GROUPS = (*sorted(CURVES - set(_USUAL_GROUPS)), *_USUAL_GROUPS, *sorted(FFDHE))
_ALL_GROUPS_13 = (*sorted(HYBRIDS), *_USUAL_GROUPS, *sorted(FFDHE))
_ALL_SCHEMES = tuple(sorted(SCHEMES, reverse=True))


# Authentication in the name of a suite up to TLS 1.2, by the key that it takes; EdDSA goes by that
# of ECDSA (RFC 8422 section 2.2).
_AUTHENTICATED_BY: dict[KeyType, frozenset[str]] = {
    "ecdsa": frozenset({"ECDHE_ECDSA"}),
    "rsa": frozenset({"RSA", "DHE_RSA", "ECDHE_RSA"}),
}
# RFC 8446 section 6.2: what a server says that has nothing for what its client takes.
_HAS_NONE = frozenset({40, 71})


def suites_of_key(key_type: KeyType) -> frozenset[int]:
    """The suites up to TLS 1.2 that only a server with a key of that type can answer."""
    methods = _AUTHENTICATED_BY[key_type]
    return frozenset(code for code in SUITES_BEFORE_13 if key_exchange(code) in methods)


def schemes_of_key(key_type: KeyType) -> tuple[int, ...]:
    """The schemes by which a key of that type signs."""
    names = ("rsa_",) if key_type == "rsa" else ("ecdsa_", "ed")
    return tuple(code for code in _ALL_SCHEMES if SCHEMES[code].startswith(names))


def refusal_of_key(key_type: KeyType, offers: Iterable[TlsOffer]) -> int | None:
    """The alert by which the server says that it has no key of that type, or None.

    From a hello that takes no other in the highest version that the server speaks.
    """
    asked = tuple(offers)
    suites, modern = suites_of_key(key_type), _hello_of_key(key_type)
    only_13 = speaks_13_alone(asked)
    for offer in asked:
        hello = offer.hello
        old = hello.highest is Version.TLS12 and suites <= set(hello.suites) and not only_13
        if (old or hello == modern) and offer.outcome == "refused" and offer.alert in _HAS_NONE:
            return offer.alert
    return None


def speaks_13_alone(offers: Iterable[TlsOffer]) -> bool:
    """Whether a hello of TLS 1.2 was refused for its version."""
    return any(o.hello.highest is Version.TLS12 and o.alert == PROTOCOL_VERSION for o in offers)


def speaks_before_13(offers: Iterable[TlsOffer], current: str | None) -> bool | None:
    """Whether the server speaks TLS 1.2 or an older version; None where that is open."""
    asked = tuple(offers)
    if current == "TLSv1.2" or any(
        answer.version not in (Version.SSL2, Version.TLS13) for answer in _answers(asked)
    ):
        return True
    return None if SUITES_BEFORE_13 - _refused(Version.TLS12, asked) else False


def answers_for_key(key_type: KeyType, offers: Iterable[TlsOffer]) -> bool:
    """Whether hellos have shown all that there is to see of a certificate with that type of key."""
    asked = tuple(offers)
    return refusal_of_key(key_type, asked) is not None or speaks_13_alone(asked)


def takes_key_in_13(key_type: KeyType, offers: Iterable[TlsOffer]) -> bool:
    """Whether the server went on with a client of TLS 1.3 that takes no other key."""
    modern = _hello_of_key(key_type)
    return any(offer.hello == modern and offer.outcome == "accepted" for offer in offers)


def _hello_of_key(key_type: KeyType) -> ClientHello:
    suites = tuple(sorted(RFC8446_SUITES))
    schemes = schemes_of_key(key_type)
    return ClientHello(Version.TLS13, Version.TLS13, suites, _ALL_GROUPS_13, schemes, narrow=True)


def next_hellos(
    ask: TlsAsk, offers: Iterable[TlsOffer], current: str | None, most: int = 1
) -> tuple[ClientHello, ...]:
    """The next hellos that the audits in force need by what is known, up to so many.

    current: the version that a handshake with a current client ended in, such as `TLSv1.3`; a
    server that chose TLS 1.2 there has no TLS 1.3. No hello comes twice.
    """
    asked = tuple(offers)
    sent = {offer.hello for offer in asked}
    return tuple(islice((h for h in _needed(ask, asked, current) if h not in sent), most))


def _needed(
    ask: TlsAsk, offers: tuple[TlsOffer, ...], current: str | None
) -> Iterator[ClientHello]:
    """The hellos that open questions need, the gravest first."""
    sets = ask.suites if ask.other_key is None else (*ask.suites, suites_of_key(ask.other_key))
    if suites := _open_suites(sets, offers):
        yield hello_before_13(Version.TLS12, suites)
    highest = max((v for v in ask.versions if v in _OLD_TLS), key=_rank, default=None)
    if highest is not None and not _settled(highest, offers):
        yield hello_before_13(highest, LEGACY_SUITES)
    may_have_13 = current in (None, "TLSv1.3")
    if Version.SSL2 in ask.versions and current != "TLSv1.3":
        yield ssl2_hello()
    if ask.schemes:
        signed, schemes = _by_gravity(SIGNED_SUITES), tuple(sorted(ask.schemes))
        yield ClientHello(Version.SSL3, Version.TLS12, signed, _ALL_GROUPS, schemes, narrow=True)
    curve = _hello_for_curve(ask, offers)
    if curve is not None:
        yield curve
    else:
        yield from _required(ask.required, offers)
    if ask.other_key is not None and speaks_13_alone(offers):
        yield _hello_of_key(ask.other_key)
    if ask.suites13 and may_have_13:
        yield hello_13(ask.suites13, _ALL_GROUPS_13)
    if ask.hybrids and may_have_13:
        # Suites nobody expects first: a server that follows its client shows them.
        yield hello_13(SUITES_13, tuple(sorted(ask.hybrids)))


def enumeration(offers: Iterable[TlsOffer], current: str | None) -> ClientHello | None:
    """The next hello that finds out everything a server accepts, or None where it is all known.

    Each version with what it accepted taken away, until it refuses the rest.
    """
    asked = tuple(offers)
    sent = {offer.hello for offer in asked}
    steps: list[Callable[[tuple[TlsOffer, ...]], ClientHello | None]] = [
        *(lambda o, v=v: _rest_of_suites(v, o) for v in (Version.TLS12, *_OLD_TLS)),
        _rest_of_curves,
        _rest_of_schemes,
        lambda _: ssl2_hello(),
    ]
    if current in (None, "TLSv1.3"):
        steps += [_rest_of_suites_13, _rest_of_groups_13]
    found = (step(asked) for step in steps)
    return next((h for h in found if h is not None and h not in sent), None)


def hello_before_13(highest: Version, suites: Iterable[int]) -> ClientHello:
    """A hello for TLS 1.2 or older, with every group and signature scheme."""
    schemes = _ALL_SCHEMES if highest is Version.TLS12 else ()
    return ClientHello(Version.SSL3, highest, _by_gravity(frozenset(suites)), _ALL_GROUPS, schemes)


def hello_13(suites: Iterable[int], groups: tuple[int, ...]) -> ClientHello:
    """A hello for TLS 1.3 alone; suites outside RFC 8446 come first."""
    ordered = tuple(sorted(suites, key=lambda code: (code in RFC8446_SUITES, -code)))
    narrow = set(groups) != set(_ALL_GROUPS_13)
    return ClientHello(Version.TLS13, Version.TLS13, ordered, groups, _ALL_SCHEMES, narrow)


def ssl2_hello() -> ClientHello:
    """A hello of SSL 2 with all of its ciphers."""
    return ClientHello(Version.SSL2, Version.SSL2, tuple(SSL2_SUITES), (), ())


def _open_suites(sets: tuple[frozenset[int], ...], offers: tuple[TlsOffer, ...]) -> frozenset[int]:
    """All suites of the sets in which none was chosen, less what was refused in TLS 1.2."""
    chosen = {answer.suite for answer in _answers(offers)}
    still = frozenset[int]().union(*(wanted for wanted in sets if not wanted & chosen))
    return (still & SUITES_BEFORE_13) - _refused(Version.TLS12, offers)


def _settled(highest: Version, offers: tuple[TlsOffer, ...]) -> bool:
    """Whether it is known that a version up to this one is accepted, or that none is."""
    old = (Version.SSL3, Version.TLS10, Version.TLS11)
    if any(a.version in old and a.version.rank <= highest.rank for a in _answers(offers)):
        return True
    return _refused(highest, offers) >= LEGACY_SUITES


def _refused(version: Version, offers: tuple[TlsOffer, ...]) -> set[int]:
    return {s for offer in offers if offer.denies_suites(version) for s in offer.hello.suites}


def _answers(offers: tuple[TlsOffer, ...]) -> Iterator[ServerAnswer]:
    return (offer.answer for offer in offers if offer.answer is not None)


def _hello_for_curve(ask: TlsAsk, offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    """The hello that shows what a good client gets in TLS 1.2: suite, features and curve.

    Curves that ought not to be chosen come first, then those that ought to be accepted: most
    servers follow. Where DHE was chosen, curves alone.
    """
    old = [answer for answer in _answers(offers) if answer.version is Version.TLS12]
    if not (ask.features or ask.groups) or any(
        not ask.groups or _settles_curve(answer) for answer in old
    ):
        return None
    first = (*sorted(ask.groups), *sorted(ask.required - HYBRIDS, reverse=True))
    groups = tuple(dict.fromkeys((*first, *_ALL_GROUPS)))
    sent = {offer.hello for offer in offers}
    for suites in (SUITES_BEFORE_13, CURVE_SUITES)[: 2 if old else 1]:
        strong_first = _by_gravity(suites)[::-1]
        hello = ClientHello(Version.SSL3, Version.TLS12, strong_first, groups, _ALL_SCHEMES)
        if hello not in sent:
            return hello
    return None


def _required(codes: frozenset[int], offers: tuple[TlsOffer, ...]) -> Iterator[ClientHello]:
    """The next hello for each required group that is neither accepted nor refused."""
    sent = {offer.hello for offer in offers}
    for code in sorted(codes):
        if group_standing(code, offers) is None:
            yield from islice((h for h in _hellos_for(code, offers) if h not in sent), 1)


def group_standing(code: int, offers: Iterable[TlsOffer]) -> tuple[int, bool] | None:
    """Whether a required group is accepted, after the place of the offer that shows it.

    None where it is open.
    """
    asked = tuple(offers)
    wanted = {code, RENUMBERED_13.get(code, code)}
    for place, offer in enumerate(asked):
        if offer.answer is not None and offer.answer.group in wanted:
            return place, True
    first = _hellos_for(code, asked)[0]
    for place, offer in enumerate(asked):
        if offer.hello == first and offer.denies(first.highest):
            return place, False
    passed_over = _passed_over(code, asked)
    return None if passed_over is None else (passed_over, False)


def _hellos_for(code: int, offers: tuple[TlsOffer, ...]) -> tuple[ClientHello, ...]:
    """The hellos that show whether a group is accepted; a refusal of the first one counts.

    Up to TLS 1.2 an ECDSA certificate must be on one of the client's curves as well (RFC 8422
    section 5.1.1): a server with such a key may refuse a curve that it has, where that comes alone.
    """
    if code in HYBRIDS or speaks_13_alone(offers):
        return (hello_13(RFC8446_SUITES, (RENUMBERED_13.get(code, code),)),)
    suites = _by_gravity(CURVE_SUITES)[::-1]
    groups: list[tuple[int, ...]] = [(code,)]
    elliptic = (a.group for a in _answers(offers) if key_exchange(a.suite) == "ECDHE_ECDSA")
    chosen = next(elliptic, None)
    if chosen is not None:
        # Last what was chosen before: a server that follows its client will now choose another.
        others = (group for group in _USUAL_GROUPS if group not in (code, chosen))
        groups.insert(0, tuple(dict.fromkeys((code, *others, chosen))))
    return tuple(
        ClientHello(Version.SSL3, Version.TLS12, suites, each, _ALL_SCHEMES, narrow=True)
        for each in groups
    )


def _passed_over(code: int, offers: tuple[TlsOffer, ...]) -> int | None:
    """The place of an offer whose answer shows that the server does not have that group.

    It took one that came later, and follows its client: of two groups that it was offered together
    it chose now the one, now the other.
    """
    later: list[tuple[int, tuple[int, ...], int]] = []
    for place, offer in enumerate(offers):
        groups, answer = offer.hello.groups, offer.answer
        if answer is None or answer.version is not Version.TLS12 or code not in groups:
            continue
        if answer.group in groups[groups.index(code) + 1 :]:
            later.append((place, groups, answer.group))
    for place, groups, chosen in later:
        if any(chosen != c and c in groups and chosen in g for _, g, c in later):
            return place
    return None


def _settles_curve(answer: ServerAnswer) -> bool:
    """Whether a curve is known, or the server has done worse than any: no forward secrecy."""
    if answer.suite in CURVE_SUITES:
        return answer.group is not None
    return not is_ephemeral(answer.suite)


def _rest_of_suites(version: Version, offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    chosen = {a.suite for a in _answers(offers) if a.version is version}
    suites = SUITES_BEFORE_13 if version is Version.TLS12 else LEGACY_SUITES
    return hello_before_13(version, suites - chosen) if suites - chosen else None


def _rest_of_curves(offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    chosen = {a.group for a in _answers(offers) if a.version is Version.TLS12}
    groups = tuple(code for code in _ALL_GROUPS if code in CURVES and code not in chosen)
    suites = _by_gravity(CURVE_SUITES)
    return ClientHello(Version.SSL3, Version.TLS12, suites, groups, _ALL_SCHEMES, narrow=True)


def _rest_of_schemes(offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    chosen = {a.scheme for a in _answers(offers) if a.version is Version.TLS12}
    schemes = tuple(code for code in _ALL_SCHEMES if code not in chosen)
    suites = _by_gravity(SIGNED_SUITES)
    return ClientHello(Version.SSL3, Version.TLS12, suites, _ALL_GROUPS, schemes, narrow=True)


def _rest_of_suites_13(offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    chosen = {a.suite for a in _answers(offers) if a.version is Version.TLS13}
    return hello_13(SUITES_13 - chosen, _ALL_GROUPS_13)


def _rest_of_groups_13(offers: tuple[TlsOffer, ...]) -> ClientHello | None:
    chosen = {a.group for a in _answers(offers) if a.version is Version.TLS13}
    groups = tuple(code for code in _ALL_GROUPS_13 if code not in chosen)
    return hello_13(RFC8446_SUITES, groups) if groups else None


def _rank(version: Version) -> int:
    return version.rank


# What a suite's name says of it, the gravest first.
_GRAVITY = ("NULL", "anon", "EXPORT", "DES40", "_DES_", "RC4", "RC2", "3DES", "IDEA", "MD5")


@lru_cache(maxsize=256)
def _by_gravity(suites: frozenset[int]) -> tuple[int, ...]:
    """In an order that lets a server which follows its client show its worst."""
    return tuple(sorted(suites, key=lambda code: (_gravity(code), code)))


@cache
def _gravity(code: int) -> int:
    name = suite_name(code)
    grave = [place for place, word in enumerate(_GRAVITY) if word in name]
    if grave:
        return grave[0]
    method = key_exchange(code)
    return len(_GRAVITY) + (2 if method.startswith("ECDHE_") else method.startswith("DHE_"))
