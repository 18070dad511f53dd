"""Answers to the questions of an SPF evaluation, out of a zone that is a plain mapping."""

from collections.abc import Mapping, Sequence

from audits.facts.fact import Reason, Silence
from audits.parse.spf_trace import Answer, Question, Records

TIMEOUT = "TIMEOUT"
_MAX_ALIASES = 8


class Zone:
    """Records by name and type.

    Every name is lower case without its final dot; `TIMEOUT` instead of records is silence, and as
    a type of its own, silence for every type that is not there. `asked`: all questions, in order.
    """

    def __init__(self, records: Mapping[str, Mapping[str, Sequence[str] | str]]) -> None:
        self._records = {name.lower().removesuffix("."): each for name, each in records.items()}
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        name = question.name
        for _ in range(_MAX_ALIASES):
            found = self._records.get(name.lower())
            if found is None:
                return Records("NXDOMAIN", ())
            values = found.get(question.rdtype)
            if values == TIMEOUT or (values is None and TIMEOUT in found):
                return Silence(Reason.DNS_TIMEOUT, "no answer within 3 s")
            if values is not None:
                return Records("NOERROR", tuple(values))
            if "CNAME" not in found:
                return Records("NOERROR", ())
            name = found["CNAME"][0]
        return Silence(Reason.PROTOCOL, "aliases do not end")
