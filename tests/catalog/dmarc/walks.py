"""DMARC tree walks for tests, from a zone of TXT records."""

from audits.facts.dns import DmarcStep, DmarcWalk
from audits.parse.dmarc import dmarc_records, organizational_domain, walk_domains, walk_ends
from audits.subject import Domain
from tests.build import answer

SUBJECT = Domain("example.net")


def walk(zone: dict[str, str | tuple[str, ...]], domain: str = "example.net") -> DmarcWalk:
    """The walk from `domain` through `zone`: texts by the name below which `_dmarc` holds them."""
    steps: list[DmarcStep] = []
    for name in walk_domains(domain):
        found = zone.get(name, ())
        texts = (found,) if isinstance(found, str) else found
        rcode = "NOERROR" if texts else "NXDOMAIN"
        step = DmarcStep(answer(f"_dmarc.{name}", rcode), texts, dmarc_records(texts))
        steps.append(step)
        if walk_ends(step.records):
            break
    return DmarcWalk(Domain(domain), tuple(steps), organizational_domain(domain, steps))


def own(*texts: str) -> DmarcWalk:
    """The walk where only the domain itself publishes something."""
    return walk({"example.net": texts})
