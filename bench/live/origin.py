"""The fragment server behind our shell: six fragments whose versions the harness sets, and a count of their renders."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.live.messages import FRAGMENTS, body

NAME = "bench"


class Origin:
    """`versions` are the numbers of the messages that the fragments show: set one, then tell that its key changed."""

    def __init__(self) -> None:
        self.versions = list(range(FRAGMENTS))
        self.rendered: Counter[int] = Counter()
        self.address = ""

    @property
    def renders(self) -> int:
        return self.rendered.total()

    def answer(self, path: str) -> tuple[str, str, str] | None:
        """Body, media type and key."""
        match path.removeprefix("/").split("?")[0]:
            case "manifest.json":
                return _MANIFEST, "application/json", ""
            case "readyz":
                return '{"checks": {}}', "application/json", ""
            case name if name.startswith("f") and name[1:].isdigit() and int(name[1:]) < FRAGMENTS:
                at = int(name[1:])
                self.rendered[at] += 1
                return body(self.versions[at]), "text/html; charset=utf-8", key(at)
        return None


def key(fragment: int) -> str:
    return f"{NAME}-f{fragment}"


def start_origin(stack: ExitStack) -> Origin:
    """On a thread of this process: there is one render for each message, whatever the number of connections."""
    origin = Origin()

    class Handler(_Handler):
        pass

    Handler.origin = origin
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    origin.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return origin


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    origin: Origin

    def do_GET(self) -> None:
        answer = self.origin.answer(self.path)
        text, media_type, named = answer or ("", "text/plain", "")
        fields = [
            f"HTTP/1.1 {200 if answer else 404} .",
            f"Content-Type: {media_type}",
            f"Content-Length: {len(text)}",
            "Cache-Control: public, max-age=600",
            *([f"Surrogate-Key: {named}"] if named else []),
        ]
        # In one piece: two would be two packets, and the second of them could wait for the first one's receipt.
        self.wfile.write(("\r\n".join(fields) + f"\r\n\r\n{text}").encode())

    def handle(self) -> None:
        with suppress(ConnectionError):  # a shell that ends
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


_MANIFEST = json.dumps(
    {
        "name": NAME,
        "version": "1.0.0",
        "content": "/f0",
        "jogakbo": {
            "contract": 1,
            "fragments": {
                f"f{at}": {"path": f"/f{at}", "title": {"en": f"Piece {at}"}, "audience": "public"}
                for at in range(FRAGMENTS)
            },
        },
    }
)
