"""CAA records for tests."""

from audits.facts.caa import CaaSet
from audits.parse.caa import caa_record
from audits.subject import MailHost
from tests.build import answer


def caa(*records: tuple[str, str], host: str = "mx1.example.net", flags: int = 0) -> CaaSet:
    """Found at the parent of the host, or nowhere."""
    parent = host.partition(".")[2]
    answers = [answer(host), answer(parent)] + ([] if records else [answer("net")])
    held = tuple(caa_record(flags, tag.encode(), value.encode()) for tag, value in records)
    return CaaSet(MailHost(host), tuple(answers), held)
