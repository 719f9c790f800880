from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Upstream
from shell.tests.harness import FakeFragmentServer
from shell.tests.varnish import Fronted, Varnish, front


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def cafe() -> AsyncIterator[FakeFragmentServer]:
    """A fragment server that has shown no manifest yet."""
    async with FakeFragmentServer() as server:
        yield server


@pytest.fixture(params=[PooledUpstream, Httpx2Upstream])
async def upstream(request: pytest.FixtureRequest) -> AsyncIterator[Upstream]:
    """Every adapter of the port in turn, with bounds that a test reaches quickly."""
    adapter: type[PooledUpstream] | type[Httpx2Upstream] = request.param
    made = adapter(max_body_bytes=10_000, max_header_bytes=2_000, max_connections=4)
    yield made
    await made.close()


@pytest.fixture
async def pool() -> AsyncIterator[PooledUpstream]:
    made = PooledUpstream(max_body_bytes=10_000, max_header_bytes=2_000, max_connections=4)
    yield made
    await made.close()


@pytest.fixture(scope="session")
def varnish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Varnish]:
    server = Varnish(tmp_path_factory.mktemp("varnish"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fronted(varnish: Varnish, tmp_path: Path) -> Fronted:
    return front(varnish, tmp_path)
