"""What Ctrl-C and SIGTERM do while a verb runs: they end it in order, and keep what was seen."""

import signal
import threading
from types import FrameType


class _Signals:
    """SIGTERM ends a run the same orderly way as Ctrl-C does; only the exit code differs."""

    terminated = False

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        signal.raise_signal(signal.SIGINT)


_SIGNALS = _Signals()


def orderly_interrupts() -> None:
    """From now on either signal is a KeyboardInterrupt, in the one thread that signals come to."""
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGTERM, _SIGNALS.on_sigterm)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def was_terminated() -> bool:
    """Whether it was SIGTERM that interrupted."""
    return _SIGNALS.terminated
