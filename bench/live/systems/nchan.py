"""nginx with Nchan, Redis-backed."""

from __future__ import annotations

import os
import resource
import socket
import time
from functools import partial
from pathlib import Path

from bench.installs import Missing, filled, program
from bench.live.messages import body
from bench.live.systems.system import CHANNEL, PEERS, Ground, System
from bench.processes import SYSTEM_CORE, Process, free_port, listens, run

_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_REQUEST = """\
GET /sse HTTP/1.1\r
Host: 127.0.0.1\r
Accept: text/event-stream\r
Last-Event-ID: @CURSOR@\r
\r
"""


def start_nchan(ground: Ground) -> System:
    binary = program("nginx", "nginx with Nchan", "nginx-light libnginx-mod-nchan")
    if not _MODULE.exists():
        raise Missing("nginx with Nchan: apt-get install libnginx-mod-nchan")
    folder, port = ground.folder / "nchan", free_port()
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "MODULE": _MODULE,
        "USER": "user root;" if os.geteuid() == 0 else "",
        "FILES": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "FOLDER": folder,
        "PORT": port,
        "BUS": ground.bus.port,
        "CHANNEL": CHANNEL,
    }
    configuration = folder / "nginx.conf"
    configuration.write_text(filled((PEERS / "nchan.conf").read_text(), values))
    words: list[str | Path] = [binary, "-p", folder, "-c", configuration, "-e", folder / "error.log"]
    process = ground.stack.enter_context(Process(words, core=SYSTEM_CORE, log=folder / "output.log"))
    process.wait_until(partial(listens, port), "open port")
    return System(
        name="nchan",
        label="nginx with Nchan",
        version=_version(binary),
        process=process,
        port=port,
        publish=Publisher(port).publish,
        subscribe=lambda: (_REQUEST, ""),
        resumes=True,
    )


class Publisher:
    """Posts over one kept connection, all messages of a burst at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: socket.socket | None = None

    def publish(self, numbers: range) -> int:
        line = self._line = self._line or self._connect()
        requests = "".join(_post(body(number)) for number in numbers)
        before = time.monotonic_ns()
        line.sendall(requests.encode())
        self._take_answers(line, len(numbers))
        return before

    def _connect(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self._port), 10)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _take_answers(self, line: socket.socket, count: int) -> None:
        received = b""
        while received.count(b"HTTP/1.1 20") < count:
            received += line.recv(65_536)


def _post(message: str) -> str:
    fields = f"Host: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: {len(message)}"
    return f"POST /publish HTTP/1.1\r\n{fields}\r\n\r\n{message}"


def _version(binary: str) -> str:
    nginx = run([binary, "-v"], core=SYSTEM_CORE).strip().removeprefix("nginx version: ").replace("/", " ")
    try:
        nchan = run(["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"], core=SYSTEM_CORE)
    except (OSError, RuntimeError):
        return nginx
    return f"{nginx}, Nchan {nchan.split(':')[-1].split('+')[0]}"
