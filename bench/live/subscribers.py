"""The load: `subscribers.c`, many connections in one small process on the other core."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from bench.installs import Missing
from bench.live.messages import BYTES
from bench.processes import LOAD_CORE, Broken, bind_to, run

AT_ONCE = 128
"""Handshakes under way when connections are opened in good order."""

_SOURCE = Path(__file__).parent / "subscribers.c"
_PATIENCE_MS = 120_000


class Arrivals(msgspec.Struct, frozen=True):
    """When connections had all that was expected, in nanoseconds of CLOCK_MONOTONIC; `got` of `wanted` had it."""

    wanted: int
    got: int
    first: int
    median: int
    p99: int
    last: int


class State(msgspec.Struct, frozen=True):
    """Since the process began: connections refused, and lost after they were open; `wrong` messages differed."""

    now: int
    open: int
    refused: int
    lost: int
    messages: int
    events: int
    wrong: int
    bytes: int


def compile_subscribers(folder: Path) -> Path:
    """Raises Missing where there is no compiler."""
    if shutil.which("cc") is None:
        raise Missing("the load: no C compiler; apt-get install gcc libc6-dev")
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "subscribers"
    run(["cc", "-O2", "-o", binary, _SOURCE], core=LOAD_CORE)
    return binary


class Subscribers:
    """`request` is a whole HTTP request with `@VISITOR@` and `@CURSOR@` to be filled in for each connection."""

    def __init__(self, binary: Path, port: int, request: str, cursor: str, most: int) -> None:
        file = binary.parent / f"request-{port}"
        file.write_text(request, newline="")
        self._process = subprocess.Popen(
            [str(word) for word in (binary, port, file, most, BYTES, cursor)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: bind_to(LOAD_CORE),  # noqa: PLW1509 - no thread forks meanwhile
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, count: int, *, narrow: int = 0, at_once: int = AT_ONCE) -> State:
        """Raises Broken when not all are open within two minutes."""
        state = self._state(f"open {count} {narrow} {at_once} {_PATIENCE_MS}")
        if state.open != count:
            raise Broken(f"only {state.open:,} of {count:,} connections are open, {state.refused:,} were refused")
        return state

    def close(self) -> State:
        return self._state("close")

    def stall(self, count: int) -> State:
        """The first `count` read nothing any more, and are not asked for what is awaited."""
        return self._state(f"stall {count}")

    def resume(self) -> State:
        return self._state("resume")

    def state(self) -> State:
        return self._state("state")

    def expect(self, numbers: range) -> None:
        """Before these messages are published."""
        self._state(f"expect {numbers[0]} {numbers[-1]}")

    def arrivals(self, seconds: float = 20.0) -> Arrivals:
        """Wait until all that read have what is expected, or the time has passed."""
        return msgspec.json.decode(self._ask(f"await {round(seconds * 1000)}"), type=Arrivals)

    def _state(self, command: str) -> State:
        return msgspec.json.decode(self._ask(command), type=State)

    def _ask(self, command: str) -> bytes:
        channel = self._process
        assert channel.stdin
        assert channel.stdout
        assert channel.stderr
        try:
            channel.stdin.write(f"{command}\n".encode())
            channel.stdin.flush()
        except BrokenPipeError:
            raise Broken(channel.stderr.read().decode(errors="replace")) from None
        answer = channel.stdout.readline()
        if not answer:
            raise Broken(channel.stderr.read().decode(errors="replace"))
        return answer
