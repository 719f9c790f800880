"""``serve`` as a real process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

_MEMBER = """
import asyncio, sys
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from jogakbo.serving import serve

@asynccontextmanager
async def lifespan(app):
    yield
    print("put away", flush=True)

async def loop(request):
    return PlainTextResponse(type(asyncio.get_running_loop()).__module__)

async def for_ever(request):
    print("asked", flush=True)
    await asyncio.Event().wait()

app = Starlette(routes=[Route("/loop", loop), Route("/for-ever", for_ever)], lifespan=lifespan)
serve(app, host="127.0.0.1", port=int(sys.argv[1]), grace_seconds=1)
"""


@pytest.fixture
def member(tmp_path: Path, unused_port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    (tmp_path / "member.py").write_text(_MEMBER)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "member.py"), str(unused_port)], stdout=subprocess.PIPE, text=True
    )
    ends = time.monotonic() + 20
    while not _listens(unused_port):
        assert process.poll() is None
        assert time.monotonic() < ends
    yield process, f"http://127.0.0.1:{unused_port}"
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_it_runs_on_uvloop(member: tuple[subprocess.Popen[str], str]) -> None:
    _, url = member
    assert httpx2.get(f"{url}/loop").text.startswith("uvloop")


def test_sigterm_ends_it_within_its_grace_even_while_a_request_hangs(
    member: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = member
    assert process.stdout is not None
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as link:
        link.sendall(b"GET /for-ever HTTP/1.1\r\nhost: x\r\n\r\n")
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) in (0, -signal.SIGTERM)
    assert "put away" in process.stdout.read()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
