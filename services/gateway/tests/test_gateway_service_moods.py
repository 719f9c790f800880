"""The gateway's moods over real sockets, and that none exists outside of a lab."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from starlette.testclient import TestClient

from gateway_service.app import create_app
from gateway_service.moods import Moods
from gateway_service.settings import Settings
from jogakbo.testing.running import running

pytestmark = pytest.mark.databases("sqlite")  # how it answers, not what it keeps

CHARGE = {"order_id": "order-1", "amount_won": 4500, "payment": "card-4242", "business_day": "2026-03-02"}


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    with running(create_app(settings)) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        yield client


def charge(client: httpx2.Client, timeout_seconds: float = 5) -> httpx2.Response:
    return client.post("/charges", json=CHARGE, headers={"Idempotency-Key": "order-1"}, timeout=timeout_seconds)


def test_a_gateway_in_the_mood_to_decline_declines_what_is_new_alone(client: httpx2.Client) -> None:
    client.put("/mood", json={"mood": "decline"})
    assert charge(client).json()["reason"] == "card_declined"
    client.put("/mood", json={"mood": "accept"})
    assert charge(client).json()["state"] == "declined"


def test_a_gateway_that_times_out_has_charged_all_the_same(client: httpx2.Client) -> None:
    client.put("/mood", json={"mood": "time_out"})
    with pytest.raises(httpx2.ReadTimeout):
        charge(client, timeout_seconds=2)
    assert client.get("/charges/order-1").json()["state"] == "accepted"
    client.put("/mood", json={"mood": "accept"})
    assert charge(client).json()["state"] == "accepted"


def test_a_late_gateway_answers_later(client: httpx2.Client) -> None:
    client.put("/mood", json={"mood": "late"})
    answer = charge(client)
    assert answer.json()["state"] == "accepted"
    assert answer.elapsed.total_seconds() >= 0.3


def test_a_gateway_that_is_down_answers_for_its_health_and_mood_alone(client: httpx2.Client) -> None:
    said = client.put("/mood", json={"mood": "down", "seconds": 60}).json()
    assert (said["mood"], 59 <= said["seconds_left"] <= 60) == ("down", True)
    refused = charge(client)
    assert (refused.status_code, refused.json()["code"]) == (503, "gateway_down")
    assert client.get("/charges/order-1").status_code == 503
    assert client.get("/readyz").status_code == 200
    client.put("/mood", json={"mood": "accept"})
    assert client.get("/charges/order-1").status_code == 404


def test_a_mood_passes() -> None:
    seconds = 0.0
    moods = Moods(lambda: seconds)
    moods.set("down", 30)
    seconds = 29.9
    assert moods.told().mood == "down"
    seconds = 30.0
    assert (moods.told().mood, moods.told().seconds_left) == ("accept", 0)


def test_outside_of_a_lab_there_are_no_moods(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"lab": False}))) as client:
        assert client.get("/mood").status_code == 404
        assert client.put("/mood", json={"mood": "down"}).status_code == 404
