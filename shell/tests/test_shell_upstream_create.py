"""Which client is chosen, and the way through a proxy."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from jogakbo_shell.settings import Settings
from jogakbo_shell.upstream.create import create_upstream
from jogakbo_shell.upstream.errors import Unreachable
from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Request, Upstream
from shell.tests.certificates import THIS_MACHINE, certificate, server_context
from shell.tests.harness import FakeFragmentServer, answer
from shell.tests.listening import ClosesAfter, listening

pytestmark = pytest.mark.anyio


class Proxy:
    """Passes on what it is asked, in full or through a tunnel; remembers the first line of each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n", 1)[0].decode()
        self.asked.append(line)
        method, target, _ = line.split(" ")
        authority = target.removeprefix("http://").partition("/")[0]
        host, _, port = authority.partition(":")
        further, back = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            back.write(head.replace(f"http://{authority}".encode(), b"", 1))
        ways = [asyncio.ensure_future(_pass(*way)) for way in ((reader, back), (further, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            back.transport.abort()
            writer.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


def made(**settings: object) -> Upstream:
    return create_upstream(Settings.model_validate(settings))


async def test_the_pool_is_what_asks_unless_told_otherwise() -> None:
    assert isinstance(made(), PooledUpstream)
    assert isinstance(made(upstream_client="httpx2"), Httpx2Upstream)


async def test_settings_bound_what_is_made(cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x" * 101)
    for client in ("pool", "httpx2"):
        upstream = made(upstream_client=client, max_body_bytes=100)
        with pytest.raises(Exception, match="more than 100 bytes"):
            await upstream.fetch(Request(f"{cafe.address}/x"), deadline=2)
        await upstream.close()


@pytest.mark.parametrize(
    ("client", "proxy"), [("pool", "http://user:secret@127.0.0.1:1"), ("httpx2", "socks5://user:secret@127.0.0.1:1")]
)
def test_a_proxy_that_cannot_be_used_is_said_at_the_start(client: str, proxy: str) -> None:
    with pytest.raises(ValueError, match="UPSTREAM_PROXY") as caught:
        made(upstream_client=client, upstream_proxy=proxy)
    assert "secret" not in str(caught.value)


async def test_a_proxy_passes_requests_on(cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("hello")
    proxy = Proxy()
    async with listening(proxy) as address:
        upstream = made(upstream_client="httpx2", upstream_proxy=address)
        assert (await upstream.fetch(Request(f"{cafe.address}/x?a=1"), deadline=2)).body == b"hello"
        await upstream.close()
    assert proxy.asked == [f"GET {cafe.address}/x?a=1 HTTP/1.1"]


async def test_https_goes_through_a_tunnel_and_is_verified_at_its_end(tmp_path: Path) -> None:
    file, proxy = certificate(tmp_path, THIS_MACHINE), Proxy()
    server = await asyncio.start_server(ClosesAfter(), "127.0.0.1", 0, ssl=server_context(file))
    port = server.sockets[0].getsockname()[1]
    async with server, listening(proxy) as address:
        for trusted in (None, file):
            upstream = Httpx2Upstream(
                max_body_bytes=1000,
                max_header_bytes=1000,
                max_connections=1,
                tls=ssl.create_default_context(cafile=trusted),
                proxy=address,
            )
            asking = upstream.fetch(Request(f"https://127.0.0.1:{port}/"), deadline=2)
            if trusted:
                assert (await asking).body == b"x"
            else:
                with pytest.raises(Unreachable, match="certificate"):
                    await asking
            await upstream.close()
    assert proxy.asked == [f"CONNECT 127.0.0.1:{port} HTTP/1.1"] * 2


async def test_a_proxy_that_is_gone_is_no_answer(cafe: FakeFragmentServer) -> None:
    async with FakeFragmentServer() as gone:
        address = gone.address
    upstream = made(upstream_client="httpx2", upstream_proxy=address)
    with pytest.raises(Unreachable):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=2)
    await upstream.close()
    assert cafe.connections == 0


async def test_a_proxy_that_refuses_is_no_answer() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    async with listening(refuse) as address:
        upstream = made(upstream_client="httpx2", upstream_proxy=address)
        with pytest.raises(Unreachable, match="403"):
            await upstream.fetch(Request("https://127.0.0.1:9/x"), deadline=2)
        await upstream.close()


async def test_a_proxy_of_the_environment_is_not_meant(
    upstream: Upstream, cafe: FakeFragmentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cafe.at["/x"] = answer("hello")
    assert (await upstream.fetch(Request(f"{cafe.address}/x"), deadline=2)).body == b"hello"
