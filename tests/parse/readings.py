"""What holds for the reading of a mail program's files, whatever stands in them."""

from audits.facts.fact import Silence
from audits.parse.config_tree import Reading


def held(found: Reading | Silence) -> Reading:
    """The reading, whose problems have a place, and whose listeners each answer a question once."""
    assert isinstance(found, Reading)
    for problem in found.program.problems:
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert problem.expected
    for listener in found.listeners:
        assert 0 < listener.port < 65536
        questions = [ruling.question for ruling in listener.rulings]
        assert len(questions) == len(set(questions))
    return found
