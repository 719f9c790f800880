"""Two replicas of the service, on one database and one real Valkey, run the same sagas at the same time."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from fastapi import FastAPI
from sqlalchemy import Connection
from starlette.testclient import TestClient

from jogakbo.cli.valkey import valkey_arguments
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer, Outbox
from jogakbo.service import Database, ServiceSettings, create_service
from orders_service.app import create_app
from orders_service.settings import Settings

from .conftest import Cafe

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
ANSWERS = {
    "inventory.ReserveStock": "inventory.StockReserved",
    "till.ChargePayment": "till.PaymentCharged",
    "inventory.CommitReservation": "inventory.ReservationCommitted",
}
_BOUND_SECONDS = 60.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class _Command(msgspec.Struct):
    order_id: str
    amount_won: int = 0


def say_yes_twice(name: str, folder: Path, redis_url: str) -> FastAPI:
    """Who stands for inventory and till: it says yes to every command, and says it twice."""
    consumer, outbox = Consumer(), Outbox(name)
    for command, answer in ANSWERS.items():
        if command.startswith(name):

            def say_yes(connection: Connection, event: CloudEvent, data: _Command, answer: str = answer) -> None:
                for _ in range(2):
                    outbox.add(connection, answer, data.order_id, data)

            consumer.on(command, _Command, source="orders")(say_yes)
    database = Database(f"sqlite:///{folder}/{name}.db")
    settings = ServiceSettings(port=0, redis_url=redis_url)
    return create_service(name, settings=settings, database=database, routers=[], consumer=consumer)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server = subprocess.Popen(
        valkey_arguments(port, tmp_path / "valkey"),
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509
    )
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


@contextmanager
def woken_by(*apps: FastAPI) -> Iterator[threading.Event]:
    """Set by every commit of ``apps``."""
    woken = threading.Event()
    with ExitStack() as stack:
        for app in apps:
            stack.enter_context(app.state.kit.database.on_commit(woken.set))
        yield woken


def test_two_replicas_take_each_step_once(cafe: Cafe, database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = Settings(orders_database_url=database_url, redis_url=redis_url)
    replicas = [create_app(settings, now=lambda: NOON) for _ in range(2)]
    others = [say_yes_twice(name, tmp_path, redis_url) for name in ("inventory", "till")]
    order_ids = [str(uuid4()) for _ in range(4)]
    wanted = {"lines": [{"item_id": "latte", "qty": 1}], "payment": "cash"}
    with ExitStack() as stack:
        clients = [stack.enter_context(TestClient(app)) for app in (*replicas, *others)][:2]
        woken = stack.enter_context(woken_by(*replicas))
        for order_id in order_ids:
            assert sorted(client.put(f"/orders/{order_id}", json=wanted).status_code for client in clients) == [
                200,
                202,
            ]
        ends = time.monotonic() + _BOUND_SECONDS
        while any(cafe.order(order_id).state != "CONFIRMED" for order_id in order_ids):
            woken.wait(1)
            woken.clear()
            assert time.monotonic() < ends, [cafe.order(order_id) for order_id in order_ids]
    for order_id in order_ids:
        assert cafe.timeline(order_id) == ["placed", "reserved", "charged", "committed"]
    said = Counter(event.subject for event in {event.id: event for event in cafe.events()}.values())
    assert said == dict.fromkeys(order_ids, 5)
