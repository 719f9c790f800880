"""The lab's page is offered by the orders' fragment server, and only where the lab is on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import httpx2
import pytest

from jogakbo.testing import FakeService, running
from orders_fragment.app import create_app
from orders_fragment.settings import Settings

LINE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 1, "price_won": 5000}


@pytest.fixture
def lab_url(fake_service: FakeService) -> Iterator[str]:
    with running(create_app(Settings(service_url=fake_service.url, lab=True))) as address:
        yield address


def pages(url: str) -> list[str]:
    offered = httpx2.get(f"{url}/manifest.json").json()["jogakbo"]
    return [cast(str, page["path"]) for page in offered.get("pages", [])]


def test_there_is_no_lab_in_earnest(url: str) -> None:
    assert pages(url) == []
    assert httpx2.get(f"{url}/sagas").status_code == 404


def test_the_lab_shows_what_every_new_order_waits_for(lab_url: str, service: FakeService) -> None:
    order = {"id": "0191-7", "number": 7, "placed_at": "2026-11-22T02:30:00Z", "lines": [LINE], "total_won": 5000}
    waits = {"state": "VOIDING", "payment": "cash", "waits_for": "till.VoidPayment", "tries": 5, "alarm": True}
    service.answers("GET", "/recent", {"orders": [order | waits]})
    assert pages(lab_url) == ["/lab"]
    html = httpx2.get(f"{lab_url}/sagas").text
    for words in ("/orders/0191-7", "VOIDING", "waits for till.VoidPayment, try 5", "alarm"):
        assert words in html
