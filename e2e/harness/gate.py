"""Between the shell and a fragment server: passes everything on, or answers in its place."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Answer = Callable[[], Iterable[bytes]]
"""What is sent to whoever asks anything: pieces, for as long as they are taken."""

_BUFFER_BYTES = 65_536


class Gate:
    """A port of its own, open before the server behind it is known."""

    def __init__(self) -> None:
        self._address_behind = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lines: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._answer: Answer | None = None
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lead_to(self, url: str) -> None:
        """Pass everything on to the server at `http://host:port` from now on."""
        self._address_behind = url.removeprefix("http://")

    @contextmanager
    def answering(self, answer: Answer) -> Iterator[None]:
        """Until the block ends nothing reaches the server behind; open connections are cut on both sides of it."""
        self._answer, self.asked = answer, 0
        self._cut()
        try:
            yield
        finally:
            self._answer = None
            self._cut()

    def close(self) -> None:
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        answer = self._answer
        with self._kept(line), contextlib.suppress(OSError):
            if answer is None:
                self._pass_on(line)
            elif line.recv(_BUFFER_BYTES):
                self.asked += 1
                for piece in answer():
                    line.sendall(piece)

    def _pass_on(self, line: socket.socket) -> None:
        host, _, port = self._address_behind.partition(":")
        with socket.create_connection((host, int(port))) as behind, self._kept(behind):
            threading.Thread(target=_pump, args=(behind, line), daemon=True).start()
            _pump(line, behind)

    @contextmanager
    def _kept(self, line: socket.socket) -> Iterator[None]:
        with self._lock:
            self._lines.add(line)
        try:
            with line:
                yield
        finally:
            with self._lock:
                self._lines.discard(line)

    def _cut(self) -> None:
        with self._lock:
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(_BUFFER_BYTES):
            sink.sendall(received)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
