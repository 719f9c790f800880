"""A fragment server over real HTTP, with a fake service behind it; both live as long as a module's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jogakbo.testing import FakeService, running
from orders_fragment.app import create_app
from orders_fragment.settings import Settings


@pytest.fixture(scope="module")
def fake_service() -> Iterator[FakeService]:
    with FakeService() as fake:
        fake.answers("GET", "/readyz", {"version": "1"})
        yield fake


@pytest.fixture
def service(fake_service: FakeService) -> FakeService:
    """The service; what earlier tests asked of it is forgotten."""
    fake_service.requests.clear()
    return fake_service


@pytest.fixture(scope="module")
def url(fake_service: FakeService) -> Iterator[str]:
    with running(create_app(Settings(service_url=fake_service.url, service_timeout_seconds=5))) as address:
        yield address
