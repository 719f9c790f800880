"""A single-threaded event loop: file descriptors, timers and signals, nothing else.

The supervisor forks, and neither threads nor asyncio's global state survive a fork well.
"""

import heapq
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType

Action = Callable[[], None]
SignalAction = Callable[[signal.Signals], None]

READABLE = selectors.EVENT_READ
WRITABLE = selectors.EVENT_WRITE


@dataclass(order=True, slots=True)
class Timer:
    """A call to come; `cancel` makes it not come."""

    due: float
    order: int
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Forget the call; harmless when it has happened."""
        self.cancelled = True


class Loop:
    """Calls back when a file descriptor is ready, a time has come, or a signal arrived."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._timers_made = 0

    def watch(self, descriptor: int, interest: int, action: Action) -> None:
        """Call `action` whenever `descriptor` is READABLE or WRITABLE, until `forget`."""
        self._selector.register(descriptor, interest, action)

    def forget(self, descriptor: int) -> None:
        """Stop watching; call it before the descriptor is closed."""
        self._selector.unregister(descriptor)

    def after(self, seconds: float, action: Action) -> Timer:
        """Call `action` once, `seconds` from now."""
        self._timers_made += 1
        timer = Timer(time.monotonic() + seconds, self._timers_made, action)
        heapq.heappush(self._timers, timer)
        return timer

    def turn(self) -> None:
        """Wait for the next thing to happen and answer it."""
        for key, _ in self._selector.select(self._patience()):
            # An earlier answer of this turn may have closed this descriptor or given it to something else.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        now = time.monotonic()
        while self._timers and self._timers[0].due <= now:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.action()

    def _patience(self) -> float | None:
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0].due - time.monotonic()) if self._timers else None


def watch_signals(loop: Loop, numbers: Iterable[signal.Signals], action: SignalAction) -> None:
    """Answer signals in the loop instead of between two instructions of whatever runs."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, _leave_to_the_loop)

    def arrived() -> None:
        for number in dict.fromkeys(os.read(reader, 4096)):
            action(signal.Signals(number))

    loop.watch(reader, READABLE, arrived)


def _leave_to_the_loop(_number: int, _frame: FrameType | None) -> None:
    """A handler must exist for the wake-up descriptor to be written."""
