"""Evaluations of SPF for tests, from a zone that is a plain mapping."""

from collections.abc import Mapping, Sequence

from audits.facts.spf import SpfEvaluation, SpfHelo, SpfWorstCase
from audits.parse.spf_cost import worst_case
from audits.parse.spf_eval import answered, check_host
from audits.subject import Domain, MailHost
from tests.parse.spf_zone import TIMEOUT, Zone

SUBJECT = Domain("example.net")
HOST = MailHost("mail.example.net")

Records = Mapping[str, Sequence[str] | str]


def zone(*spf: str, **other: Records) -> Zone:
    """The zone in which example.net has these TXT records; other: `a_b` is a.b.example."""
    names = {f"{label.replace('_', '.')}.example": found for label, found in other.items()}
    return Zone({"example.net": {"TXT": spf}, **names})


def evaluation(of: Zone, *addresses: str) -> SpfEvaluation:
    """What check_host gives for mail of example.net from each of these addresses."""
    checks = (check_host(a, "postmaster@example.net", "example.net") for a in addresses)
    return SpfEvaluation(SUBJECT, tuple(answered(check, of.answer) for check in checks), ())


def worst(of: Zone, *sends_from: int) -> SpfWorstCase:
    """What the record of example.net costs; sends_from: the families of its senders."""
    costs = (answered(worst_case(SUBJECT.name, family), of.answer) for family in (4, 6))
    return SpfWorstCase(SUBJECT, tuple(costs), sends_from)


def helo(of: Zone, *addresses: str, name: str = HOST.name) -> SpfHelo:
    """What check_host gives for a bounce from mail.example.net."""
    checks = (answered(check_host(a, "", name), of.answer) for a in addresses)
    return SpfHelo(HOST, name, tuple(checks))


SILENT: Records = {"TXT": TIMEOUT, "A": TIMEOUT, "AAAA": TIMEOUT}
