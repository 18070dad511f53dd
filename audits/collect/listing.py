"""A collector that is known by name, and imported when a plan needs it."""

from dataclasses import dataclass
from importlib import import_module

from audits.collect.collector import Collector


@dataclass(frozen=True)
class Listing:
    """module: below `audits.collect`. kinds: all that the collector provides, blanks between them.

    Who wants none of these never imports it, nor what it stands on.
    """

    module: str
    collector: str
    kinds: str

    def load(self) -> type[Collector]:
        """The collector itself."""
        module = import_module(f"audits.collect.{self.module}")
        found: type[Collector] = getattr(module, self.collector)
        return found
