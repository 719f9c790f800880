"""Clients that take one byte a second: what do they cost, and what do the others feel of them?"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.compose.checks import check
from bench.compose.load import Sample, load
from bench.compose.pages import PAGES
from bench.compose.systems.system import System
from bench.processes import LOAD_CORE, Process
from bench.progress import Progress

READERS = 200
PAGE = "big"
OTHERS = 4

_SETTLE_SECONDS = 15.0
_IDLE_CPU_SECONDS = 0.1
_OPENING_SECONDS = 0.02
_LOAD_SECONDS = 3
_WINDOW_BYTES = 4_096


class Slowness(msgspec.Struct, frozen=True):
    """Memory before, with all readers there, and some seconds later; what four others at a time feel.

    `kernel_mb` is what the connections' buffers hold, which no process shows.
    """

    system: str
    readers: int
    page_bytes: int
    before_mb: float
    during_mb: float
    later_mb: float
    kernel_mb: float
    others_before: Sample
    others_during: Sample


def measure(system: System, folder: Path, progress: Progress) -> Slowness:
    progress.step(f"{READERS} slow readers: {system.label}", planned_seconds())
    others = system.target("f-6")
    load(others, connections=OTHERS, seconds=1, system=system.process)
    check(system.target(PAGE), PAGES[PAGE])
    before_mb, kernel_before_mb = system.process.rss_bytes() / 1e6, _kernel_mb()
    before = load(others, connections=OTHERS, seconds=_LOAD_SECONDS, system=system.process)
    words = [sys.executable, "-m", "bench.compose.slow_readers", system.target(PAGE).url, str(READERS)]
    with Process(words, core=LOAD_CORE, log=folder / "slow_readers.log") as readers:
        readers.wait_until(lambda: b"reading" in readers.log.read_bytes(), "connections")
        _wait_until_quiet(system)
        during_mb = system.process.rss_bytes() / 1e6
        during = load(others, connections=OTHERS, seconds=_LOAD_SECONDS, system=system.process)
        later_mb = system.process.rss_bytes() / 1e6
        kernel_mb = _kernel_mb() - kernel_before_mb
    progress.note(f"{before_mb:.0f} MB, then {later_mb:.0f} MB")
    return Slowness(
        system=system.name,
        readers=READERS,
        page_bytes=sum(fragment.size for fragment in PAGES[PAGE].fragments),
        before_mb=before_mb,
        during_mb=during_mb,
        later_mb=later_mb,
        kernel_mb=kernel_mb,
        others_before=before,
        others_during=during,
    )


def planned_seconds() -> float:
    return 2 + 2 * _LOAD_SECONDS + READERS * _OPENING_SECONDS


def _wait_until_quiet(system: System) -> None:
    """Until the pages have been made; from then on they are only sent."""
    used, until = -1.0, time.monotonic() + _SETTLE_SECONDS
    while (now := system.process.cpu_seconds()) - used > _IDLE_CPU_SECONDS and time.monotonic() < until:
        used = now
        time.sleep(1)


def _kernel_mb() -> float:
    """Memory of all TCP connections: `TCP: inuse 12 orphan 0 tw 3 alloc 14 mem 5`, in pages."""
    words = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    return int(words.split()[-1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def read_slowly(url: str, count: int) -> None:
    """A process of its own: asks `count` times, and takes a byte of each answer a second until it is ended."""
    address = urlsplit(url)
    request = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/html\r\n\r\n".encode()
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(count):
            line = stack.enter_context(socket.socket())
            # Before the connection is made: afterwards the window is what the system thinks best.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)
            line.connect((address.hostname or "", address.port or 80))
            line.sendall(request)
            selector.register(line, selectors.EVENT_READ)
            time.sleep(_OPENING_SECONDS)
        print("reading", flush=True)
        while True:
            second = time.monotonic() + 1
            for key, _ in selector.select(1):
                if isinstance(key.fileobj, socket.socket) and not key.fileobj.recv(1):
                    selector.unregister(key.fileobj)
            time.sleep(max(0.0, second - time.monotonic()))


if __name__ == "__main__":
    read_slowly(sys.argv[1], int(sys.argv[2]))
