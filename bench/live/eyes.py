"""Can the load see? A server of known faults, before every run: a load that counts wrongly would count so for all."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.live.messages import body
from bench.live.subscribers import Subscribers
from bench.processes import Broken

_NUMBER = 7
_GOOD = body(_NUMBER)
_REQUEST = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Who: @VISITOR@\r\n\r\n"
_EVENTS = (
    (f"data: {_GOOD}\n\n", True),
    (f"event: hello\ndata: {{}}\n\nid: 1\nevent: fragment\ndata: {_GOOD}\nid: 2\n\n", True),  # in pieces of 7 bytes
    (f"data: {_GOOD[:13]}!{_GOOD[14:]}\n\n", False),  # another first letter
    (f"data: {_GOOD[:-15]}!{_GOOD[-14:]}\n\n", False),  # another last letter
    (f"data: {_GOOD[:-1]}\n\n", False),  # cut short
    (f"data: {_GOOD}\n\n" * 2, True),  # twice
    (f"event: fragment\r\ndata: {_GOOD}\r\n\r\n", True),  # not chunked, other line ends
    (f"data: {_GOOD}\n", False),  # without its end
    (f"data: {body(_NUMBER + 1)}\n\n", False),  # another message
)
_PIECES, _PLAIN = 1, 6
_MESSAGES, _WRONG = 9, 3


def check_eyes(binary: Path) -> None:
    """Raises Broken when the load does not see what was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        port: int = listener.getsockname()[1]
        with Subscribers(binary, port, _REQUEST, "", len(_EVENTS)) as load:
            load.expect(range(_NUMBER, _NUMBER + 1))
            load.open(len(_EVENTS))
            arrived, state = load.arrivals(1), load.state()
    found = arrived.got, state.messages, state.wrong
    due = sum(whole for _, whole in _EVENTS), _MESSAGES, _WRONG
    if found != due:
        raise Broken(f"the load saw {found} (complete, messages, wrong) where it was sent {due}")


def _serve(listener: socket.socket) -> None:
    lines = []  # held open until all have been served
    for _ in _EVENTS:
        line, _ = listener.accept()
        asked = re.search(rb"visitor-(\d+)", line.recv(4096))
        assert asked
        who = int(asked[1])
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in _answer(who, _EVENTS[who][0].encode()):
            line.sendall(piece)
        lines.append(line)
    listener.accept()


def _answer(who: int, events: bytes) -> Iterator[bytes]:
    if who == _PLAIN:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events
        return
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    if who != _PIECES:
        yield b"%x\r\n%b\r\n" % (len(events), events)
        return
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in _parts(events, 100))
    yield from _parts(chunks, 7)


def _parts(whole: bytes, size: int) -> Iterator[bytes]:
    return (whole[at : at + size] for at in range(0, len(whole), size))
