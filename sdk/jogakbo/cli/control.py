"""The control socket: other `jogak` commands talk to a running supervisor."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from jogakbo.cli.errors import CliError, NoPortal
from jogakbo.cli.loop import READABLE, Loop
from jogakbo.cli.messages import Borrow, Done, Failed, Lent, Report, Restart, Status, Stop

Request = Restart | Status | Stop | Borrow
Answer = Done | Failed | Report | Lent

_NAME = "jogak.sock"
_LONGEST_REQUEST_BYTES = 65_536
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


class Connection:
    """One command on the other end; `on_close` is called once when it goes away."""

    def __init__(self, peer: socket.socket, loop: Loop, serve: "Serve") -> None:
        self.on_close: Callable[[], None] | None = None
        self._peer = peer
        self._loop = loop
        self._serve = serve
        self._received = b""
        peer.setblocking(False)
        loop.watch(peer.fileno(), READABLE, self._read)

    def answer(self, answer: Answer) -> None:
        """Say it; a command that went away meanwhile hears nothing, and `on_close` follows."""
        with contextlib.suppress(OSError):
            self._peer.sendall(msgspec.json.encode(answer) + b"\n")

    def close(self) -> None:
        """Hang up."""
        if self._peer.fileno() < 0:
            return
        self._loop.forget(self._peer.fileno())
        self._peer.close()
        if self.on_close is not None:
            self.on_close()

    def _read(self) -> None:
        try:
            received = self._peer.recv(_LONGEST_REQUEST_BYTES)
        except OSError:
            received = b""
        self._received += received
        if not received or len(self._received) > _LONGEST_REQUEST_BYTES:
            self.close()
        while b"\n" in self._received:
            line, _, self._received = self._received.partition(b"\n")
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            request = _requests.decode(line)
        except msgspec.MsgspecError as error:
            self.answer(Failed(f"not a request: {error}"))
            return
        self._serve(request, self)


Serve = Callable[[Request, Connection], None]


class ControlServer:
    """Listens in the run folder of a data folder that this process holds the lock of."""

    def __init__(self, run: Path, loop: Loop, serve: Serve) -> None:
        self._run = run
        self._loop = loop
        self._serve = serve
        self._listener = socket.socket(socket.AF_UNIX)
        (run / _NAME).unlink(missing_ok=True)
        # A socket's path may have about a hundred bytes, a data folder's may have more: bind by the bare name.
        with contextlib.chdir(run):
            self._listener.bind(_NAME)
        self._listener.listen()
        self._listener.setblocking(False)
        loop.watch(self._listener.fileno(), READABLE, self._accept)

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        (self._run / _NAME).unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            Connection(self._listener.accept()[0], self._loop, self._serve)


def dial(run: Path) -> socket.socket:
    """Connect to the supervisor of a run folder. Raises NoPortal when there is none."""
    peer = socket.socket(socket.AF_UNIX)
    try:
        with contextlib.chdir(run):
            peer.connect(_NAME)
    except OSError:
        peer.close()
        raise NoPortal(f"no portal runs with the data folder {run.parent}; start one with `jogak up`") from None
    return peer


def send(peer: socket.socket, request: Request) -> Answer | None:
    """Ask and wait for the answer; None when the supervisor hung up instead. Raises CliError on a refusal."""
    peer.sendall(msgspec.json.encode(request) + b"\n")
    received = b""
    while not received.endswith(b"\n"):
        chunk = peer.recv(_LONGEST_REQUEST_BYTES)
        if not chunk:
            return None
        received += chunk
    answer = _answers.decode(received)
    if isinstance(answer, Failed):
        raise CliError(answer.text)
    return answer
