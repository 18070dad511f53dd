"""What a resolver has done so far, counted."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    """What a resolver has done so far. by_type: queries sent for each record type.

    joined: questions that waited for the same one under way. strays: datagrams that fit no query.
    """

    asked: int = 0
    queries: int = 0
    over_tcp: int = 0
    timeouts: int = 0
    cached: int = 0
    joined: int = 0
    strays: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
