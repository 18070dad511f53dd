"""What audits of TLS share: whether an offer was turned down, and the evidence for it."""

from collections.abc import Callable, Iterable

from audits.evaluate.verdict import Evidence, Pass, Undecided, cite
from audits.facts.tls_offer import TlsOffers, Version

AlertName = Callable[[int | None], str]


def refused(
    offers: TlsOffers, version: Version, suites: Iterable[int], alert_name: AlertName
) -> Pass | Undecided:
    """A pass where the service refused every one of the suites in that version.

    Those that it chose are the audit's to judge. alert_name: gives an alert's number its name.
    """
    if offers.unproven(version, suites):
        return undecided(offers)
    return Pass(refusals(offers, version, alert_name))


def refusals(offers: TlsOffers, version: Version, alert_name: AlertName) -> tuple[Evidence, ...]:
    """Every refusal of that version, or how many hellos there were."""
    found = offers.refusals(version)
    if not found:
        return (hellos(offers),)
    return tuple(refusal(offers, place, alert_name) for place in found)


def refusal(offers: TlsOffers, place: int, alert_name: AlertName) -> Evidence:
    """How the offer at that place was turned down."""
    offer = offers.offers[place]
    if offer.outcome == "closed":
        return cite(offers, f"/offers/{place}/outcome", "closed without an answer, and again")
    return cite(offers, f"/offers/{place}/alert", f"refused with {alert_name(offer.alert)}")


def undecided(offers: TlsOffers) -> Undecided:
    """The question stayed open, for the reason of the hello that got no answer."""
    silence = offers.silence
    return Undecided(silence.reason, silence.detail, (hellos(offers),))


def hellos(offers: TlsOffers) -> Evidence:
    """How many hellos the service was sent."""
    return cite(offers, "/offers", f"{len(offers.offers)} hellos")
