"""How far relay probes go."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # few runs send one
    from audits.collect.live.canary import Canary


@dataclass(frozen=True)
class Beyond:
    """What is done beyond RCPT, because the command line asked for it.

    data_abort: what is accepted is asked for DATA too, and the connection closed without content;
    RFC 5321 section 4.1.1.10 has a server drop the message then. canary: one message for each host
    that accepts anything, to a mailbox of the operator's own.
    """

    data_abort: bool = False
    canary: "Canary | None" = None

    @property
    def names(self) -> tuple[str, ...]:
        """The options that ask for it, without hyphens in front."""
        return self.names_of(data_abort=self.data_abort, canary=self.canary is not None)

    @staticmethod
    def names_of(*, data_abort: bool, canary: bool) -> tuple[str, ...]:
        options = {"canary": canary, "data-abort": data_abort}
        return tuple(name for name, asked in options.items() if asked)


UP_TO_RCPT = Beyond()
