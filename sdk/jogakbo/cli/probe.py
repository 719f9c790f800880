"""Ask one port whether it is ready, without waiting for it."""

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

from jogakbo.cli.loop import READABLE, WRITABLE, Action, Loop

PATIENCE_SECONDS = 2.0
_MOST_BYTES = 4096

Verdict = Callable[[str | None], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What to send to a port, and how an answer begins that means ready."""

    port: int
    greeting: bytes
    welcome: tuple[bytes, ...]


def http_question(port: int, path: str) -> Question:
    """Ready means: GET of the path answers 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    return Question(port, request.encode(), (b"HTTP/1.1 200", b"HTTP/1.0 200"))


def valkey_question(port: int) -> Question:
    """Ready means: answers PONG, and not that it is still loading."""
    return Question(port, b"PING\r\n", (b"+PONG",))


class Probe:
    """One connection, one question, one verdict: None for ready, else a few words on why not."""

    def __init__(self, loop: Loop, question: Question, verdict: Verdict) -> None:
        self._loop = loop
        self._question = question
        self._verdict = verdict
        self._answer = b""
        self._watched = False
        self._over = False
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._timeout = loop.after(PATIENCE_SECONDS, lambda: self._end("no answer"))
        code = self._socket.connect_ex(("127.0.0.1", question.port))
        if code in (0, errno.EINPROGRESS):
            self._watch(WRITABLE, self._send)
        else:
            loop.after(0, lambda: self._end("not listening"))

    def abandon(self) -> None:
        """Close without a verdict."""
        if self._over:
            return
        self._over = True
        self._timeout.cancel()
        self._unwatch()
        self._socket.close()

    def _send(self) -> None:
        try:
            self._socket.sendall(self._question.greeting)
        except OSError:
            self._end("not listening")
            return
        self._watch(READABLE, self._receive)

    def _receive(self) -> None:
        try:
            received = self._socket.recv(_MOST_BYTES)
        except OSError as error:
            self._end(error.strerror or "connection lost")
            return
        self._answer += received
        if self._answer.startswith(self._question.welcome):
            self._end(None)
        elif not received or len(self._answer) >= len(max(self._question.welcome, key=len)):
            self._end(_first_words(self._answer))

    def _end(self, why_not: str | None) -> None:
        if self._over:
            return
        self.abandon()
        self._verdict(why_not)

    def _watch(self, interest: int, action: Action) -> None:
        self._unwatch()
        self._loop.watch(self._socket.fileno(), interest, action)
        self._watched = True

    def _unwatch(self) -> None:
        if self._watched:
            self._loop.forget(self._socket.fileno())
            self._watched = False


def _first_words(answer: bytes) -> str:
    first = answer.split(b"\r\n", 1)[0].decode("latin-1").removeprefix("HTTP/1.1 ")
    return f"answers {first[:40]!r}" if first else "closes the connection"
