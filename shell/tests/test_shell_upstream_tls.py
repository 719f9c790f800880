"""https to a fragment server: who cannot prove who it is gets no request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from jogakbo_shell.upstream.errors import Unreachable
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Request
from shell.tests.certificates import THIS_MACHINE, certificate, server_context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(file))
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def fetch(url: str, *, trusted: Path | None) -> bytes:
    context = ssl.create_default_context(cafile=trusted)
    pool = PooledUpstream(max_body_bytes=1000, max_header_bytes=1000, max_connections=1, tls=context)
    try:
        return (await pool.fetch(Request(url), deadline=5)).body
    finally:
        await pool.close()


async def test_a_server_with_a_trusted_certificate_is_asked(tmp_path: Path) -> None:
    file = certificate(tmp_path, THIS_MACHINE)
    async with serving(file) as url:
        assert await fetch(url, trusted=file) == b"hello"


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with serving(certificate(tmp_path, THIS_MACHINE)) as url:
        with pytest.raises(Unreachable, match="certificate"):
            await fetch(url, trusted=None)


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("elsewhere.example"))
    async with serving(file) as url:
        with pytest.raises(Unreachable, match="certificate"):
            await fetch(url, trusted=file)
