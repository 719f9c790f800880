from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shell.tests.harness import FakeFragmentServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def cafe() -> AsyncIterator[FakeFragmentServer]:
    """A fragment server that has shown no manifest yet."""
    async with FakeFragmentServer() as server:
        yield server
